//! The links between pages lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

/// The lines of a page that are text.
fn prose(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut fenced = false;
    let keep = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    };
    text.lines().filter(keep).map(str::to_owned).collect()
}

/// The anchors of a page, as mdBook and GitHub make them of its headings.
fn anchors(path: &Path) -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        text.chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    let lines = prose(path).into_iter();
    lines
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(&line))
        .collect()
}

/// The links of a page that lead nowhere.
pub(super) fn broken(path: &Path) -> Vec<String> {
    let code = Regex::new("`[^`]*`").unwrap();
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    for line in prose(path) {
        for found in link.captures_iter(&code.replace_all(&line, "")) {
            let target = &found[1];
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.to_owned(),
                _ => path.parent().unwrap().join(file),
            };
            let found = target.contains("://")
                || (to.exists() && (anchor.is_empty() || anchors(&to).contains(anchor)));
            if !found {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    broken
}
