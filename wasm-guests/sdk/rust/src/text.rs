//! Texts of a bounded length, without an allocator.

use crate::Value;

/// A text of at most `N` bytes. What is too much is cut off.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// Why a call failed, or settings are refused: `Err("the reason".into())`.
pub type Error = Text<256>;

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const fn new() -> Self {
        Text { bytes: [0; N], len: 0 }
    }

    /// Appends a text.
    #[inline(never)]
    pub fn push(&mut self, text: &str) -> &mut Self {
        let mut end = text.len().min(N - self.len);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes[self.len..self.len + end].copy_from_slice(&text.as_bytes()[..end]);
        self.len += end;
        self
    }

    /// Appends the beginning of a JSON value.
    pub fn push_excerpt(&mut self, value: Value) -> &mut Self {
        const MOST: usize = 40;
        let bytes = value.raw();
        self.push(valid(&bytes[..bytes.len().min(MOST)]));
        self.push(if bytes.len() > MOST { "…" } else { "" })
    }

    /// The text followed by a colon and the beginning of a JSON value.
    pub fn with(mut self, value: Value) -> Self {
        self.push(": ").push_excerpt(value);
        self
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        valid(&self.bytes[..self.len])
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(text: &str) -> Self {
        let mut new = Text::new();
        new.push(text);
        new
    }
}

impl<const N: usize> core::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// So that `write!` works, at the price of the code behind it.
impl<const N: usize> core::fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// The bytes up to the first that is no UTF-8.
pub(crate) fn valid(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => core::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or(""),
    }
}
