//! `_min`, `_max` and `_fixed`: keys that bound other keys, looked at when a variant is complete.
//!
//! Every bound is compared with the value before any bound took effect; of several that take effect, the one whose key
//! got a value last wins. That is the order of the reference, and shipped configurations depend on it.

use crate::error::{Error, ErrorKind};
use crate::tree::Entry;

/// How a key bounds the key without the ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Max,
    Min,
    Fixed,
}

impl Limit {
    /// Which key `key` bounds by its name, and how.
    pub(crate) fn of(key: &str) -> Option<(Self, &str)> {
        [
            ("_max", Self::Max),
            ("_min", Self::Min),
            ("_fixed", Self::Fixed),
        ]
        .into_iter()
        .find_map(|(ending, limit)| Some((limit, key.strip_suffix(ending)?)))
    }

    /// Does the bound take the place of `value`? A key without a value always gets the bound.
    ///
    /// Both are whole numbers, or sizes (`B K M G T`) if one of them has a unit; a size without a unit counts in `M`.
    pub(crate) fn replaces(
        self,
        name: &str,
        bound: &Entry,
        value: Option<&Entry>,
    ) -> Result<bool, Error> {
        let Some(value) = value else { return Ok(true) };
        if self == Self::Fixed {
            return Ok(true);
        }
        let sized = has_unit(&bound.text) || has_unit(&value.text);
        let number = |entry: &Entry, role: &str| {
            number(&entry.text, sized).ok_or_else(|| {
                let message = format!("{role} is `{}`, which is no number", entry.text);
                Error::new(ErrorKind::Number, entry.origin.span(), message).with_help(
                    "a key that ends with `_max` or `_min` bounds the key without the ending",
                )
            })
        };
        let limit = number(bound, &format!("the bound `{name}`"))?;
        let value = number(value, &format!("the value bounded by `{name}`"))?;
        Ok(if self == Self::Max {
            value > limit
        } else {
            value < limit
        })
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

/// The number in `text`; sizes in bytes, without the fraction of one.
fn number(text: &str, sized: bool) -> Option<f64> {
    let text = text.trim();
    if !sized {
        let whole: i64 = text.parse().ok()?;
        return Some(whole as f64);
    }
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, last)) => match unit(last) {
            Some(factor) => (&text[..at], factor),
            None => (text, unit('M')?),
        },
        None => return None,
    };
    let value: f64 = digits.trim().parse().ok()?;
    value.is_finite().then(|| (value * factor).trunc())
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
    }

    #[test]
    fn sizes_without_a_unit_are_megabytes() {
        assert_eq!(number("1024", false), Some(1024.0));
        assert_eq!(number("1G", true), number("1024", true));
        assert_eq!(number("1.5k", true), Some(1536.0));
        for (text, sized) in [
            ("", true),
            ("hello", false),
            ("hello", true),
            ("M", true),
            ("infM", true),
        ] {
            assert_eq!(number(text, sized), None, "{text}");
        }
    }
}
