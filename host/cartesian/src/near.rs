//! Names that look like a name that does not exist.

/// At most so many suggestions.
const MAX_SUGGESTIONS: usize = 3;

/// Nobody mistypes a longer name than that, and a comparison takes its square.
const MAX_LENGTH: usize = 64;

/// The names that look most like `wanted`, at most three, the nearest first: what to suggest for a label, a block or a key
/// that does not exist.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let length = wanted.chars().count();
    if length > MAX_LENGTH {
        return Vec::new();
    }
    let limit = limit(length);
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|label| {
            let lower = label.to_lowercase();
            let distance = distance(&wanted, &lower, limit)?;
            Some((distance, label))
        })
        .collect();
    near.sort_unstable();
    near.into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, label)| label.to_owned())
        .collect()
}

/// The question whether one of these names was meant, as `` did you mean `boot` or `reboot`? ``; `None` if there are no
/// names.
///
/// ```
/// use vthost_cartesian::{did_you_mean, nearest};
///
/// let near = nearest("boto", ["boot", "migrate"]);
/// assert_eq!(did_you_mean(&near).as_deref(), Some("did you mean `boot`?"));
/// assert_eq!(did_you_mean(&[]), None);
/// ```
pub fn did_you_mean(near: &[String]) -> Option<String> {
    if near.is_empty() {
        return None;
    }
    let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("did you mean {}?", near.join(" or ")))
}

/// How many edits make a word of this length look like another one, at most.
pub(crate) fn limit(length: usize) -> usize {
    (length / 3).max(2)
}

/// Whether two words differ by one slip of the hand: a character more, less or another, or two that changed places.
pub(crate) fn is_one_slip(a: &str, b: &str) -> bool {
    let (mut a, mut b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    a.drain(..same);
    b.drain(..same);
    while a.last().is_some() && a.last() == b.last() {
        a.pop();
        b.pop();
    }
    match (a.as_slice(), b.as_slice()) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

/// The edit distance of two words, if it is not beyond `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_labels_are_found() {
        let labels = ["virtio_blk", "virtio_net", "ide", "Fedora"];
        assert_eq!(nearest("virtio-blk", labels), ["virtio_blk"]);
        assert_eq!(nearest("fedora", labels), ["Fedora"]);
        assert!(nearest("qcow2", labels).is_empty());
    }

    #[test]
    fn slips_are_told_from_other_words() {
        for slip in [
            "image_nmae",
            "image_nam",
            "image_namee",
            "image-name",
            "émage_name",
        ] {
            assert!(is_one_slip(slip, "image_name"), "{slip}");
            assert!(is_one_slip("image_name", slip), "{slip}");
        }
        for other in [
            "image_name",
            "image_nmea",
            "image",
            "mage_nam",
            "image_ename_",
        ] {
            assert!(!is_one_slip(other, "image_name"), "{other}");
        }
        assert!(is_one_slip("aa", "a") && is_one_slip("", "a") && !is_one_slip("", ""));
    }

    #[test]
    fn near_labels_are_asked_for() {
        let asked = |near: &[&str]| {
            let near: Vec<String> = near.iter().map(|name| (*name).to_owned()).collect();
            did_you_mean(&near)
        };
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["ide"]).unwrap(), "did you mean `ide`?");
        assert_eq!(
            asked(&["ide", "(disk=ide)", "usb"]).unwrap(),
            "did you mean `ide` or `(disk=ide)` or `usb`?"
        );
    }
}
