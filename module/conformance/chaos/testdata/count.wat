;; Puts "count=00000012 " before its message and emits it, where 12 is how many messages it has worked on: the number is
;; in its durable state under "n", as four bytes. A message that was worked on twice, or whose count was lost, shows.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "edge" "state_get" (func $state_get (param i32 i32 i32 i32) (result i32)))
  (import "edge" "state_set" (func $state_set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 6)
  (data (i32.const 0) "n")
  (data (i32.const 1009) "count=00000000 ")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func $write (param $n i32) ;; the eight digits before 1023
    (local $at i32)
    (local.set $at (i32.const 1023))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $digit (i32.gt_u (local.get $at) (i32.const 1015)))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0)) ;; stays so where there is no state yet
    (drop (call $state_get (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4)))
    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
    (drop (call $state_set (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $write (i32.load (i32.const 16)))
    (drop (call $emit (i32.const 0) (i32.const 0)
      (i32.const 1009) (i32.add (local.get $len) (i32.const 15)) (i32.const 0) (i32.const 0)))
    (i32.const 2))
)
