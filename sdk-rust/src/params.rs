//! The parameters of the test.

use std::str::FromStr;

use crate::Outcome;
use crate::bindings::vthost::core::params::Params as Raw;

/// The parameters, of the whole test or as one object sees them (guide, section "Cartesian Configuration").
#[derive(Debug)]
pub struct Params<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Borrowed(&'a Raw),
    Owned(Raw),
}

impl<'a> Params<'a> {
    pub(crate) fn borrowed(raw: &'a Raw) -> Self {
        Self(Inner::Borrowed(raw))
    }

    pub(crate) fn owned(raw: Raw) -> Self {
        Self(Inner::Owned(raw))
    }

    fn raw(&self) -> &Raw {
        match &self.0 {
            Inner::Borrowed(raw) => raw,
            Inner::Owned(raw) => raw,
        }
    }

    /// The value of a key, if the variant sets it.
    pub fn get(&self, key: &str) -> Option<String> {
        self.raw().get(key)
    }

    /// The value of a key that the test cannot do without.
    ///
    /// # Errors
    /// An ERROR that names the key if the variant does not set it.
    pub fn require(&self, key: &str) -> Result<String, Outcome> {
        self.get(key)
            .ok_or_else(|| Outcome::error(format!("the parameter `{key}` is not set")))
    }

    /// The value of a key as a number or any other type, or `default` if it is not set.
    ///
    /// # Errors
    /// An ERROR that names key and value if it cannot be read as such.
    pub fn parse_or<T: FromStr>(&self, key: &str, default: T) -> Result<T, Outcome> {
        let Some(text) = self.get(key) else {
            return Ok(default);
        };
        text.trim().parse().map_err(|_| {
            Outcome::error(format!(
                "the parameter `{key}` is `{text}`, which is not a valid {}",
                std::any::type_name::<T>()
            ))
        })
    }

    /// Whether the value of a key is `yes`, `on` or `true`; `default` if it is not set.
    pub fn flag_or(&self, key: &str, default: bool) -> bool {
        self.get(key)
            .map_or(default, |text| matches!(text.trim(), "yes" | "on" | "true"))
    }

    /// The names in the value of a key, split at blanks.
    pub fn objects(&self, key: &str) -> Vec<String> {
        self.raw().objects(key)
    }

    /// The parameters as the object `name` sees them: `mem_vm1` overrides `mem` for `vm1`.
    pub fn object(&self, name: &str) -> Params<'static> {
        Params::owned(self.raw().object(name))
    }

    /// Every key that starts with `prefix`, with its value, sorted by key; at most 1,000.
    pub fn entries(&self, prefix: &str) -> Vec<(String, String)> {
        self.raw().entries(prefix)
    }
}
