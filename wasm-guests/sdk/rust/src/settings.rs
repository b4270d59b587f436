//! Settings: a struct filled from the twin.

use crate::{Error, Members, Text, Value};

/// Whom an instance works for.
pub struct Signal<'a> {
    /// The signal's name in the twin.
    pub name: &'a str,
    /// Which of the signal's partitions; empty where it has none.
    pub partition: &'a str,
}

/// What the twin may set. [`settings!`](crate::settings) implements it.
pub trait Settings: Sized {
    /// Reads an object, or says what is wrong with it.
    fn read(settings: Value) -> Result<Self, Error>;
}

/// A guest without settings refuses all.
impl Settings for () {
    fn read(settings: Value) -> Result<Self, Error> {
        match Members::new(settings).next() {
            None => Ok(()),
            Some(Ok((key, _))) => Err(unknown(key, &[])),
            Some(Err(_)) => Err("settings: want an object".into()),
        }
    }
}

/// A type that a setting may have.
pub trait Setting: Sized {
    /// What it takes, for the reason of a refusal.
    const WANT: &'static str;
    /// Reads a value of that type.
    fn read(value: Value) -> Option<Self>;
}

impl Setting for f64 {
    const WANT: &'static str = "a number";
    fn read(value: Value) -> Option<Self> {
        value.number()
    }
}

impl Setting for i64 {
    const WANT: &'static str = "a whole number";
    fn read(value: Value) -> Option<Self> {
        value.integer()
    }
}

impl Setting for bool {
    const WANT: &'static str = "true or false";
    fn read(value: Value) -> Option<Self> {
        value.boolean()
    }
}

impl<const N: usize> Setting for Text<N> {
    const WANT: &'static str = "a string that fits";
    fn read(value: Value) -> Option<Self> {
        value.text(&mut [0; N]).map(Into::into)
    }
}

/// `None` tells "not set" from zero.
impl<T: Setting> Setting for Option<T> {
    const WANT: &'static str = T::WANT;
    fn read(value: Value) -> Option<Self> {
        T::read(value).map(Some)
    }
}

/// Declares a struct of settings with their types and defaults, what holds for each setting that the twin does not name.
/// Types are `f64`, `i64`, `bool`, [`Text`] and `Option` of these. A field `hold_off` is the setting `holdOff`. Settings
/// of a wrong type and unknown ones are refused, with the name.
///
/// ```
/// edge::settings! {
///     /// README.md has the table.
///     pub struct Settings {
///         high: Option<f64> = None,
///         hold_off: i64 = 3,
///     }
/// }
/// ```
#[macro_export]
macro_rules! settings {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$about:meta])* $field:ident: $type:ty = $default:expr),* $(,)? }) => {
        $(#[$doc])*
        $vis struct $name { $($(#[$about])* $vis $field: $type),* }

        impl $crate::Settings for $name {
            fn read(settings: $crate::Value) -> Result<Self, $crate::Error> {
                let mut read = $name { $($field: $default),* };
                for member in $crate::Members::new(settings) {
                    let (key, value) = member.map_err(|_| "settings: want an object")?;
                    match $crate::field(key, &[$(stringify!($field)),*])? {
                        _ if value.is_null() => {}
                        $(stringify!($field) => match <$type as $crate::Setting>::read(value) {
                            Some(value) => read.$field = value,
                            None => return Err($crate::mistyped(key, <$type as $crate::Setting>::WANT, value)),
                        },)*
                        _ => {}
                    }
                }
                Ok(read)
            }
        }
    };
}

/// The field that a setting goes to.
pub fn field(key: &[u8], fields: &[&'static str]) -> Result<&'static str, Error> {
    fields.iter().find(|field| letters(field).eq(key.iter().copied())).copied().ok_or_else(|| unknown(key, fields))
}

/// The name of the setting that a field takes: `holdOff` of `hold_off`.
fn letters(field: &str) -> impl Iterator<Item = u8> + '_ {
    let mut capital = false;
    field.bytes().filter_map(move |c| {
        let letter = if capital { c.to_ascii_uppercase() } else { c };
        capital = c == b'_';
        (!capital).then_some(letter)
    })
}

/// The reason for which an unknown setting is refused.
pub fn unknown(key: &[u8], fields: &[&str]) -> Error {
    let mut reason = Error::from("unknown setting \"");
    reason.push(crate::text::valid(key)).push(if fields.is_empty() { "\" (there are none" } else { "\" (known: " });
    for (n, field) in fields.iter().enumerate() {
        reason.push(if n > 0 { ", " } else { "" });
        for letter in letters(field) {
            reason.push(crate::text::valid(&[letter]));
        }
    }
    reason.push(")");
    reason
}

/// The reason for which a setting of the wrong type is refused.
pub fn mistyped(key: &[u8], want: &str, got: Value) -> Error {
    let mut reason = Error::from("setting \"");
    reason.push(crate::text::valid(key)).push("\": want ").push(want).push(", got ").push_excerpt(got);
    reason
}
