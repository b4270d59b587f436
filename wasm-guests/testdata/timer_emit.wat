;; Emits "tick" at each tick and drops messages. It proves that a timer signal drives its guest.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "tick")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.const 0))
  (func (export "edge_timer") (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
