//! The Rust SDK for guests of Wasm-on-Edge: small programs that an IoT Edge gateway runs in a sandbox, one instance for
//! each signal that the module's twin binds to them. It needs `core` alone.
//!
//! A guest is a type with the trait [`Guest`], handed to [`guest!`] once. This one passes the samples above a limit that
//! the twin sets:
//!
//! ```ignore
//! #![no_std]
//! use edge::{Error, Host, Sample, Verdict};
//!
//! edge::settings! {
//!     struct Settings { high: f64 = 0.0 }
//! }
//!
//! struct Above;
//!
//! impl edge::Guest for Above {
//!     type Settings = Settings;
//!     const NEW: Self = Above;
//!
//!     fn sample(&mut self, _: &Host, sample: &Sample, set: &Settings) -> Result<Verdict, Error> {
//!         Ok(Verdict::pass_if(sample.value.number().is_some_and(|value| value > set.high)))
//!     }
//! }
//!
//! edge::guest!(Above);
//! edge::panic_handler!();
//! ```
//!
//! # Calls are transactions
//!
//! What a guest emits, stores and counts during a call takes effect only when its handler returns `Ok`. An error becomes
//! the reason under which the host keeps the message as a dead letter. What a handler keeps in its own fields is not
//! undone: change them last. A panic ends the instance; the host tries the message once more on a fresh one.
//!
//! # Concurrency
//!
//! The host calls an instance from one thread, one call at a time: a guest needs no locks.

#![no_std]
#![allow(clippy::result_large_err)] // a reason stands in the error itself: there is no allocator

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod event;
mod host;
mod imports;
mod instance;
mod json;
mod number;
mod sample;
mod settings;
mod text;

pub use event::{Event, Properties};
pub use host::{Host, Level};
pub use instance::Instance;
pub use json::{Members, Value};
pub use sample::{Quality, Reason, Sample};
#[doc(hidden)]
pub use settings::{field, mistyped};
pub use settings::{Setting, Settings, Signal};
pub use text::{Error, Text};

/// A program for the sandbox. Implement `sample` or `message`, not both, or `tick`, or one of the two and `tick`.
pub trait Guest: Sized + 'static {
    /// What the twin may set; `()` where there is nothing. See [`settings!`].
    type Settings: Settings;

    /// The guest before its first call.
    const NEW: Self;

    /// Called with settings of which each is valid, before the first message and at each change. An error refuses them,
    /// so it is to be returned before anything of the guest has changed: then the previous ones stay at work.
    fn configure(&mut self, host: &Host, signal: &Signal, settings: &Self::Settings) -> Result<(), Error> {
        let _ = (host, signal, settings);
        Ok(())
    }

    /// Called with each sample of a signal that has a selector or a node in the twin.
    fn sample(&mut self, host: &Host, sample: &Sample, settings: &Self::Settings) -> Result<Verdict, Error> {
        let _ = (host, sample, settings);
        Err("guest takes no messages".into())
    }

    /// Called with the body of each message of a signal without a selector, and of a sample too where it is implemented.
    /// The body may be changed: it is the guest's until the handler returns.
    fn message(&mut self, host: &Host, body: &mut [u8], settings: &Self::Settings) -> Result<Verdict, Error> {
        let sample = Sample::decode(body)?;
        self.sample(host, &sample, settings)
    }

    /// Called at each tick of a signal whose source is "timer".
    fn tick(&mut self, host: &Host, settings: &Self::Settings) -> Result<Verdict, Error> {
        let _ = (host, settings);
        Err("guest takes no ticks".into())
    }
}

/// What a guest says of the message it was given. It speaks of the input alone: what was emitted is sent in any case,
/// before a message that is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Verdict {
    /// The message is not passed on.
    Drop = 0,
    /// The message is passed on unchanged; a passed tick is done.
    Pass = 1,
    /// What was emitted is the result.
    Done = 2,
}

impl Verdict {
    /// `Pass` where the condition holds, else `Drop`.
    pub fn pass_if(condition: bool) -> Verdict {
        if condition {
            Verdict::Pass
        } else {
            Verdict::Drop
        }
    }
}

/// Makes a guest the one that the host drives: exports the functions of the interface edge/1. It stands once in a crate.
#[macro_export]
macro_rules! guest {
    ($guest:ty) => {
        const _: () = {
            static INSTANCE: $crate::Instance<$guest> = $crate::Instance::new();

            #[no_mangle]
            unsafe extern "C" fn edge_alloc(size: usize) -> *mut u8 {
                INSTANCE.room(size)
            }

            #[no_mangle]
            unsafe extern "C" fn edge_configure(at: *mut u8, len: usize) -> i32 {
                INSTANCE.configure(at, len)
            }

            #[no_mangle]
            unsafe extern "C" fn edge_message(at: *mut u8, len: usize) -> i32 {
                INSTANCE.message(at, len)
            }

            #[no_mangle]
            unsafe extern "C" fn edge_timer() -> i32 {
                INSTANCE.tick()
            }
        };
    };
}

/// What a crate without `std` does where it panics: it traps. The message is left out, since it would make a guest
/// several times as large.
#[macro_export]
macro_rules! panic_handler {
    () => {
        #[cfg(target_arch = "wasm32")]
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo) -> ! {
            core::arch::wasm32::unreachable()
        }
    };
}
