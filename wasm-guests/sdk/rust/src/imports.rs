//! The host functions of the interface edge/1. Outside the sandbox, where a guest's own logic is tested, they do nothing.

#[cfg(target_arch = "wasm32")]
mod sandbox {
    #[link(wasm_import_module = "edge")]
    extern "C" {
        pub fn emit(output: *const u8, output_len: usize, body: *const u8, body_len: usize, bag: *const u8, bag_len: usize) -> i32;
        pub fn property(name: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn fail(reason: *const u8, len: usize);
        pub fn log(level: i32, line: *const u8, len: usize);
        pub fn now() -> i64;
        pub fn state_get(key: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn state_set(key: *const u8, key_len: usize, value: *const u8, len: usize) -> i32;
        pub fn state_delete(key: *const u8, key_len: usize) -> i32;
        pub fn metric(kind: i32, name: *const u8, name_len: usize, value: f64);
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod sandbox {
    #![allow(clippy::missing_safety_doc)]
    type Bytes = *const u8;

    pub unsafe fn emit(_: Bytes, _: usize, _: Bytes, _: usize, _: Bytes, _: usize) -> i32 {
        0
    }
    pub unsafe fn property(_: Bytes, _: usize, _: *mut u8, _: usize) -> i32 {
        -1
    }
    pub unsafe fn fail(_: Bytes, _: usize) {}
    pub unsafe fn log(_: i32, _: Bytes, _: usize) {}
    pub unsafe fn now() -> i64 {
        0
    }
    pub unsafe fn state_get(_: Bytes, _: usize, _: *mut u8, _: usize) -> i32 {
        -1
    }
    pub unsafe fn state_set(_: Bytes, _: usize, _: Bytes, _: usize) -> i32 {
        0
    }
    pub unsafe fn state_delete(_: Bytes, _: usize) -> i32 {
        0
    }
    pub unsafe fn metric(_: i32, _: Bytes, _: usize, _: f64) {}
}

pub use sandbox::*;
