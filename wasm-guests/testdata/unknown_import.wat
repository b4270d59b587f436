;; Imports a function that no interface of the host has. It proves that it is refused with that name.
(module
  (import "env" "launch" (func $launch (param i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (call $launch (local.get $len))
    (i32.const 1))
)
