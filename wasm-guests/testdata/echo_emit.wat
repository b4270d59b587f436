;; Emits its input to the signal's own output and says done. It proves that an emitted body is the guest's, copied
;; in time, and that an empty output and an empty bag are allowed.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
