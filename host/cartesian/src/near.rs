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
    let limit = (length / 3).max(2);
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
}
