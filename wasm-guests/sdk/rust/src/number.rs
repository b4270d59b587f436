//! Numbers: exact in both directions, by whole numbers as long as it takes where an `f64` is not exact by itself. It
//! stands for the reading and writing of `core`, which would make a guest some thirty kilobytes larger.

use core::cmp::Ordering;

use crate::event::Writer;

/// A whole number to the base 2^32, the least digit first; there is room for 10^1092 times an `f64`, doubled twice.
#[derive(Clone)]
struct Big {
    len: usize,
    digits: [u32; 136],
}

impl Big {
    const ZERO: Big = Big { len: 0, digits: [0; 136] };

    #[inline(never)]
    fn set(&mut self, value: u64) -> &mut Self {
        self.digits[0] = value as u32;
        self.digits[1] = (value >> 32) as u32;
        self.len = if self.digits[1] > 0 { 2 } else { usize::from(value > 0) };
        self
    }

    /// Makes this `self * factor + plus`.
    #[inline(never)]
    fn mul(&mut self, factor: u32, plus: u32) {
        let mut carry = u64::from(plus);
        for digit in &mut self.digits[..self.len] {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.digits[self.len] = carry as u32;
            self.len += 1;
        }
    }

    #[inline(never)]
    fn mul10(&mut self, mut power: i32) {
        while power >= 9 {
            self.mul(1_000_000_000, 0);
            power -= 9;
        }
        for _ in 0..power {
            self.mul(10, 0);
        }
    }

    #[inline(never)]
    fn shift(&mut self, bits: i32) {
        let whole = bits as usize / 32;
        self.mul(1 << (bits % 32), 0);
        if whole > 0 && self.len > 0 {
            self.digits.copy_within(..self.len, whole);
            self.digits[..whole].fill(0);
            self.len += whole;
        }
    }

    #[inline(never)]
    fn compare(&self, other: &Big) -> Ordering {
        let digits = |big: &Big, n: usize| big.digits[n];
        self.len.cmp(&other.len).then_with(|| {
            let differ = (0..self.len).rev().find(|&n| digits(self, n) != digits(other, n));
            differ.map_or(Ordering::Equal, |n| digits(self, n).cmp(&digits(other, n)))
        })
    }

    /// Makes this `self + sign * other`, which is not negative.
    #[inline(never)]
    fn add(&mut self, other: &Big, sign: i64) {
        let (mut carry, mut n) = (0, 0);
        while n < other.len || carry != 0 {
            if n == self.len {
                self.digits[n] = 0;
                self.len += 1;
            }
            carry += i64::from(self.digits[n]) + if n < other.len { i64::from(other.digits[n]) * sign } else { 0 };
            self.digits[n] = carry as u32;
            carry >>= 32;
            n += 1;
        }
        while self.len > 0 && self.digits[self.len - 1] == 0 {
            self.len -= 1;
        }
    }
}

const EXACT: i32 = 22; // up to here an f64 holds a power of ten exactly
const HEAD: i32 = 19; // digits that a u64 holds
const DIGITS: i32 = 768; // no digit after these decides anything else than a tie
const INFINITY: u64 = 0x7ff << 52;

fn pow10(power: i32) -> f64 {
    (0..power).fold(1.0, |result, _| result * 10.0)
}

#[inline(never)]
fn scaled(mut number: f64, mut power: i32) -> f64 {
    while power > EXACT {
        number *= pow10(EXACT);
        power -= EXACT;
    }
    while power < -EXACT {
        number /= pow10(EXACT);
        power += EXACT;
    }
    if power < 0 {
        number / pow10(-power)
    } else {
        number * pow10(power)
    }
}

/// Takes an `f64` that is finite and not negative apart: it is the first * 2^second.
fn split(bits: u64) -> (u64, i32) {
    let (biased, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    (if biased > 0 { fraction | 1 << 52 } else { fraction }, biased.max(1) - 1075)
}

/// A number as it is written, its sign left out: count digits from the first of text on, a point among them, times
/// 10^power.
struct Decimal<'a> {
    text: &'a [u8],
    count: i32,
    power: i32,
    more: bool, // other than zeros follow
    head: u64,  // the first 19 of the digits
}

impl<'a> Decimal<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut d = Decimal { text: &[], count: 0, power: 0, more: false, head: 0 };
        let mut point = 0;
        for (n, &c) in text.iter().enumerate() {
            match c {
                b'.' => point = 1,
                b'e' | b'E' => {
                    d.power += exponent(&text[n + 1..]);
                    break;
                }
                _ => d.digit(&text[n..], point),
            }
        }
        d
    }

    fn digit(&mut self, text: &'a [u8], point: i32) {
        if self.count == 0 {
            self.text = text;
        }
        if self.count == DIGITS {
            self.power += 1 - point;
            self.more |= text[0] != b'0';
            return;
        }
        self.power -= point;
        if self.count == 0 && text[0] == b'0' {
            return;
        }
        if self.count < HEAD {
            self.head = self.head * 10 + u64::from(text[0] - b'0');
        }
        self.count += 1;
    }

    /// Whether the number lies above the middle between the `f64` of the given bits and the next, or in the middle and
    /// the next is the even one.
    #[inline(never)]
    fn rounds_up(&self, bits: u64) -> bool {
        let (mantissa, exponent) = split(bits);
        let (mut decimal, mut middle) = (Big::ZERO, Big::ZERO);
        middle.set(mantissa * 2 + 1);
        for &c in self.text.iter().filter(|&&c| c != b'.').take(self.count as usize) {
            decimal.mul(10, u32::from(c - b'0'));
        }
        if self.power < 0 { &mut middle } else { &mut decimal }.mul10(self.power.abs());
        let exponent = exponent - 1;
        if exponent < 0 { &mut decimal } else { &mut middle }.shift(exponent.abs());
        match decimal.compare(&middle) {
            Ordering::Greater => true,
            Ordering::Equal => self.more || bits & 1 == 1,
            Ordering::Less => false,
        }
    }

    fn nearest(&self) -> f64 {
        let power = self.power + (self.count - HEAD).max(0);
        let near = scaled(self.head as f64, power);
        if self.head >> 53 == 0 && self.count <= HEAD && power.abs() <= EXACT {
            return near;
        }
        let mut bits = near.to_bits().min(INFINITY - 1);
        while bits < INFINITY && self.rounds_up(bits) {
            bits += 1;
        }
        while bits > 0 && !self.rounds_up(bits - 1) {
            bits -= 1;
        }
        f64::from_bits(bits)
    }
}

fn exponent(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let value = digits.iter().fold(0, |sum, &c| if sum < 100_000_000 { sum * 10 + i32::from(c - b'0') } else { sum });
    if negative {
        -value
    } else {
        value
    }
}

/// Reads a well-formed number: the nearest `f64`, `None` where that would be infinite.
#[inline(never)]
pub(crate) fn read(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    let d = Decimal::new(text);
    let number = match d.count + d.power {
        _ if d.count == 0 => 0.0,
        311.. => return None,
        ..=-330 => 0.0,
        _ => d.nearest(),
    };
    (number.to_bits() != INFINITY).then_some(if negative { -number } else { number })
}

/// The digits of a number, as few as read back as the same one, times 10^power.
struct Shortest {
    digits: [u8; 20],
    count: usize,
    power: i32,
}

impl Shortest {
    fn new(number: f64) -> Self {
        let mut s = Shortest { digits: [b'0'; 20], count: 0, power: 0 };
        if !s.few(number) {
            s.many(number);
        }
        s
    }

    /// Finds at most 15 digits by an `f64`'s own arithmetic, which is exact for so few: most readings have fewer.
    fn few(&mut self, number: f64) -> bool {
        let mut power = 1.0;
        for places in 0..=EXACT {
            let moved = number * power;
            if moved >= 1e15 {
                return false;
            }
            let mut whole = (moved + 0.5) as u64;
            if whole as f64 / power != number {
                power *= 10.0;
                continue;
            }
            self.power = -places;
            let mut rest = whole;
            while rest > 0 {
                self.count += 1;
                rest /= 10;
            }
            for digit in self.digits[..self.count].iter_mut().rev() {
                *digit = b'0' + (whole % 10) as u8;
                whole /= 10;
            }
            return true;
        }
        false
    }

    /// Finds them by the distance to the neighbours of the number.
    fn many(&mut self, number: f64) {
        let bits = number.to_bits();
        let even = bits & 1 == 0;
        let mut r = Range { number: Big::ZERO, below: Big::ZERO, above: Big::ZERO, scale: Big::ZERO };
        r.set(bits);
        let mut point = about(number);
        if point < 0 {
            r.mul10(-point);
        } else {
            r.scale.mul10(point);
        }
        while r.reaches(even) {
            r.scale.mul(10, 0);
            point += 1;
        }
        let (mut low, mut high) = (false, false);
        while !low && !high {
            r.mul10(1);
            let mut digit = b'0';
            while r.number.compare(&r.scale) != Ordering::Less {
                r.number.add(&r.scale, -1);
                digit += 1;
            }
            low = r.number.compare(&r.below) < if even { Ordering::Greater } else { Ordering::Equal };
            high = r.reaches(even);
            self.digits[self.count] = digit;
            self.count += 1;
        }
        r.number.mul(2, 0);
        let (middle, last) = (r.number.compare(&r.scale), &mut self.digits[self.count - 1]);
        if high && (!low || middle == Ordering::Greater || middle == Ordering::Equal && *last & 1 == 1) {
            *last += 1;
        }
        self.power = point - self.count as i32;
    }

    fn write(&self, w: &mut Writer, from: i32, to: i32) {
        for n in from..to {
            w.byte(self.digits[..self.count].get(n as usize).copied().unwrap_or(b'0'));
        }
    }
}

/// About where the point is: number = 0.digits * 10^point, or one more.
fn about(number: f64) -> i32 {
    let (mut point, mut rest) = (0, number);
    while rest >= 10.0 {
        rest /= 10.0;
        point += 1;
    }
    while rest < 0.1 {
        rest *= 10.0;
        point -= 1;
    }
    point
}

/// A number between its neighbours, over a common scale: number, and half the distance to the one below and above.
struct Range {
    number: Big,
    below: Big,
    above: Big,
    scale: Big,
}

impl Range {
    /// Makes this the range of a number. It is filled in place: to move it would take two kilobytes more of the stack.
    fn set(&mut self, bits: u64) {
        let (mantissa, exponent) = split(bits);
        let uneven = i32::from(bits << 12 == 0 && bits >> 52 > 1); // the neighbour below is half as far
        self.number.set(mantissa).shift(1 + uneven + exponent.max(0));
        self.below.set(1).shift(exponent.max(0));
        self.above.set(1).shift(uneven + exponent.max(0));
        self.scale.set(1).shift(1 + uneven + (-exponent).max(0));
    }

    #[inline(never)]
    fn mul10(&mut self, power: i32) {
        self.number.mul10(power);
        self.below.mul10(power);
        self.above.mul10(power);
    }

    /// Whether the next digit up is a way to write the number.
    #[inline(never)]
    fn reaches(&self, even: bool) -> bool {
        let mut sum = self.number.clone();
        sum.add(&self.above, 1);
        sum.compare(&self.scale) > if even { Ordering::Less } else { Ordering::Equal }
    }
}

/// Writes a number in the form of JavaScript and of Go's encoding/json; null where it is infinite or not a number.
#[inline(never)]
pub(crate) fn write(w: &mut Writer, number: f64) {
    if !number.is_finite() {
        return w.bytes(b"null");
    }
    if number.is_sign_negative() {
        w.byte(b'-');
    }
    let s = Shortest::new(f64::from_bits(number.to_bits() << 1 >> 1));
    let (count, point) = (s.count as i32, s.count as i32 + s.power);
    if point > -6 && point <= 21 {
        s.write(w, if point < 1 { point - 1 } else { 0 }, point);
        if point < count {
            w.byte(b'.');
            s.write(w, point, count);
        }
        return;
    }
    s.write(w, 0, 1);
    if count > 1 {
        w.byte(b'.');
    }
    s.write(w, 1, count);
    w.bytes(if point < 1 { b"e-" } else { b"e+" });
    let exponent = (point - 1).unsigned_abs();
    for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
        if exponent >= least {
            w.byte(b'0' + (exponent / unit % 10) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    fn written(number: f64) -> String {
        let mut room = [0; 64];
        let mut w = Writer::new(&mut room);
        write(&mut w, number);
        String::from_utf8(w.so_far().to_vec()).unwrap()
    }

    #[test]
    fn numbers_take_the_form_of_javascript() {
        for (number, text) in [
            (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (-21.5, "-21.5"), (0.000001, "0.000001"), (1e-7, "1e-7"),
            (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"), (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"), (f64::NAN, "null"), (f64::INFINITY, "null"),
        ] {
            assert_eq!(written(number), text);
        }
    }

    #[test]
    fn numbers_are_read_and_written_as_core_does() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let number = f64::from_bits(bits);
            if !number.is_finite() {
                continue;
            }
            for text in [format!("{number:e}"), format!("{number:.25e}"), written(number)] {
                assert_eq!(read(text.as_bytes()), Some(number), "{text}");
            }
            let digits = |text: String| text.replace(['.', '+'], "").trim_start_matches('-').split('e').next().map(String::from);
            if number.abs() < 1e-7 || number.abs() >= 1e21 {
                assert_eq!(digits(written(number)), digits(format!("{number:e}")));
            }
        }
    }

    #[test]
    fn what_no_f64_can_hold_is_none() {
        assert_eq!(read(b"1.7976931348623159e308"), None);
        assert_eq!(read(b"-1e999999999999"), None);
        assert_eq!(read(b"1e-999999999999"), Some(0.0));
    }
}
