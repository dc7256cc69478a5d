//! Amounts of bytes.

use crate::registry::Unit;

/// The bytes of a text as `10G`, `1440k`, `1.5 GiB`, `512`: a number, and `B`, `K`, `M`, `G`, `T`, `P` or `E`, of which
/// each is 1,024 times the one before, with or without `iB` or `B` behind it. `unit` is for a number alone.
///
/// None if it is no such text, or no number of bytes below 2^63, which no file and no memory has.
pub(crate) fn bytes(text: &str, unit: Unit) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, ending) = text.split_at(split.unwrap_or(text.len()));
    let factor = match ending.trim_start() {
        "" => unit.bytes(),
        ending => factor(ending)?,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let part = fraction_of(fraction, factor)?;
    let sum = whole.checked_add(part)?;
    i64::try_from(sum).is_ok().then_some(sum)
}

/// `0.fraction * factor`, without what is less than a byte.
fn fraction_of(fraction: &str, factor: u64) -> Option<u64> {
    // More digits are less than a byte of the greatest unit.
    let digits = fraction.get(..fraction.len().min(18))?;
    let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
    let part = u128::from(digits.parse::<u64>().ok()?) * u128::from(factor) / scale;
    u64::try_from(part).ok()
}

fn factor(ending: &str) -> Option<u64> {
    let ending = ending.to_ascii_lowercase();
    let letter = match ending.as_str() {
        "b" => return Some(1),
        other => other
            .strip_suffix("ib")
            .or_else(|| other.strip_suffix('b'))
            .unwrap_or(other),
    };
    let power = ["k", "m", "g", "t", "p", "e"]
        .iter()
        .position(|known| *known == letter)?;
    let power = u32::try_from(power).ok()? + 1;
    1024_u64.checked_pow(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("512", 512 << 20),
            (" 10G ", 10 << 30),
            ("10g", 10 << 30),
            ("1440k", 1440 << 10),
            ("1.5GiB", 3 << 29),
            ("2 MB", 2 << 20),
            ("7B", 7),
            ("0.5K", 512),
            ("0", 0),
            ("7E", 7 << 60),
            ("0.0000000000000000001E", 0),
        ] {
            assert_eq!(bytes(text, Unit::MiB), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_none() {
        for text in [
            "",
            "G",
            "-1",
            "1.2.3",
            "1,5G",
            "10GG",
            "10 gigs",
            "8E",
            "99999999999999999999",
            "1e3",
            "inf",
            "0x10",
            ".5G",
            "1.",
            "é",
            "1é",
        ] {
            assert_eq!(bytes(text, Unit::B), None, "{text}");
        }
    }
}
