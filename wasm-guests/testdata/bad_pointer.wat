;; Emits a body that ends one byte behind its memory. It proves that the host checks pointers before it reads: this is
;; a trap of the guest and nothing else.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 327679) (i32.const 2) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
