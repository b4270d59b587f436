;; Emits a body whose pointer and length add up to more than 32 bits. It proves that the host's check of pointers does
;; not overflow.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0xfffffff0) (i32.const 0x20) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
