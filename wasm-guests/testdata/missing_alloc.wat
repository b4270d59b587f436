;; Exports no edge_alloc. It proves that a binary is refused before it is instantiated, with the name of what is missing.
(module
  (memory (export "memory") 5)
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.const 1))
)
