;; Emits with a bag that is no valid percent-encoding, then emits "code -2", the number being what the host answered. It
;; proves that such a bag never reaches edgeHub, which would throw the message away.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "a=%zz")
  (data (i32.const 16) "code -?")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.store8 (i32.const 22) (i32.sub (i32.const 48) ;; "0" and the digit of a negative number
      (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 5))))
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 7) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
