  ;; The smallest interface that hosts agree on: room for a message, and a function that returns where its output is
  ;; (above) and how long (below). The output is a copy, or empty.
  (func (export "alloc") (param $size i32) (result i32) (i32.const 1024))
  (func (export "process") (param $ptr i32) (param $len i32) (result i64)
    (if (i32.ne (call $scan (local.get $ptr) (local.get $len)) (i32.const 1)) (then (return (i64.const 0))))
    (memory.copy (i32.const 65536) (local.get $ptr) (local.get $len))
    (i64.or (i64.shl (i64.const 65536) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
