;; Keeps the document that it was last configured with and emits it at each message. It proves that settings arrive
;; before the first message and that a change is at work with the next one.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 6)
  (global $len (mut i32) (i32.const 0))
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_configure") (param $ptr i32) (param $len i32) (result i32)
    (memory.copy (i32.const 327680) (local.get $ptr) (local.get $len))
    (global.set $len (local.get $len))
    (i32.const 0))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 327680) (global.get $len) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
