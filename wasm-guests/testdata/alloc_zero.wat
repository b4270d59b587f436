;; Has no room for any message. It proves that the host takes 0 from edge_alloc as an answer, not as a pointer.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.const 1))
)
