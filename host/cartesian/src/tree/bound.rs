//! `_min`, `_max` and `_fixed`: keys that bound other keys, looked at when a variant is complete.
//!
//! Here is what one bound does to one value; which of several wins, `apply::leaf::bound` says.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::error::{Error, ErrorKind};
use crate::tree::{EntryId, Tree};

/// How a key bounds the key without the ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Max,
    Min,
    Fixed,
}

impl Limit {
    /// Which key `key` bounds by its name, and how: the key before the first of the endings, as the reference has it.
    pub(crate) fn of(key: &str) -> Option<(Self, &str)> {
        [
            ("_max", Self::Max),
            ("_min", Self::Min),
            ("_fixed", Self::Fixed),
        ]
        .into_iter()
        .find(|(ending, _)| key.ends_with(ending))
        .and_then(|(ending, limit)| Some((limit, key.split(ending).next()?)))
    }

    /// Does the bound take the place of `value`? A key without a value always gets the bound.
    ///
    /// Both are whole numbers, or sizes (`B K M G T`) if one of them has a unit; a size without a unit counts in `M`.
    pub(crate) fn replaces(
        self,
        name: &str,
        bound: Bounding<'_>,
        value: Option<Bounding<'_>>,
    ) -> Result<bool, NoNumber> {
        let Some(value) = value else { return Ok(true) };
        if self == Self::Fixed {
            return Ok(true);
        }
        let sized = has_unit(bound.text) || has_unit(value.text);
        let number = |of: Bounding<'_>, role: &str| {
            Number::of(of.text, sized).ok_or_else(|| NoNumber {
                entry: of.entry,
                message: format!("{role} `{name}` is `{}`, which is no number", of.text),
            })
        };
        let limit = number(bound, "the bound")?;
        let value = number(value, "the value bounded by")?;
        let order = value.partial_cmp(&limit);
        Ok(match self {
            Self::Max => order == Some(Ordering::Greater),
            _ => order == Some(Ordering::Less),
        })
    }
}

/// A value that is compared, and the statement that set it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounding<'a> {
    pub(crate) text: &'a str,
    pub(crate) entry: EntryId,
}

/// A value that should be a number, and is none.
#[derive(Debug)]
pub(crate) struct NoNumber {
    entry: EntryId,
    message: String,
}

impl NoNumber {
    pub(crate) fn error(self, tree: &Tree) -> Error {
        let span = tree.entry_span(self.entry);
        Error::new(ErrorKind::Number, &span, self.message)
            .with_help("a key that ends with `_max` or `_min` bounds the key without the ending")
    }
}

fn has_unit(text: &str) -> bool {
    text.chars().any(|c| unit(c).is_some())
}

fn unit(c: char) -> Option<f64> {
    let power = match c.to_ascii_uppercase() {
        'B' => 0,
        'K' => 1,
        'M' => 2,
        'G' => 3,
        'T' => 4,
        _ => return None,
    };
    Some(1024_f64.powi(power))
}

/// A number as Python reads it.
#[derive(Debug, PartialEq)]
enum Number {
    /// A whole number of any size: its sign, and its digits without leading zeros.
    Whole { negative: bool, digits: String },
    /// Bytes, without the fraction of one.
    Size(f64),
}

impl Number {
    fn of(text: &str, sized: bool) -> Option<Self> {
        if !sized {
            return Self::whole(text.trim());
        }
        let last = text.chars().next_back()?;
        let (digits, factor) = match unit(last) {
            Some(factor) => (&text[..text.len() - 1], factor),
            None => (text, unit('M')?),
        };
        let value: f64 = without_underscores(digits.trim())?.parse().ok()?;
        let bytes = (value * factor).trunc();
        bytes.is_finite().then_some(Self::Size(bytes))
    }

    fn whole(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = without_underscores(digits)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Self::Whole {
            negative: negative && !digits.is_empty(),
            digits,
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Size(a), Self::Size(b)) => a.partial_cmp(b),
            (
                Self::Whole {
                    negative: a_negative,
                    digits: a,
                },
                Self::Whole {
                    negative: b_negative,
                    digits: b,
                },
            ) => {
                let sizes = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                Some(match (a_negative, b_negative) {
                    (false, false) => sizes,
                    (true, true) => sizes.reverse(),
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                })
            }
            // Both sides of a comparison are read in the same way.
            _ => None,
        }
    }
}

/// `1_000` is 1000; an underscore anywhere but between two digits is a mistake.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let between = |at: usize| digit(at.checked_sub(1)) && digit(Some(at + 1));
    text.match_indices('_')
        .all(|(at, _)| between(at))
        .then(|| Cow::Owned(text.replace('_', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides() {
        assert_eq!(Limit::of("mem_max"), Some((Limit::Max, "mem")));
        assert_eq!(Limit::of("mem_min"), Some((Limit::Min, "mem")));
        assert_eq!(Limit::of("x_fixed"), Some((Limit::Fixed, "x")));
        assert_eq!(Limit::of("maximum"), None);
        assert_eq!(Limit::of("a_max_b_max"), Some((Limit::Max, "a")));
    }

    #[test]
    fn sizes_without_a_unit_are_megabytes() {
        let size = |text| Number::of(text, true);
        assert_eq!(size("1G"), size("1024"));
        assert_eq!(size("1.5k"), Some(Number::Size(1536.0)));
        assert_eq!(size("1_0.5b"), Some(Number::Size(10.0)));
        assert_eq!(size(" 1 k"), Some(Number::Size(1024.0)));
        for text in ["", "hello", "M", "infM", "1G ", "_1", "1__0", "1_.5"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_any_size() {
        let ordered = [
            "-99999999999999999999",
            "-2",
            "-1",
            "0",
            "+1",
            "007",
            "1_0",
            "9007199254740992",
            "9007199254740993",
            "99999999999999999999",
        ];
        let numbers: Vec<Number> = ordered
            .iter()
            .map(|text| Number::of(text, false).expect(text))
            .collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert_eq!(Number::of("-0", false), Number::of(" 0_0 ", false));
        for text in ["", "-", "+-1", "1.5", "0x10", "_1", "1_", "1e3", "hello"] {
            assert_eq!(Number::of(text, false), None, "{text}");
        }
    }
}
