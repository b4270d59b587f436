//! What the exports work on.

use core::cell::UnsafeCell;

use crate::json::{self, Members, Value};
use crate::{text, Error, Guest, Host, Settings, Signal, Verdict};

/// A guest at work for one signal. [`guest!`](crate::guest) makes one. It lies in the order of its fields: what each call
/// touches is together, before the guest, which may be large.
#[repr(C)]
pub struct Instance<G: Guest> {
    larger: UnsafeCell<(*mut u8, usize)>, // room for inputs that the small one does not hold; null and 0 until one came
    small: UnsafeCell<[u8; SMALL]>,
    state: UnsafeCell<State<G>>,
}

#[repr(C)]
struct State<G: Guest> {
    settings: Option<G::Settings>, // those in force; None until the first were accepted
    guest: G,
}

// The host makes one call at a time.
unsafe impl<G: Guest> Sync for Instance<G> {}

const FAILED: i32 = -1;
const HOST: Host = Host(());

impl<G: Guest> Instance<G> {
    /// An instance of the guest before its first call.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Instance {
            larger: UnsafeCell::new((core::ptr::null_mut(), 0)),
            small: UnsafeCell::new([0; SMALL]),
            state: UnsafeCell::new(State { settings: None, guest: G::NEW }),
        }
    }

    /// `edge_alloc`: room for what the host hands in, null where there is none. One buffer does for all calls, since each
    /// is done with its input when it returns: a small one of the instance's own, for larger messages new pages of memory,
    /// which nothing else uses.
    ///
    /// # Safety
    /// No other call of the instance is under way.
    pub unsafe fn room(&self, size: usize) -> *mut u8 {
        let larger = &mut *self.larger.get();
        if size <= SMALL && larger.1 == 0 {
            return self.small.get().cast();
        }
        if size > LARGEST {
            return core::ptr::null_mut();
        }
        if size > larger.1 {
            match pages(size.max(2 * larger.1).div_ceil(PAGE)) {
                Some(room) => *larger = room,
                None => return core::ptr::null_mut(),
            }
        }
        larger.0
    }

    /// `edge_configure`: 0, or negative after telling the host why the settings are refused.
    ///
    /// # Safety
    /// The len bytes at `at` are the call's alone, and no other call of the instance is under way.
    pub unsafe fn configure(&self, at: *mut u8, len: usize) -> i32 {
        let (state, document) = (&mut *self.state.get(), core::slice::from_raw_parts_mut(at, len));
        match state.configure(document) {
            Ok(()) => 0,
            Err(reason) => failed(&reason),
        }
    }

    /// `edge_message`: the verdict, negative after telling the host the reason.
    ///
    /// # Safety
    /// As for `configure`.
    pub unsafe fn message(&self, at: *mut u8, len: usize) -> i32 {
        let (state, body) = (&mut *self.state.get(), core::slice::from_raw_parts_mut(at, len));
        finish(state.settings.as_ref().ok_or_else(unconfigured).and_then(|set| state.guest.message(&HOST, body, set)))
    }

    /// `edge_timer`: the verdict, as of `message`.
    ///
    /// # Safety
    /// No other call of the instance is under way.
    pub unsafe fn tick(&self) -> i32 {
        let state = &mut *self.state.get();
        finish(state.settings.as_ref().ok_or_else(unconfigured).and_then(|set| state.guest.tick(&HOST, set)))
    }
}

impl<G: Guest> State<G> {
    fn configure(&mut self, document: &mut [u8]) -> Result<(), Error> {
        let (mut name, mut partition, mut next) = ((0, 0), (0, 0), None);
        for member in Members::new(Value::new(document)) {
            let (key, value) = member.map_err(|_| "read configuration: it is malformed")?;
            match key {
                b"signal" => name = json::place(document, value.raw()),
                b"partition" => partition = json::place(document, value.raw()),
                b"settings" if !value.is_null() => next = Some(G::Settings::read(value)?),
                _ => {}
            }
        }
        for (from, to) in [&mut name, &mut partition] {
            *to = *from + json::unescape(&mut document[*from..*to]).unwrap_or(0);
        }
        let text = |(from, to): (usize, usize)| text::valid(&document[from..to]);
        let next = next.map_or_else(|| G::Settings::read(Value::new(b"{}")), Ok)?;
        self.guest.configure(&HOST, &Signal { name: text(name), partition: text(partition) }, &next)?;
        self.settings = Some(next);
        Ok(())
    }
}

fn unconfigured() -> Error {
    "guest was called before it accepted settings".into()
}

fn finish(result: Result<Verdict, Error>) -> i32 {
    match result {
        Ok(verdict) => verdict as i32,
        Err(reason) => failed(&reason),
    }
}

fn failed(reason: &Error) -> i32 {
    HOST.fail(reason);
    FAILED
}

const SMALL: usize = 1024; // does for a sample
const LARGEST: usize = 1 << 20; // edgeHub lets 262,144 bytes through
const PAGE: usize = 65536;

#[cfg(target_arch = "wasm32")]
fn pages(count: usize) -> Option<(*mut u8, usize)> {
    let first = core::arch::wasm32::memory_grow(0, count);
    (first != usize::MAX).then(|| ((first * PAGE) as *mut u8, count * PAGE))
}

#[cfg(not(target_arch = "wasm32"))]
fn pages(_: usize) -> Option<(*mut u8, usize)> {
    None
}
