;; Hands out room behind the end of its memory. It proves that the host checks where it is about to write.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param i32) (result i32) (i32.const 327680))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.const 1))
)
