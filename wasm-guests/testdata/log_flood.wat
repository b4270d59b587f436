;; Logs its input a hundred thousand times, then passes it. It proves that logLinesPerMinute holds and that what is over
;; it costs the host nothing.
(module
  (import "edge" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $again
      (call $log (i32.const 2) (local.get $ptr) (local.get $len))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 100000))))
    (i32.const 1))
)
