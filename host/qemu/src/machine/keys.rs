//! The keyboard.

use std::str::FromStr;
use std::time::Duration;

use qapi::qmp::QKeyCode;
use serde_json::{Value, json};

use super::Machine;
use crate::error::MachineError;

/// How long a key is held down if nothing else is said. QEMU's own 10 ms are too short for some boot loaders.
pub const HOLD: Duration = Duration::from_millis(20);

/// The most keys of one combination; a keyboard has room for few more.
const MOST_KEYS: usize = 16;

/// Names of keys that people use, and QEMU's.
const ALIASES: [(&str, &str); 14] = [
    ("enter", "ret"),
    ("return", "ret"),
    ("escape", "esc"),
    ("del", "delete"),
    ("ins", "insert"),
    ("bksp", "backspace"),
    ("space", "spc"),
    ("pageup", "pgup"),
    ("page_up", "pgup"),
    ("pagedown", "pgdn"),
    ("page_down", "pgdn"),
    ("win", "meta_l"),
    ("super", "meta_l"),
    ("control", "ctrl"),
];

/// What is on the keys of a US keyboard besides letters and digits: the key, what it gives alone, and with shift.
const US: [(&str, char, char); 11] = [
    ("grave_accent", '`', '~'),
    ("minus", '-', '_'),
    ("equal", '=', '+'),
    ("bracket_left", '[', '{'),
    ("bracket_right", ']', '}'),
    ("backslash", '\\', '|'),
    ("semicolon", ';', ':'),
    ("apostrophe", '\'', '"'),
    ("comma", ',', '<'),
    ("dot", '.', '>'),
    ("slash", '/', '?'),
];

/// What the digits of a US keyboard give with shift, from 0 on.
const US_DIGITS: [char; 10] = [')', '!', '@', '#', '$', '%', '^', '&', '*', '('];

/// Keys that are pressed together: `ctrl-alt-delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// QEMU's name of the key.
    Named(String),
    /// A scan code of the first set.
    Code(u8),
}

impl FromStr for Keys {
    type Err = MachineError;

    /// Takes names of keys joined by `-`: QEMU's names (`ctrl`, `alt`, `delete`, `f12`, `a`, `ret`), a few usual ones
    /// (`enter`, `esc`, `pageup`), and scan codes like `0x1e`. `minus` is the key with the minus sign.
    fn from_str(text: &str) -> Result<Self, MachineError> {
        let wrong = |rule: String| MachineError::Argument {
            what: "key combination",
            value: text.to_owned(),
            rule: rule.into(),
        };
        let keys: Vec<Key> = text
            .split('-')
            .map(|name| {
                Key::of(name).ok_or_else(|| {
                    let rule = "it has to be names of keys joined by `-`, like ctrl-alt-delete";
                    wrong(format!("QEMU knows no key {name:?}: {rule}"))
                })
            })
            .collect::<Result<_, _>>()?;
        if keys.len() > MOST_KEYS {
            return Err(wrong(format!(
                "it has {} keys, and {MOST_KEYS} can be pressed together",
                keys.len()
            )));
        }
        Ok(Self(keys))
    }
}

impl Key {
    fn of(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        if let Some(code) = lower.strip_prefix("0x") {
            return u8::from_str_radix(code, 16).ok().map(Self::Code);
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
        let name = alias.map_or(lower.as_str(), |(_, name)| *name);
        // The list of the `qapi` crate; QEMU would tell of a key that it does not know, too, but less well.
        let known = QKeyCode::from_str(name).is_ok();
        known.then(|| Self::Named(name.to_owned()))
    }

    fn to_qmp(&self) -> Value {
        match self {
            Self::Named(name) => json!({ "type": "qcode", "data": name }),
            Self::Code(code) => json!({ "type": "number", "data": code }),
        }
    }
}

impl Keys {
    /// The keys that give a character on a US keyboard.
    fn for_char(c: char) -> Option<Self> {
        let plain = |name: &str| Self(vec![Key::Named(name.to_owned())]);
        let shifted = |name: &str| {
            Self(vec![
                Key::Named("shift".to_owned()),
                Key::Named(name.to_owned()),
            ])
        };
        match c {
            'a'..='z' | '0'..='9' => return Some(plain(&c.to_string())),
            'A'..='Z' => return Some(shifted(&c.to_ascii_lowercase().to_string())),
            ' ' => return Some(plain("spc")),
            '\n' | '\r' => return Some(plain("ret")),
            '\t' => return Some(plain("tab")),
            '\x08' => return Some(plain("backspace")),
            '\x1b' => return Some(plain("esc")),
            _ => {}
        }
        if let Some(digit) = US_DIGITS.iter().position(|&given| given == c) {
            return Some(shifted(&digit.to_string()));
        }
        US.iter().find_map(|&(key, alone, with_shift)| {
            if c == alone {
                Some(plain(key))
            } else {
                (c == with_shift).then(|| shifted(key))
            }
        })
    }
}

impl Machine {
    /// Presses keys together, holds them for `hold` ([`HOLD`] is usual), and lets them go. Returns when they are up
    /// again. The time is the guest's: a paused machine does not see the keys before it runs.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn send_key(&self, keys: &Keys, hold: Duration) -> Result<(), MachineError> {
        let millis = u64::try_from(hold.as_millis().max(1)).unwrap_or(u64::MAX);
        let codes: Vec<Value> = keys.0.iter().map(Key::to_qmp).collect();
        let steps = u32::try_from(2 * codes.len()).unwrap_or(u32::MAX);
        let arguments = json!({ "keys": codes, "hold-time": millis });
        self.command("send keys to", "send-key", arguments).await?;
        // QEMU queues the presses and releases with this time between them, and does not tell when it has come to the
        // end; what exceeds its queue would be lost.
        tokio::time::sleep(hold.saturating_mul(steps)).await;
        Ok(())
    }

    /// Types a text on a US keyboard, key by key; `\n` is the Enter key.
    ///
    /// # Errors
    /// [`MachineError::Argument`] before anything is typed, if such a keyboard does not have one of the characters;
    /// [`MachineError::Qmp`].
    pub async fn send_string(&self, text: &str, hold: Duration) -> Result<(), MachineError> {
        let keys: Vec<Keys> = text
            .chars()
            .map(|c| {
                Keys::for_char(c).ok_or_else(|| MachineError::Argument {
                    what: "text to type",
                    value: text.to_owned(),
                    rule: format!("a US keyboard has no key for {c:?}").into(),
                })
            })
            .collect::<Result<_, _>>()?;
        for keys in &keys {
            self.send_key(keys, hold).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qmp(text: &str) -> Value {
        let keys: Keys = text.parse().expect(text);
        keys.0.iter().map(Key::to_qmp).collect()
    }

    #[test]
    fn combinations_are_read() {
        let named = |name: &str| json!({ "type": "qcode", "data": name });
        assert_eq!(
            qmp("ctrl-alt-delete"),
            json!([named("ctrl"), named("alt"), named("delete")])
        );
        assert_eq!(qmp("Enter"), json!([named("ret")]));
        assert_eq!(
            qmp("shift-0x1E"),
            json!([named("shift"), { "type": "number", "data": 30 }])
        );
        for bad in ["", "ctrl-", "ctrl-nokey", "0x100", "a,b"] {
            let error = bad.parse::<Keys>().expect_err(bad).to_string();
            assert!(error.starts_with("key combination is "), "{error}");
        }
        "a-".repeat(20)
            .trim_end_matches('-')
            .parse::<Keys>()
            .expect_err("too many");
    }

    #[test]
    fn every_printable_character_has_its_keys() {
        for c in ' '..='~' {
            let keys = Keys::for_char(c).expect("on the keyboard");
            for key in &keys.0 {
                let Key::Named(name) = key else {
                    panic!("{c}: a code");
                };
                assert!(QKeyCode::from_str(name).is_ok(), "{c}: {name}");
            }
        }
        assert_eq!(Keys::for_char('?'), "shift-slash".parse().ok());
        assert_eq!(Keys::for_char('('), "shift-9".parse().ok());
        assert_eq!(Keys::for_char('é'), None);
    }
}
