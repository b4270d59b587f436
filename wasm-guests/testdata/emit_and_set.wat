;; Emits its message to the signal's own output and keeps the first 8 bytes of it under the key "k". It is what the
;; benchmarks compare with pass.wat, which does neither.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "edge" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "k")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))
    (drop (call $set (i32.const 0) (i32.const 1) (local.get $ptr) (i32.const 8)))
    (i32.const 2))
)
