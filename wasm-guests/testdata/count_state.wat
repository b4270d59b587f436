;; Counts messages in its state, under the key "n" as four bytes, and emits the count in decimal. It proves that state
;; outlives an instance, and that the state of a call that failed is not kept: a message that starts with "!" is counted
;; and then fails.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "edge" "state_get" (func $state_get (param i32 i32 i32 i32) (result i32)))
  (import "edge" "state_set" (func $state_set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "n")
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
    (i32.store (i32.const 16) (i32.const 0)) ;; stays so where there is no state yet
    (drop (call $state_get (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4)))
    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
    (drop (call $state_set (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $emitNumber (i32.load (i32.const 16)))
    (if (i32.and (i32.gt_u (local.get $len) (i32.const 0)) (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 33)))
      (then (return (i32.const -1))))
    (i32.const 2))
)
