package wasm_test

import "testing"

// scriptGuest runs its message as a script on its state: operations of an op byte, the key's length, the value's length
// in two bytes, key and value. Ops are s(et), d(elete), g(et), and at an end f(ail) or t(rap). What each host function
// answered, and up to 64 bytes of what get found, is emitted in the order of the operations.
func scriptGuest(t testing.TB) []byte {
	return guestOf(t, importEmit+importSet+`
		(import "edge" "state_get" (func $get (param i32 i32 i32 i32) (result i32)))
		(import "edge" "state_delete" (func $delete (param i32 i32) (result i32)))`, `
		(global $out (mut i32) (i32.const 0))
		(func $answer (param $r i32)
			(i32.store (global.get $out) (local.get $r)) (global.set $out (i32.add (global.get $out) (i32.const 4))))`, `
		(local $end i32) (local $op i32) (local $kl i32) (local $vl i32) (local $k i32) (local $v i32) (local $r i32)
		(local.set $end (i32.add (local.get $ptr) (local.get $len)))
		(global.set $out (i32.const 131072))
		(block $done (loop $next
			(br_if $done (i32.ge_u (local.get $ptr) (local.get $end)))
			(local.set $op (i32.load8_u (local.get $ptr)))
			(local.set $kl (i32.load8_u offset=1 (local.get $ptr)))
			(local.set $vl (i32.load16_u offset=2 (local.get $ptr)))
			(local.set $k (i32.add (local.get $ptr) (i32.const 4)))
			(local.set $v (i32.add (local.get $k) (local.get $kl)))
			(local.set $ptr (i32.add (local.get $v) (local.get $vl)))
			(if (i32.eq (local.get $op) (i32.const 116)) (then (unreachable)))
			(if (i32.eq (local.get $op) (i32.const 102)) (then (return (i32.const -1))))
			(if (i32.eq (local.get $op) (i32.const 115)) (then
				(call $answer (call $set (local.get $k) (local.get $kl) (local.get $v) (local.get $vl)))))
			(if (i32.eq (local.get $op) (i32.const 100)) (then (call $answer (call $delete (local.get $k) (local.get $kl)))))
			(if (i32.eq (local.get $op) (i32.const 103)) (then
				(local.set $r (call $get (local.get $k) (local.get $kl) (i32.add (global.get $out) (i32.const 4)) (i32.const 64)))
				(call $answer (local.get $r))
				(if (i32.gt_s (local.get $r) (i32.const 64)) (then (local.set $r (i32.const 64))))
				(if (i32.gt_s (local.get $r) (i32.const 0)) (then (global.set $out (i32.add (global.get $out) (local.get $r)))))))
			(br $next)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 131072) (i32.sub (global.get $out) (i32.const 131072)) (i32.const 0) (i32.const 0)))
		(i32.const 2)`)
}

// op encodes one operation of a script.
func op(name byte, key, value string) string {
	return string([]byte{name, byte(len(key)), byte(len(value)), byte(len(value) >> 8)}) + key + value
}

// answer encodes what a host function answered.
func answer(code int32, found string) string {
	return string([]byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code >> 24)}) + found[:min(len(found), 64)]
}
