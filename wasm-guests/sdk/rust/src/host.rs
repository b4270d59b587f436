//! What a guest may ask of the program that runs it.

use crate::{imports, Error, Properties};

/// The program that runs the guest.
pub struct Host(pub(crate) ());

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

impl Host {
    /// Sends a message when the handler returns `Ok`; output "" is the signal's own. An error says that it is over a
    /// limit of the guest or that a name is not allowed; it can be returned from the handler. The host takes a copy.
    pub fn emit(&self, output: &str, body: &[u8], properties: &Properties) -> Result<(), Error> {
        let bag = properties.bag()?;
        let (o, b, p) = (output.as_bytes(), body, bag);
        match unsafe { imports::emit(o.as_ptr(), o.len(), b.as_ptr(), b.len(), p.as_ptr(), p.len()) } {
            -1 => Err("emit: over a limit of the guest (emitsPerCall, emitKiBPerCall)".into()),
            -2 => Err("emit: name of output or property is not allowed".into()),
            _ => Ok(()),
        }
    }

    /// Copies as much of a property of the message at hand as fits, an application property or one such as "$.ct",
    /// "$.cdid", "$source" or "$input", and returns its full length; `None` where there is none of that name.
    pub fn property(&self, name: &str, buf: &mut [u8]) -> Option<usize> {
        length(unsafe { imports::property(name.as_ptr(), name.len(), buf.as_mut_ptr(), buf.len()) })
    }

    /// Writes a line to the module's log, under the guest's name and signal.
    pub fn log(&self, level: Level, line: &str) {
        unsafe { imports::log(level as i32, line.as_ptr(), line.len()) }
    }

    /// The host's time as Unix time in milliseconds.
    pub fn now(&self) -> i64 {
        unsafe { imports::now() }
    }

    /// Copies as much of what was stored under key as fits and returns its full length; `None` where there is no such
    /// thing. It survives restarts and swaps. A signal whose guest uses state is committed to disk with each message,
    /// which takes time.
    pub fn state(&self, key: &str, buf: &mut [u8]) -> Option<usize> {
        length(unsafe { imports::state_get(key.as_ptr(), key.len(), buf.as_mut_ptr(), buf.len()) })
    }

    /// Stores a value under key, or says that it does not fit what the guest may store.
    pub fn set_state(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        match unsafe { imports::state_set(key.as_ptr(), key.len(), value.as_ptr(), value.len()) } {
            0 => Ok(()),
            _ => Err("store state: over the guest's storageMiB".into()),
        }
    }

    /// Forgets what is stored under key.
    pub fn delete_state(&self, key: &str) {
        unsafe { imports::state_delete(key.as_ptr(), key.len()) };
    }

    /// Adds delta to the counter called name. A guest may have 32 metrics of all kinds.
    pub fn count(&self, name: &str, delta: f64) {
        unsafe { imports::metric(0, name.as_ptr(), name.len(), delta) }
    }

    /// Sets the gauge called name.
    pub fn gauge(&self, name: &str, value: f64) {
        unsafe { imports::metric(1, name.as_ptr(), name.len(), value) }
    }

    /// Adds a value to the histogram called name.
    pub fn observe(&self, name: &str, value: f64) {
        unsafe { imports::metric(2, name.as_ptr(), name.len(), value) }
    }

    pub(crate) fn fail(&self, reason: &Error) {
        let reason = reason.as_str();
        unsafe { imports::fail(reason.as_ptr(), reason.len()) }
    }
}

/// The same, as values of any length.
#[cfg(feature = "alloc")]
impl Host {
    /// A copy of what was stored under key.
    pub fn state_vec(&self, key: &str) -> Option<alloc::vec::Vec<u8>> {
        let mut value = alloc::vec![0; self.state(key, &mut [])?];
        self.state(key, &mut value)?;
        Some(value)
    }

    /// A property of the message at hand.
    pub fn property_string(&self, name: &str) -> Option<alloc::string::String> {
        let mut value = alloc::vec![0; self.property(name, &mut [])?];
        self.property(name, &mut value)?;
        alloc::string::String::from_utf8(value).ok()
    }
}

fn length(result: i32) -> Option<usize> {
    usize::try_from(result).ok()
}
