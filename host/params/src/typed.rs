//! Values as types. Each error names the key, the value and the place that set it.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use vthost_cartesian::nearest;

use crate::registry::{Unit, alternatives};
use crate::{ParamError, Params, size};

/// No time that a parameter gives is longer: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A compiled expression takes at most this many bytes.
const REGEX_SIZE: usize = 1 << 20;

/// The name of an object is part of names of files and of QEMU's own.
const MAX_NAME: usize = 64;

impl Params {
    /// The value of a key that must be set and not empty.
    ///
    /// # Errors
    /// [`ParamError::Missing`].
    pub fn require(&self, key: &str) -> Result<&str, ParamError> {
        self.filled(key).ok_or_else(|| ParamError::Missing {
            key: key.to_owned(),
            object: self.object_name().to_owned(),
        })
    }

    /// The value of a key, or `default` if it is not set or empty.
    pub fn get_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.filled(key).unwrap_or(default)
    }

    /// The value of a key without blanks around it; none if it is not set or empty.
    fn trimmed(&self, key: &str) -> Option<&str> {
        self.get(key).map(str::trim).filter(|text| !text.is_empty())
    }

    fn filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Whether a key is `yes`, `on` or `true`; `default` if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] for anything but these words and `no`, `off`, `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ParamError> {
        match self.get_or(key, if default { "yes" } else { "no" }) {
            "yes" | "on" | "true" => Ok(true),
            "no" | "off" | "false" => Ok(false),
            _ => Err(self.invalid(key, "`yes` or `no`")),
        }
    }

    /// The value of a key as a whole number; `default` if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is not one, or does not fit.
    pub fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> Result<T, ParamError> {
        match self.trimmed(key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| self.invalid(key, "a whole number in range")),
        }
    }

    /// As [`Params::number`], for a number of this range.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is not one, or beyond the range.
    pub fn number_in<T>(
        &self,
        key: &str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ParamError>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.trimmed(key) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            self.invalid(key, &format!("a whole number from {min} to {max}"))
        })
    }

    /// The value of a key as bytes: a number with `K`, `M`, `G`, `T` (also `KiB` and `KB`, all of 1,024) or in `unit`;
    /// `default`, in bytes, if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is not one, or more than 2^63 bytes.
    pub fn size(&self, key: &str, default: u64, unit: Unit) -> Result<u64, ParamError> {
        match self.trimmed(key) {
            None => Ok(default),
            Some(text) => size::bytes(text, unit).ok_or_else(|| {
                let unit = unit.name();
                let expected = format!("a size, as `512M` or `10G`; a number alone is in {unit}");
                self.invalid(key, &expected)
            }),
        }
    }

    /// The value of a key as a time in seconds, with or without a fraction; `default` if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is not a number, negative, or more than a year.
    pub fn seconds(&self, key: &str, default: Duration) -> Result<Duration, ParamError> {
        match self.trimmed(key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .filter(|span| *span <= LONGEST)
                .ok_or_else(|| self.invalid(key, "a time in seconds, a year at most")),
        }
    }

    /// The value of a key as one of `allowed`; `default` if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] with the allowed words, and with those that may have been meant.
    pub fn word<'a>(
        &self,
        key: &str,
        default: &'a str,
        allowed: &[&'a str],
    ) -> Result<&'a str, ParamError> {
        let Some(text) = self.trimmed(key) else {
            return Ok(default);
        };
        let known = allowed.iter().find(|word| **word == text);
        known
            .copied()
            .ok_or_else(|| self.invalid_word(key, allowed))
    }

    /// The names in the value of a key, as objects have them: letters, digits, `.`, `_` and `-`, 64 at most, each name
    /// once.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] for another name, or for one that stands there twice.
    pub fn names(&self, key: &str) -> Result<Vec<&str>, ParamError> {
        let names = self.objects(key);
        let mut seen = HashSet::new();
        for name in &names {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if name.len() > MAX_NAME || !name.chars().all(is_plain) || name.starts_with(['.', '-'])
            {
                let expected = "a list of names of letters, digits, `.`, `_` and `-`, 64 at most";
                return Err(self.invalid(key, expected));
            }
            if !seen.insert(*name) {
                return Err(self.invalid(
                    key,
                    &format!("a list of different names: {name} stands there twice"),
                ));
            }
        }
        Ok(names)
    }

    /// The value of a key as a regular expression; that of `default` if it is not set or empty, none if that is empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is none, or compiled takes more than a MiB.
    pub fn regex(&self, key: &str, default: &str) -> Result<Option<Regex>, ParamError> {
        let text = self.get_or(key, default);
        if text.is_empty() {
            return Ok(None);
        }
        let regex = RegexBuilder::new(text).size_limit(REGEX_SIZE).build();
        regex.map(Some).map_err(|error| {
            self.invalid(key, &format!("a regular expression: {}", reason(&error)))
        })
    }

    /// The value of a key as the address of a network card, `52:54:00:12:34:56`; none if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is none, or an address of several cards.
    pub fn mac(&self, key: &str) -> Result<Option<[u8; 6]>, ParamError> {
        let Some(text) = self.trimmed(key) else {
            return Ok(None);
        };
        let mac =
            mac(text).ok_or_else(|| self.invalid(key, "a MAC address, as `52:54:00:12:34:56`"))?;
        if mac[0] & 1 == 1 {
            return Err(self.invalid(key, "the MAC address of one card: the first byte is odd"));
        }
        Ok(Some(mac))
    }

    /// An error that says that the value of `key` should be `expected`.
    pub fn invalid(&self, key: &str, expected: &str) -> ParamError {
        self.invalid_near(key, expected, Vec::new())
    }

    /// An error that says that the value of `key` should be one of `allowed`.
    pub fn invalid_word(&self, key: &str, allowed: &[&str]) -> ParamError {
        let near = nearest(self.get(key).unwrap_or_default(), allowed.iter().copied());
        self.invalid_near(key, &alternatives(allowed), near)
    }

    fn invalid_near(&self, key: &str, expected: &str, near: Vec<String>) -> ParamError {
        let origin = self.origin(key).map_or_else(
            || "an unknown place".to_owned(),
            |origin| format!("{origin}:{}", origin.column()),
        );
        ParamError::Invalid {
            key: self.spelling(key).unwrap_or(key).to_owned(),
            value: self.get(key).unwrap_or_default().to_owned(),
            expected: expected.to_owned(),
            origin,
            near,
        }
    }
}

/// The last line of what is wrong with an expression: those before it show where.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut bytes = text.split([':', '-']);
    for byte in &mut mac {
        let digits = bytes.next()?;
        if digits.len() != 2 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    bytes.next().is_none().then_some(mac)
}

#[cfg(test)]
#[path = "typed_tests.rs"]
mod tests;
