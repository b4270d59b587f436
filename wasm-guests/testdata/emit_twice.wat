;; Emits "first" to the signal's own output and "second" to the output "alerts" with two properties, then passes
;; the message. It proves the order (what was emitted first, the passed message last) and the decoding of a bag.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "first")
  (data (i32.const 16) "second")
  (data (i32.const 32) "alerts")
  (data (i32.const 48) "alert=high&a%26b=1%2F2%20%C3%A9") ;; alert: high, a&b: 1/2 é
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0)))
    (drop (call $emit (i32.const 32) (i32.const 6) (i32.const 16) (i32.const 6) (i32.const 48) (i32.const 31)))
    (i32.const 1))
)
