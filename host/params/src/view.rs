//! A view of the parameters.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use vthost_cartesian::{Origin, Variant};

use crate::ParamError;

/// No time that a parameter gives is longer: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A value and where it came from.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The value.
    pub value: Arc<str>,
    /// Where it was set; none for a value that vthost computed.
    pub origin: Option<Origin>,
}

/// The parameters of a test, or what one of its objects sees of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Params {
    object: Arc<str>,
    entries: Arc<BTreeMap<Arc<str>, Entry>>,
}

impl Params {
    /// The parameters of a variant.
    pub fn new(variant: &Variant) -> Self {
        let entries = variant
            .entries()
            .map(|(key, value, origin)| {
                let entry = Entry {
                    value: value.into(),
                    origin: Some(origin.clone()),
                };
                (key.into(), entry)
            })
            .collect();
        Self {
            object: "".into(),
            entries: Arc::new(entries),
        }
    }

    /// Parameters from plain pairs, without origins.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entries = pairs
            .into_iter()
            .map(|(key, value)| {
                let entry = Entry {
                    value: value.into(),
                    origin: None,
                };
                (key.into(), entry)
            })
            .collect();
        Self {
            object: "".into(),
            entries: Arc::new(entries),
        }
    }

    /// The name of the object whose view this is; empty for the test itself.
    pub fn object_name(&self) -> &str {
        &self.object
    }

    /// The value of a key, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| &*entry.value)
    }

    /// Where the value of a key was set.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entries.get(key)?.origin.as_ref()
    }

    /// Every key with its value, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(key, entry)| (&**key, &*entry.value))
    }

    /// Every key that starts with `prefix`, with its value, sorted by key.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.entries
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .map(|(key, entry)| (&**key, &*entry.value))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The names in the value of a key, split at blanks; none if it is not set.
    pub fn objects(&self, key: &str) -> Vec<&str> {
        self.get(key)
            .map(|value| value.split_whitespace().collect())
            .unwrap_or_default()
    }

    /// The parameters as the object `name` sees them (guide, section "Cartesian Configuration", on objects):
    /// every key that ends in `_<name>` overrides the key before that suffix.
    #[must_use]
    pub fn object(&self, name: &str) -> Self {
        let suffix = format!("_{name}");
        let mut entries = BTreeMap::clone(&self.entries);
        for (key, entry) in self.entries.iter() {
            // The reference cuts at the first occurrence of the suffix, wherever it stands in the key.
            if key.ends_with(&suffix)
                && let Some((stem, _)) = key.split_once(&suffix)
            {
                entries.insert(stem.into(), entry.clone());
            }
        }
        Self {
            object: name.into(),
            entries: Arc::new(entries),
        }
    }

    /// The value of a key that must be set and not empty.
    ///
    /// # Errors
    /// [`ParamError::Missing`].
    pub fn require(&self, key: &str) -> Result<&str, ParamError> {
        self.get(key)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ParamError::Missing {
                key: key.to_owned(),
                object: self.object.to_string(),
            })
    }

    /// The value of a key, or `default` if it is not set or empty.
    pub fn get_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.get(key)
            .filter(|value| !value.is_empty())
            .unwrap_or(default)
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
        match self.get(key).map(str::trim) {
            None | Some("") => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| self.invalid(key, "a whole number in range")),
        }
    }

    /// The value of a key as a time in seconds, with or without a fraction; `default` if it is not set or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] if it is not a number, negative, or more than a year.
    pub fn seconds(&self, key: &str, default: Duration) -> Result<Duration, ParamError> {
        match self.get(key).map(str::trim) {
            None | Some("") => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .filter(|span| *span <= LONGEST)
                .ok_or_else(|| self.invalid(key, "a time in seconds, a year at most")),
        }
    }

    /// An error that says that the value of `key` should be `expected`.
    pub fn invalid(&self, key: &str, expected: &str) -> ParamError {
        ParamError::Invalid {
            key: key.to_owned(),
            value: self.get(key).unwrap_or_default().to_owned(),
            expected: expected.to_owned(),
            origin: self
                .origin(key)
                .map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        Params::from_pairs([
            ("mem", "512"),
            ("mem_vm1", "1024"),
            ("mem_vm1_vm1", "7"),
            ("vms", " vm1  vm2 "),
            ("start_vm", "yes"),
            ("kill_vm", "maybe"),
            ("login_timeout", "2.5"),
            ("empty", ""),
        ])
    }

    #[test]
    fn an_object_sees_its_own_values() {
        let params = params();
        assert_eq!(params.objects("vms"), ["vm1", "vm2"]);
        assert_eq!(params.object("vm2").get("mem"), Some("512"));
        // `mem_vm1_vm1` is cut at the first `_vm1` too, and comes later in the order of keys.
        assert_eq!(params.object("vm1").get("mem"), Some("7"));
        assert_eq!(params.get("mem"), Some("512"));
    }

    #[test]
    fn values_have_types() {
        let params = params();
        assert_eq!(params.number("mem", 0_u32), Ok(512));
        assert_eq!(params.number("empty", 3_u32), Ok(3));
        assert_eq!(params.flag("start_vm", false), Ok(true));
        assert_eq!(params.flag("absent", true), Ok(true));
        assert_eq!(
            params.seconds("login_timeout", Duration::ZERO),
            Ok(Duration::from_millis(2500))
        );
        let error = params.flag("kill_vm", true).unwrap_err().to_string();
        assert!(error.contains("`kill_vm` is `maybe`"), "{error}");
        assert!(params.number::<u32>("vms", 1).is_err());
        for wrong in ["-1", "1e18", "inf", "nan", "soon"] {
            let params = Params::from_pairs([("test_timeout", wrong)]);
            assert!(
                params.seconds("test_timeout", Duration::ZERO).is_err(),
                "{wrong}"
            );
        }
        let error = params.object("vm1").require("empty").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the parameter `empty` is not set for `vm1`"
        );
    }

    #[test]
    fn a_prefix_gives_its_keys_in_order() {
        let params = params();
        let keys: Vec<_> = params.with_prefix("mem_").map(|(key, _)| key).collect();
        assert_eq!(keys, ["mem_vm1", "mem_vm1_vm1"]);
    }
}
