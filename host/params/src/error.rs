//! Why a parameter cannot be used.

/// A parameter is missing or cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The variant does not set a key that is needed.
    #[error("the parameter `{key}` is not set{}", of(.object))]
    Missing {
        /// The key.
        key: String,
        /// The object that needs it; empty for the test itself.
        object: String,
    },
    /// The value is not of the type that the key has.
    #[error("the parameter `{key}` is `{value}`, which is not {expected} (set at {origin}){}", hint(.near))]
    Invalid {
        /// The key, as it is set: with the names of objects, in its old spelling.
        key: String,
        /// Its value.
        value: String,
        /// What it should be: `a whole number`.
        expected: String,
        /// Where it was set: `file:line:column`.
        origin: String,
        /// Words that may have been meant.
        near: Vec<String>,
    },
}

fn of(object: &str) -> String {
    if object.is_empty() {
        String::new()
    } else {
        format!(" for `{object}`")
    }
}

fn hint(near: &[String]) -> String {
    vthost_cartesian::did_you_mean(near)
        .map_or_else(String::new, |question| format!("; {question}"))
}
