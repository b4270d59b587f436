;; Takes its input as the name of a property and emits that property's value, or "(none)". It proves that properties of
;; the message at hand can be read, system properties too. It reads at most 4096 bytes.
(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "edge" "property" (func $property (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 6)
  (data (i32.const 0) "(none)")
  (func (export "edge_alloc") (param $size i32) (result i32)
    (select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (local.set $n (call $property (local.get $ptr) (local.get $len) (i32.const 327680) (i32.const 4096)))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 0) (i32.const 0))))
      (else
        (if (i32.gt_s (local.get $n) (i32.const 4096)) (then (local.set $n (i32.const 4096))))
        (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 327680) (local.get $n) (i32.const 0) (i32.const 0)))))
    (i32.const 2))
)
