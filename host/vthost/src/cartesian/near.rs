//! What to say of names that look like a name that does not exist.

use vthost_cartesian::did_you_mean;

/// The question whether one of them was meant, to be appended to a message.
pub(crate) fn hint(near: &[String]) -> String {
    did_you_mean(near).map_or_else(String::new, |question| format!("; {question}"))
}
