//! A guest that sends the moving average of a signal. ../../README.md describes it from outside.

#![no_std]

use edge::{Error, Event, Host, Quality, Reason, Sample, Signal, Verdict};

edge::settings! {
    struct Settings { window: i64 = 10 }
}

const LARGEST: usize = 1000;

/// The latest values of the signal as they are kept: 8 bytes each, little-endian, the oldest first; and room for one more
/// while it is averaged. In the order of its fields, so that the count lies beside those of the values that are in use.
#[repr(C)]
struct Average {
    count: usize,
    values: [[u8; 8]; LARGEST + 1],
}

impl edge::Guest for Average {
    type Settings = Settings;
    const NEW: Self = Average { count: 0, values: [[0; 8]; LARGEST + 1] };

    fn configure(&mut self, host: &Host, _: &Signal, set: &Settings) -> Result<(), Error> {
        if !(1..=LARGEST as i64).contains(&set.window) {
            return Err("\"window\" is not between 1 and 1000 samples".into());
        }
        self.restore(host);
        self.forget(self.count.saturating_sub(set.window as usize));
        Ok(())
    }

    fn sample(&mut self, host: &Host, s: &Sample, set: &Settings) -> Result<Verdict, Error> {
        if s.quality == Quality::Bad || s.reason == Reason::Heartbeat {
            host.count("ignored", 1.0); // no reading, or no new one
            return Ok(Verdict::Drop);
        }
        let Some(value) = s.value.number() else {
            return Err(Error::from("value is not a number").with(s.value));
        };
        self.values[self.count] = value.to_le_bytes();
        let oldest = usize::from(self.count >= set.window as usize);
        let window = &self.values[oldest..=self.count];
        emit(host, s, window)?;
        host.set_state("window", window.as_flattened())?;
        self.count += 1;
        self.forget(oldest);
        Ok(Verdict::Done)
    }
}

impl Average {
    /// Fills the window with the values that were kept.
    fn restore(&mut self, host: &Host) {
        let kept = host.state("window", self.values.as_flattened_mut()).unwrap_or(0) / 8;
        self.count = if kept <= LARGEST { kept } else { 0 };
    }

    fn forget(&mut self, oldest: usize) {
        self.values.copy_within(oldest..self.count, 0);
        self.count -= oldest;
    }
}

fn emit(host: &Host, s: &Sample, window: &[[u8; 8]]) -> Result<(), Error> {
    let sum: f64 = window.iter().fold(0.0, |sum, value| sum + f64::from_le_bytes(*value));
    let count = window.len() as f64;
    let mut room = [0; 512];
    let mut event = Event::new(&mut room).text("signal", s.signal).number("average", sum / count).number("count", count);
    if !s.source_timestamp.is_empty() {
        event = event.text("sourceTimestamp", s.source_timestamp);
    }
    event.emit(host)
}

edge::guest!(Average);
edge::panic_handler!();
