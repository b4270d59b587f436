;; Writes its message to a new file of its private directory, which then takes the place of the file "last", and passes it on
;; whether that succeeds or not: with the property errno, two digits of WASI's, 00 for success. A disk that is full shows,
;; because the message before keeps its room meanwhile, and that there is room again.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 6)
  (data (i32.const 0) "last")
  (data (i32.const 8) "new")
  (data (i32.const 48) "errno=00")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func $write (param $ptr i32) (param $len i32) (result i32) ;; the errno; a write may take less than all
    (local $errno i32)
    (loop $more
      (i32.store (i32.const 32) (local.get $ptr))
      (i32.store (i32.const 36) (local.get $len))
      (local.set $errno (call $fd_write (i32.load (i32.const 16)) (i32.const 32) (i32.const 1) (i32.const 20)))
      (if (local.get $errno) (then (return (local.get $errno))))
      (local.set $ptr (i32.add (local.get $ptr) (i32.load (i32.const 20))))
      (local.set $len (i32.sub (local.get $len) (i32.load (i32.const 20))))
      (br_if $more (local.get $len)))
    (i32.const 0))
  (func $keep (param $ptr i32) (param $len i32) (result i32) ;; the errno
    (local $errno i32)
    ;; open to write, made where it is missing and emptied; the descriptor comes to 16
    (local.set $errno (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 3)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (local.set $errno (call $write (local.get $ptr) (local.get $len)))
    (drop (call $fd_close (i32.load (i32.const 16))))
    (if (local.get $errno) (then (return (local.get $errno))))
    (call $path_rename (i32.const 3) (i32.const 8) (i32.const 3) (i32.const 3) (i32.const 0) (i32.const 4)))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $keep (local.get $ptr) (local.get $len)))
    (i32.store8 (i32.const 54) (i32.add (i32.const 48) (i32.div_u (local.get $errno) (i32.const 10))))
    (i32.store8 (i32.const 55) (i32.add (i32.const 48) (i32.rem_u (local.get $errno) (i32.const 10))))
    (drop (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 48) (i32.const 8)))
    (i32.const 2))
)
