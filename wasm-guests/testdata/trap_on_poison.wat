;; Traps at a message whose first byte is "!", passes all others. It proves that one poisoned message costs the signal
;; that message and no other.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (if (i32.and (i32.gt_u (local.get $len) (i32.const 0)) (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 33)))
      (then (unreachable)))
    (i32.const 1))
)
