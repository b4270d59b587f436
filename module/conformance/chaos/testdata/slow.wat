;; Passes every message on, one that starts with "~" after a quarter of a second or so.
(module
  (memory (export "memory") 6)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (if (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 126))
      (then (loop $again
        (i32.store (i32.const 16) (local.get $n))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 200000000))))))
    (i32.const 1))
)
