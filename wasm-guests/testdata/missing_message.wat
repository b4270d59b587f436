;; Exports nothing but memory and edge_alloc. It proves that a binary is refused before it is instantiated, with the name
;; of what is missing.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
)
