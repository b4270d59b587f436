;; The same for Extism: messages lie in the memory of its kernel, from which a plug-in copies them into its own and
;; back, eight bytes a call, as Extism's own libraries for guests do. The length must be a multiple of eight.
(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 2)
  ;; scan.wat
  (func (export "process") (result i32)
    (local $len i32) (local $at i32) (local $out i64)
    (local.set $len (i32.wrap_i64 (call $input_length)))
    (loop $in
      (i64.store offset=1024 (local.get $at) (call $input_load (i64.extend_i32_u (local.get $at))))
      (br_if $in (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $len))))
    (if (i32.ne (call $scan (i32.const 1024) (local.get $len)) (i32.const 1)) (then (return (i32.const 0))))
    (local.set $out (call $alloc (i64.extend_i32_u (local.get $len))))
    (local.set $at (i32.const 0))
    (loop $back
      (call $store (i64.add (local.get $out) (i64.extend_i32_u (local.get $at))) (i64.load offset=1024 (local.get $at)))
      (br_if $back (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $len))))
    (call $output_set (local.get $out) (i64.extend_i32_u (local.get $len)))
    (i32.const 0))
)
