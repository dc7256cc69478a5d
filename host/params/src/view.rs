//! A view of the parameters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use vthost_cartesian::{Origin, Variant};

use crate::ParamError;

/// No time that a parameter gives is longer: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Views of views are nested at most this deep: the cost of a look-up doubles with each level.
const MAX_DEPTH: usize = 6;

/// A value and where it came from.
#[derive(Debug, Clone)]
struct Entry {
    value: Arc<str>,
    /// None for a value that no configuration set.
    origin: Option<Origin>,
}

/// The parameters of a test, or what one of its objects sees of them (guide, section "Cartesian Configuration", on
/// objects): for the object `vm1`, the key `mem_vm1` overrides `mem`.
///
/// Cheap to clone, and a view costs nothing but its name: all views share the parameters of the test.
#[derive(Debug, Clone)]
pub struct Params {
    entries: Arc<BTreeMap<Arc<str>, Entry>>,
    /// The names of the objects, the outermost first.
    objects: Vec<Arc<str>>,
}

impl Params {
    /// The parameters of a variant.
    pub fn new(variant: &Variant) -> Self {
        Self::from_entries(
            variant
                .entries()
                .map(|(key, value, origin)| (key, value, Some(origin))),
        )
    }

    /// Parameters from plain pairs, without origins.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_entries(pairs.into_iter().map(|(key, value)| (key, value, None)))
    }

    fn from_entries<'a>(entries: impl Iterator<Item = (&'a str, &'a str, Option<Origin>)>) -> Self {
        let entries = entries.map(|(key, value, origin)| {
            let value = value.into();
            (key.into(), Entry { value, origin })
        });
        Self {
            entries: Arc::new(entries.collect()),
            objects: Vec::new(),
        }
    }

    /// The name of the object whose view this is; empty for the test itself.
    pub fn object_name(&self) -> &str {
        self.objects.last().map_or("", |name| name)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entry_in(&self.objects, key)
    }

    /// What the objects see: the innermost one first asks for its own key, and its own key may have one for the objects
    /// around it (`image_name_image1_vm1`).
    fn entry_in(&self, objects: &[Arc<str>], key: &str) -> Option<&Entry> {
        match objects.split_last() {
            None => self.entries.get(key),
            Some((name, around)) => self
                .entry_in(around, &format!("{key}_{name}"))
                .or_else(|| self.entry_in(around, key)),
        }
    }

    /// The value of a key, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| &*entry.value)
    }

    /// Where the value of a key was set.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entry(key)?.origin.as_ref()
    }

    /// Every key with its value, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.with_prefix("")
    }

    /// Every key that starts with `prefix`, with its value, sorted by key. For an object, keys that only it has under
    /// their own name (`mem_vm1` without a `mem`) are among them.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &str,
    ) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> + 'a {
        let range = (Bound::Included(prefix), Bound::Unbounded);
        let mut found: BTreeMap<Cow<'a, str>, &'a str> = BTreeMap::new();
        for (key, entry) in self.entries.range::<str, _>(range) {
            if !key.starts_with(prefix) {
                break;
            }
            found.insert(Cow::Borrowed(&**key), &*entry.value);
            // The names that the key has for the object, and for those around it.
            let mut stem = &**key;
            while let Some(shorter) = self.objects.iter().find_map(|name| {
                stem.strip_suffix(&**name)
                    .and_then(|stem| stem.strip_suffix('_'))
            }) {
                stem = shorter;
                if stem.starts_with(prefix) {
                    found.insert(Cow::Borrowed(stem), "");
                }
            }
        }
        if !self.objects.is_empty() {
            found.retain(|key, value| match self.get(key) {
                Some(seen) => {
                    *value = seen;
                    true
                }
                None => false,
            });
        }
        found.into_iter()
    }

    /// The names in the value of a key, split at blanks; none if it is not set.
    pub fn objects(&self, key: &str) -> Vec<&str> {
        self.get(key)
            .map(|value| value.split_whitespace().collect())
            .unwrap_or_default()
    }

    /// The parameters as the object `name` sees them. Past six objects inside each other, the outermost is forgotten.
    #[must_use]
    pub fn object(&self, name: &str) -> Self {
        let mut objects = self.objects.clone();
        if objects.len() == MAX_DEPTH {
            objects.remove(0);
        }
        objects.push(name.into());
        Self {
            entries: Arc::clone(&self.entries),
            objects,
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
                object: self.object_name().to_owned(),
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
            ("image_name", "base"),
            ("image_name_image1", "one"),
            ("image_name_image1_vm1", "one of vm1"),
            ("own_vm1", "only here"),
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
        assert_eq!(params.object("vm1").get("mem"), Some("1024"));
        assert_eq!(params.get("mem"), Some("512"));
        let image = |vm: &str| params.object(vm).object("image1");
        assert_eq!(image("vm1").get("image_name"), Some("one of vm1"));
        assert_eq!(image("vm2").get("image_name"), Some("one"));
        assert_eq!(image("vm1").get("mem"), Some("1024"));
        assert_eq!(image("vm1").object_name(), "image1");
    }

    #[test]
    fn views_of_views_have_an_end() {
        let mut view = params();
        for _ in 0..10_000 {
            view = view.object("vm1");
        }
        assert_eq!(view.get("mem"), Some("1024"));
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
        let keys = |view: &Params, prefix: &str| -> Vec<(String, String)> {
            view.with_prefix(prefix)
                .map(|(key, value)| (key.into_owned(), value.to_owned()))
                .collect()
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            keys(&params, "mem"),
            [pair("mem", "512"), pair("mem_vm1", "1024")]
        );
        let vm1 = params.object("vm1");
        assert_eq!(
            keys(&vm1, "mem"),
            [pair("mem", "1024"), pair("mem_vm1", "1024")]
        );
        assert_eq!(
            keys(&vm1, "own"),
            [pair("own", "only here"), pair("own_vm1", "only here")]
        );
        assert_eq!(params.iter().count(), 11);
    }
}
