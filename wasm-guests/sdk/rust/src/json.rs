//! Reading JSON without an allocator: what is needed of it is found, and converted on demand.

use crate::event::Writer;
use crate::number;

/// A JSON value as the host wrote it: a number, a string, a boolean, null, an array or an object.
#[derive(Clone, Copy)]
pub struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    pub(crate) const fn new(json: &'a [u8]) -> Self {
        Value(json)
    }

    /// The JSON itself.
    pub fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// A number, rounded to the nearest `f64`; `None` where it is too large for one or no number.
    pub fn number(&self) -> Option<f64> {
        let mut r = Reader { json: self.0, at: 0 };
        r.number()?;
        (r.at == self.0.len()).then(|| number::read(self.0)).flatten()
    }

    /// A whole number with all its digits; `None` where it is none that an `i64` can hold.
    pub fn integer(&self) -> Option<i64> {
        let (negative, digits) = match self.0 {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut sum: i64 = if digits.is_empty() { return None } else { 0 };
        for &c in digits {
            let digit = i64::from(c.wrapping_sub(b'0'));
            if digit > 9 {
                return None;
            }
            sum = sum.checked_mul(10)?.checked_sub(digit)?; // below zero there is one more
        }
        if negative {
            Some(sum)
        } else {
            sum.checked_neg()
        }
    }

    /// A boolean.
    pub fn boolean(&self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.0 == b"null"
    }

    /// The characters of a string, copied into room; `None` where it is no string or does not fit.
    pub fn text<'b>(&self, room: &'b mut [u8]) -> Option<&'b str> {
        let mut out = Writer::new(room);
        copy_chars(self.0, &mut out)?;
        core::str::from_utf8(out.written().ok()?).ok()
    }

    /// The characters of a string.
    #[cfg(feature = "alloc")]
    pub fn string(&self) -> Option<alloc::string::String> {
        self.text(&mut alloc::vec![0; self.0.len()]).map(Into::into)
    }
}

/// Goes over the members of a JSON object. The names are as they are written between their quotes. An error says that the
/// document is not a well-formed object; it is the last thing that comes.
pub struct Members<'a> {
    r: Reader<'a>,
    first: bool,
    ended: bool,
}

/// The document is not a well-formed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Members<'a> {
    /// The members of an object.
    pub fn new(object: Value<'a>) -> Self {
        Members { r: Reader { json: object.0, at: 0 }, first: true, ended: false }
    }

    fn member(&mut self) -> Option<Option<(&'a [u8], Value<'a>)>> {
        let r = &mut self.r;
        r.space();
        if self.first && !r.take(b'{') {
            return None;
        }
        r.space();
        if r.take(b'}') {
            return (r.space() == 0 && r.at == r.json.len()).then_some(None);
        }
        if !self.first && !r.take(b',') {
            return None;
        }
        r.space();
        let key = r.at + 1;
        r.text()?;
        let key = &r.json[key..r.at - 1];
        r.space();
        r.take(b':').then_some(())?;
        r.space();
        let value = r.at;
        r.value(1)?;
        Some(Some((key, Value(&r.json[value..r.at]))))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(&'a [u8], Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let member = self.member();
        self.first = false;
        self.ended = !matches!(member, Some(Some(_)));
        member.map(|member| member.map(Ok)).unwrap_or(Some(Err(Malformed)))
    }
}

/// Where a part of a document is.
pub(crate) fn place(document: &[u8], part: &[u8]) -> (usize, usize) {
    let from = part.as_ptr() as usize - document.as_ptr() as usize;
    (from, from + part.len())
}

/// Replaces a JSON string by its characters, where they are never longer, and returns how many bytes they are.
pub(crate) fn unescape(json: &mut [u8]) -> Option<usize> {
    let mut r = Reader { json, at: 0 };
    r.text()?;
    let (mut from, mut to, end) = (1, 0, r.at - 1);
    while from < end {
        let mut chars = [0; 4];
        let mut out = Writer::new(&mut chars);
        from += char_at(&json[from..end], &mut out);
        let chars = out.so_far();
        json[to..to + chars.len()].copy_from_slice(chars);
        to += chars.len();
    }
    Some(to)
}

fn copy_chars(json: &[u8], out: &mut Writer) -> Option<()> {
    let mut r = Reader { json, at: 0 };
    r.text()?;
    let mut rest = (r.at == json.len()).then(|| &json[1..r.at - 1])?;
    while !rest.is_empty() {
        rest = &rest[char_at(rest, out)..];
    }
    Some(())
}

/// Writes the character, or the byte, that well-formed text begins with, and returns how much of the text that is.
fn char_at(text: &[u8], out: &mut Writer) -> usize {
    if text[0] != b'\\' {
        out.byte(text[0]);
        return 1;
    }
    if text[1] != b'u' {
        out.byte(match text[1] {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            c => c,
        });
        return 2;
    }
    let c = hex4(&text[2..]);
    let low = if text.len() >= 12 && text[6] == b'\\' && text[7] == b'u' { hex4(&text[8..]) } else { 0 };
    if c >> 10 == 0x36 && low >> 10 == 0x37 {
        out.rune(0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)));
        return 12;
    }
    out.rune(c);
    6
}

fn hex4(digits: &[u8]) -> u32 {
    digits[..4].iter().fold(0, |code, &c| code << 4 | (c as char).to_digit(16).unwrap_or(0))
}

/// Levels of nesting: a deeper document is refused before it uses up the stack.
const DEEPEST: u32 = 100;

/// Goes over a document once. What passes over something returns `None` where it is malformed.
struct Reader<'a> {
    json: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte, 0 at the end; 0 has no place in JSON either.
    fn peek(&self) -> u8 {
        self.json.get(self.at).copied().unwrap_or(0)
    }

    fn take(&mut self, c: u8) -> bool {
        let taken = self.json.get(self.at) == Some(&c);
        self.at += usize::from(taken);
        taken
    }

    fn space(&mut self) -> u8 {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        match self.space() {
            b'"' => self.text(),
            open @ (b'{' | b'[') if depth < DEEPEST => self.composite(open, depth),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn composite(&mut self, open: u8, depth: u32) -> Option<()> {
        self.at += 1;
        let mut first = true;
        loop {
            self.space();
            if self.take(open + 2) {
                return Some(()); // '{' + 2 is '}', '[' + 2 is ']'
            }
            if !first && !self.take(b',') {
                return None;
            }
            first = false;
            if open == b'{' {
                self.space();
                self.text()?;
                self.space();
                self.take(b':').then_some(())?;
            }
            self.value(depth + 1)?;
        }
    }

    fn text(&mut self) -> Option<()> {
        self.take(b'"').then_some(())?;
        while let Some(&c) = self.json.get(self.at) {
            self.at += 1;
            match c {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=31 => return None,
                _ => {}
            }
        }
        None
    }

    fn escape(&mut self) -> Option<()> {
        let c = self.peek();
        self.at += 1;
        match c {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => return Some(()),
            b'u' => {}
            _ => return None,
        }
        for _ in 0..4 {
            self.peek().is_ascii_hexdigit().then_some(())?;
            self.at += 1;
        }
        Some(())
    }

    /// Passes over a number in the grammar of RFC 8259, section 6.
    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        word.iter().all(|&c| self.take(c)).then_some(())
    }
}
