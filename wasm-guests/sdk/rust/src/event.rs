//! Writing flat JSON and property bags into room that the guest has.

use crate::{number, Error, Host, Value};

/// Room that is written piece by piece. What does not fit is left out, and remembered.
pub(crate) struct Writer<'a> {
    room: &'a mut [u8],
    len: usize,
    full: bool,
}

impl<'a> Writer<'a> {
    pub fn new(room: &'a mut [u8]) -> Self {
        Writer { room, len: 0, full: false }
    }

    #[inline(never)]
    pub fn byte(&mut self, c: u8) {
        match self.room.get_mut(self.len) {
            Some(place) => {
                *place = c;
                self.len += 1;
            }
            None => self.full = true,
        }
    }

    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &c in bytes {
            self.byte(c);
        }
    }

    pub fn rune(&mut self, c: u32) {
        let c = char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.bytes(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    pub fn written(self) -> Result<&'a [u8], Error> {
        if self.full {
            return Err("emit: message does not fit the guest's buffer".into());
        }
        Ok(&self.room[..self.len])
    }

    pub fn so_far(&self) -> &[u8] {
        &self.room[..self.len]
    }

    fn text(&mut self, text: &str) {
        self.byte(b'"');
        for c in text.bytes() {
            match c {
                b'"' | b'\\' => self.bytes(&[b'\\', c]),
                0..=31 => self.bytes(&[b'\\', b'u', b'0', b'0', b'0' + (c >> 4), b"0123456789abcdef"[c as usize & 15]]),
                _ => self.byte(c),
            }
        }
        self.byte(b'"');
    }

    fn encoded(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for c in text.bytes() {
            match c {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => self.byte(c),
                _ => self.bytes(&[b'%', HEX[c as usize >> 4], HEX[c as usize & 15]]),
            }
        }
    }
}

/// Writes a flat JSON object, member by member in the order of the calls:
///
/// ```ignore
/// let mut room = [0; 512];
/// Event::new(&mut room).text("signal", sample.signal).number("value", 21.5).emit(host)?;
/// ```
pub struct Event<'a>(Writer<'a>);

impl<'a> Event<'a> {
    /// An empty object.
    pub fn new(room: &'a mut [u8]) -> Self {
        Event(Writer::new(room))
    }

    /// Adds a string.
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.name(name);
        self.0.text(text);
        self
    }

    /// Adds a number with the fewest digits that read back as the same one, or null where it is none that JSON knows:
    /// infinite or not a number.
    pub fn number(mut self, name: &str, number: f64) -> Self {
        self.name(name);
        number::write(&mut self.0, number);
        self
    }

    /// Adds a boolean.
    pub fn boolean(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        self.0.bytes(if value { b"true" } else { b"false" });
        self
    }

    /// Adds a JSON value as it is, one of a sample for example.
    pub fn value(mut self, name: &str, value: Value) -> Self {
        self.name(name);
        self.0.bytes(value.raw());
        self
    }

    /// Ends the object and returns it, or says that it did not fit.
    pub fn json(mut self) -> Result<&'a [u8], Error> {
        let end: &[u8] = if self.0.len == 0 { b"{}" } else { b"}" };
        self.0.bytes(end);
        self.0.written()
    }

    /// Ends the object and sends it to the signal's own output, declared as JSON in UTF-8 so that IoT Hub can route on it.
    pub fn emit(self, host: &Host) -> Result<(), Error> {
        self.emit_with(host, Properties::new(&mut [0; 64]))
    }

    /// The same with properties, whose room takes the declaration too.
    pub fn emit_with(self, host: &Host, properties: Properties) -> Result<(), Error> {
        let properties = properties.add("$.ct", "application/json").add("$.ce", "utf-8");
        host.emit("", self.json()?, &properties)
    }

    fn name(&mut self, name: &str) {
        self.0.byte(if self.0.len == 0 { b'{' } else { b',' });
        self.0.text(name);
        self.0.byte(b':');
    }
}

/// Properties of a message: application properties, which IoT Hub can route on, and "$.ct", "$.ce" and "$.schema".
pub struct Properties<'a>(Writer<'a>);

impl<'a> Properties<'a> {
    /// No properties yet.
    pub fn new(room: &'a mut [u8]) -> Self {
        Properties(Writer::new(room))
    }

    /// Adds a property.
    #[must_use]
    pub fn add(mut self, name: &str, value: &str) -> Self {
        if self.0.len > 0 {
            self.0.byte(b'&');
        }
        self.0.encoded(name);
        self.0.byte(b'=');
        self.0.encoded(value);
        self
    }

    pub(crate) fn bag(&self) -> Result<&[u8], Error> {
        if self.0.full {
            return Err("emit: message does not fit the guest's buffer".into());
        }
        Ok(self.0.so_far())
    }
}
