;; Fails every message and says why. It proves that the reason goes with the dead letter.
(module
  (import "edge" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "no thank you")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (call $fail (i32.const 0) (i32.const 12))
    (i32.const -1))
)
