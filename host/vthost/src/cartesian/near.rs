//! What to say of names that look like a name that does not exist.

/// The question to ask, or nothing if nothing is near.
pub(crate) fn question(near: &[String]) -> Option<String> {
    if near.is_empty() {
        return None;
    }
    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("did you mean {}?", near.join(" or ")))
}

/// [`question`], to be appended to a message.
pub(crate) fn hint(near: &[String]) -> String {
    question(near).map_or_else(String::new, |question| format!("; {question}"))
}
