//! Reading what programs print.

/// The size that a text names, in bytes: `10G`, `512 MiB`, `1.5g`, `4096`. K, M, G, T and P are powers of 1024, whatever
/// follows them; a number alone is in units of `unit` bytes. Similar to `utils_numeric.normalize_data_size()` in
/// Avocado-VT.
pub fn parse_size(text: &str, unit: u64) -> Option<u64> {
    let text = text.trim();
    let number_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(number_end);
    let factor = match suffix.trim().to_ascii_lowercase().as_str() {
        "" => unit,
        "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        "p" | "pb" | "pib" => 1 << 50,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let number: f64 = number.parse().ok()?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a unit is no more exact than that; the cast saturates"
    )]
    let bytes = (number * factor as f64) as u64;
    Some(bytes)
}

/// The share of packets that were lost, in percent, as `ping` prints it on Linux and Windows. Similar to
/// `utils_test.get_loss_ratio()`.
pub fn loss_ratio(ping: &str) -> Option<f64> {
    let end = ping.find("% packet loss").or_else(|| ping.find("% loss"))?;
    let start = ping[..end].rfind(|c: char| !c.is_ascii_digit() && c != '.');
    ping[start.map_or(0, |at| at + 1)..end].parse().ok()
}

/// The value of a line `name: value` or `name=value`, without blanks around it.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(name)?.trim_start();
        Some(rest.strip_prefix([':', '='])?.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("10G", 1), Some(10 << 30));
        assert_eq!(parse_size(" 512 MiB ", 1), Some(512 << 20));
        assert_eq!(parse_size("1.5g", 1), Some(3 << 29));
        assert_eq!(parse_size("4096", 1 << 10), Some(4 << 20));
        assert_eq!(parse_size("7b", 1 << 10), Some(7));
        for bad in ["", "G", "1X", "-1", "1.2.3", "99999999999P"] {
            assert_eq!(parse_size(bad, 1), None, "{bad}");
        }
    }

    #[test]
    fn a_loss_is_read() {
        let linux = "10 packets transmitted, 9 received, 10% packet loss, time 9012ms";
        let busybox = "3 packets transmitted, 3 packets received, 0% packet loss";
        let windows = "Packets: Sent = 4, Received = 1, Lost = 3 (75% loss),";
        assert_eq!(loss_ratio(linux), Some(10.0));
        assert_eq!(loss_ratio(busybox), Some(0.0));
        assert_eq!(loss_ratio(windows), Some(75.0));
        assert_eq!(loss_ratio("100 % packet loss"), None);
        assert_eq!(loss_ratio("no such host"), None);
    }

    #[test]
    fn a_field_is_found() {
        let text = "MemTotal:   2048 kB\nMemFree:    1024 kB\nname = x\n";
        assert_eq!(field(text, "MemFree"), Some("1024 kB"));
        assert_eq!(field(text, "name"), Some("x"));
        assert_eq!(field(text, "Mem"), None);
    }
}
