//! Samples, as the host hands them out.

use crate::json::{self, Members, Value};
use crate::{text, Error};

/// One value of a signal.
pub struct Sample<'a> {
    /// The signal's name in the twin.
    pub signal: &'a str,
    /// Converts on demand.
    pub value: Value<'a>,
    /// Of the value, as the twin gives it; may be empty.
    pub unit: &'a str,
    /// When the value was, or arrived: RFC 3339 in UTC.
    pub source_timestamp: &'a str,
    /// Of a heartbeat: when it was repeated; else empty.
    pub publish_timestamp: &'a str,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// Why the sample comes now.
    pub reason: Reason,
}

/// How far a value can be trusted, in OPC UA's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Quality {
    Good,
    Uncertain,
    Bad,
}

/// Why a sample was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A reading as it came.
    Change,
    /// The last known value again, not a new reading.
    Heartbeat,
    /// The first one since the signal started.
    First,
}

const TEXTS: [&[u8]; 6] = [b"signal", b"unit", b"sourceTimestamp", b"publishTimestamp", b"quality", b"reason"];

impl<'a> Sample<'a> {
    /// Reads a sample from the host's JSON, in which it replaces texts by their characters. Keys of a newer host are
    /// passed over.
    pub fn decode(body: &'a mut [u8]) -> Result<Self, Error> {
        let (mut texts, mut value) = ([(0, 0); TEXTS.len()], (0, 0));
        for member in Members::new(Value::new(body)) {
            let (key, member) = member.map_err(|_| "read sample: the message is not a JSON object")?;
            let place = json::place(body, member.raw());
            if key == b"value" {
                value = place;
            } else if let Some(n) = TEXTS.iter().position(|&text| text == key) {
                texts[n] = if member.is_null() { (0, 0) } else { place };
            }
        }
        if value.0 == value.1 {
            return Err("read sample: no \"value\": is the signal without a selector?".into());
        }
        for (from, to) in &mut texts {
            if from < to {
                *to = json::unescape(&mut body[*from..*to]).map(|len| *from + len).ok_or("read sample: a text is not a string")?;
            }
        }
        let body = &*body;
        let text = |n: usize| text::valid(&body[texts[n].0..texts[n].1]);
        Ok(Sample {
            signal: text(0),
            value: Value::new(&body[value.0..value.1]),
            unit: text(1),
            source_timestamp: text(2),
            publish_timestamp: text(3),
            quality: match text(4) {
                "bad" => Quality::Bad,
                "uncertain" => Quality::Uncertain,
                _ => Quality::Good,
            },
            reason: match text(5) {
                "heartbeat" => Reason::Heartbeat,
                "first" => Reason::First,
                _ => Reason::Change,
            },
        })
    }
}
