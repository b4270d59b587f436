;; Accepts a configuration that has the letters ok anywhere, the signal's name included, and refuses all others with a
;; reason; passes every message. It proves that refused settings leave the previous ones at work and that the operator
;; reads the reason.
(module
  (import "edge" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "settings lack the word ok")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_configure") (param $ptr i32) (param $len i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $ptr) (local.get $len)))
    (loop $next
      (if (i32.lt_u (i32.add (local.get $ptr) (i32.const 1)) (local.get $end))
        (then
          (if (i32.eq (i32.load16_u (local.get $ptr)) (i32.const 0x6b6f)) ;; "ok", little-endian
            (then (return (i32.const 0))))
          (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
          (br $next))))
    (call $fail (i32.const 0) (i32.const 25))
    (i32.const -1))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.const 1))
)
