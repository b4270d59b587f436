;; Counts messages with the counter "seen" and sets the gauge "bytes" to the length of the last. It proves that a guest's
;; metrics come out.
(module
  (import "edge" "metric" (func $metric (param i32 i32 i32 f64)))
  (memory (export "memory") 5)
  (data (i32.const 0) "seen")
  (data (i32.const 16) "bytes")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (call $metric (i32.const 0) (i32.const 0) (i32.const 4) (f64.const 1))
    (call $metric (i32.const 1) (i32.const 16) (i32.const 5) (f64.convert_i32_u (local.get $len)))
    (i32.const 1))
)
