  ;; What every guest here does with a message: it looks for "v": in it, reads the digits behind, and answers whether
  ;; their number is above 50; -1 where there is none.
  (func $scan (param $at i32) (param $len i32) (result i32)
    (local $end i32) (local $digit i32) (local $value i32)
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $missing
      (loop $search
        (br_if $missing (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)))
        (if (i32.ne (i32.load (local.get $at)) (i32.const 0x3a227622)) ;; "v": from its end
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $search))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (block $over
        (loop $read
          (br_if $over (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
          (br_if $over (i32.gt_u (local.get $digit) (i32.const 9)))
          (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10)) (local.get $digit)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $read)))
      (return (i32.gt_s (local.get $value) (i32.const 50))))
    (i32.const -1))
