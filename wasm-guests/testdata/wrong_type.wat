;; Exports an edge_message that takes one argument and returns 64 bits. It proves that types are checked before anything is
;; called.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param i32) (result i64) (i64.const 1))
)
