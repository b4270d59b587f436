;; Calls itself without end. It proves that stackKiB holds and that such a trap is cheap.
(module
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func $deeper (param $n i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get $n) (i32.const 1))) (i32.const 1)))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (call $deeper (local.get $len)))
)
