;; Counts messages in its memory and emits the count in decimal. It proves which messages one instance has seen: the
;; count starts again with a fresh one, and no other signal has a part in it.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (global $n (mut i32) (i32.const 0))
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  ;; emitNumber emits $n in decimal, written from the right into the 16 bytes at 32.
  (func $emitNumber (param $n i32)
    (local $at i32)
    (local.set $at (i32.const 48))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $digit (local.get $n)))
    (drop (call $emit (i32.const 0) (i32.const 0)
      (local.get $at) (i32.sub (i32.const 48) (local.get $at)) (i32.const 0) (i32.const 0))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (call $emitNumber (global.get $n))
    (i32.const 2))
)
