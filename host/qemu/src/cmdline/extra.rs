//! Options that the configuration adds as they are.
//!
//! QEMU makes the devices that are written as `-device key=value` before those that are written in JSON, whatever their
//! order: one that somebody adds would take a place that belongs to another. So it is written in JSON, too, and comes last.

use crate::element::Element;

/// Parts options into the devices among them and the rest, each in its order.
pub(super) fn part(args: &[String]) -> (Vec<Element>, Vec<&str>) {
    let (mut devices, mut rest) = (Vec::new(), Vec::new());
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        let is_device = matches!(arg, "-device" | "--device");
        match args.peek().and_then(|value| device(value)) {
            Some(device) if is_device => {
                devices.push(device);
                args.next();
            }
            _ => rest.push(arg),
        }
    }
    (devices, rest)
}

/// `driver,key=value,key`, where a doubled comma is a comma; `None` if it is JSON, a question (`help`), or no such text.
fn device(text: &str) -> Option<Element> {
    let mut words = split(text).into_iter();
    let first = words.next()?;
    let driver = first.strip_prefix("driver=").unwrap_or(&first).to_owned();
    let is_name = |text: &str| !text.is_empty() && !text.contains(['{', '=', '?']);
    if !is_name(&driver) || driver == "help" {
        return None;
    }
    let mut props = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((&word, "on"));
        if !is_name(key) || key == "help" {
            return None;
        }
        props.push((key.to_owned(), value.to_owned()));
    }
    Some(Element::nameless_device(&driver).loosely(&props))
}

/// The parts between single commas.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        if c != ',' {
            parts[last].push(c);
        } else if chars.next_if_eq(&',').is_some() {
            parts[last].push(',');
        } else {
            parts.push(String::new());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::element::Argument;

    use super::*;

    fn parted(line: &str) -> (Vec<String>, Vec<String>) {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (devices, rest) = part(&args);
        let devices = devices.iter().map(|device| match device.argument() {
            Argument::Text(option, value) => format!("{option} {value}"),
            Argument::Channel(id) => id,
        });
        (
            devices.collect(),
            rest.into_iter().map(str::to_owned).collect(),
        )
    }

    #[test]
    fn devices_are_taken_out_of_the_options() {
        let line = "-name x -device edu,id=e,a=b,,c,flag -no-hpet --device driver=pci-testdev";
        let (devices, rest) = parted(line);
        let expected = [
            r#"-device {"driver":"edu","id":"e","a":"b,c","flag":"on"}"#,
            r#"-device {"driver":"pci-testdev"}"#,
        ];
        assert_eq!(devices, expected);
        assert_eq!(rest, ["-name", "x", "-no-hpet"]);
    }

    #[test]
    fn what_is_no_description_of_a_device_stays_as_it_is() {
        for line in [
            r#"-device {"driver":"edu"}"#,
            "-device help",
            "-device edu,help",
            "-device",
            "-device ,x",
            "-drive device",
        ] {
            let (devices, rest) = parted(line);
            assert!(devices.is_empty(), "{line}: {devices:?}");
            assert_eq!(rest.join(" "), line);
        }
    }
}
