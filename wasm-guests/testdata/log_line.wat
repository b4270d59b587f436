;; Logs its input at level 2, info, and passes it. It proves that a guest is heard.
(module
  (import "edge" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (call $log (i32.const 2) (local.get $ptr) (local.get $len))
    (i32.const 1))
)
