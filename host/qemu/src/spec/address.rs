//! Where a device sits on its bus, if the configuration says so.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::SpecError;

/// Slot and function on a PCI bus: `0x1d.7`, `5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    /// 0 to 31.
    pub slot: u8,
    /// 0 to 7; `None` for a device that has its slot for itself.
    pub function: Option<u8>,
}

impl PciAddress {
    /// A slot, all of it.
    #[must_use]
    pub fn slot(slot: u8) -> Self {
        Self {
            slot,
            function: None,
        }
    }

    /// One function of a slot.
    #[must_use]
    pub fn function(slot: u8, function: u8) -> Self {
        Self {
            slot,
            function: Some(function),
        }
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function {
            None => write!(f, "{:#x}", self.slot),
            Some(function) => write!(f, "{:#x}.{function:#x}", self.slot),
        }
    }
}

impl Serialize for PciAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for PciAddress {
    type Err = SpecError;

    /// Takes `slot` or `slot.function`, both hexadecimal as QEMU reads them, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let number = |part: &str, most: u8| {
            let digits = part.strip_prefix("0x").unwrap_or(part);
            u8::from_str_radix(digits, 16)
                .ok()
                .filter(|number| *number <= most && !digits.starts_with('+'))
        };
        let (slot, function) = match text.split_once('.') {
            None => (number(text, 31), Some(None)),
            Some((slot, function)) => (number(slot, 31), number(function, 7).map(Some)),
        };
        match (slot, function) {
            (Some(slot), Some(function)) => Ok(Self { slot, function }),
            _ => Err(SpecError::Value {
                field: "pci address".to_owned(),
                value: text.to_owned(),
                rule: "it has to be a slot (0 to 1f) or slot.function (function 0 to 7), in hexadecimal"
                    .to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_qemu_reads_them() {
        for (text, shown) in [("5", "0x5"), ("0x1d.0x7", "0x1d.0x7"), ("1f.2", "0x1f.0x2")] {
            assert_eq!(text.parse::<PciAddress>().expect(text).to_string(), shown);
        }
        for bad in ["", "0x20", "1.8", "x", "1.", ".1", "-1", "+1", "1.2.3"] {
            bad.parse::<PciAddress>().expect_err(bad);
        }
    }
}
