//! Makes a case as small as it can be while something about it stays true.

use crate::case::{Case, MAIN};

/// The smallest case found for which `holds` still says yes.
pub(crate) fn shrink(mut case: Case, mut holds: impl FnMut(&Case) -> bool) -> Case {
    while let Some(smaller) = candidates(&case).into_iter().find(|smaller| holds(smaller)) {
        case = smaller;
    }
    case
}

/// Cases that are a little smaller, those that are much smaller first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        if smaller != *case {
            out.push(smaller);
        }
    };
    with(&|case| case.defaults = false);
    with(&|case| case.expand.clear());
    for path in case.files.keys().filter(|path| *path != MAIN) {
        with(&|case| {
            case.files.remove(path);
        });
    }
    for at in 0..case.lines.len() {
        with(&|case| {
            case.lines.remove(at);
        });
        for text in simpler(&case.lines[at]) {
            with(&|case| case.lines[at].clone_from(&text));
        }
    }
    for (path, text) in &case.files {
        let texts = smaller_texts(text);
        for text in texts {
            with(&|case| {
                case.files.insert(path.clone(), text.clone());
            });
        }
    }
    out
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn smaller_texts(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[String]| {
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let owned: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let deeper = lines[at + 1..]
            .iter()
            .take_while(|other| indent(other) > indent(line))
            .count();
        let end = at + 1 + deeper;
        let mut without = owned.clone();
        without.drain(at..end);
        out.push(join(&without));
        // The body stays, where the line stood; two lines at once, as a block of variants opens with two.
        for heads in 1..=2.min(deeper) {
            let body = &lines[at + heads..end];
            let Some(by) = body
                .first()
                .map(|first| indent(first).saturating_sub(indent(line)))
            else {
                continue;
            };
            let mut without = owned[..at].to_vec();
            without.extend(
                body.iter()
                    .map(|line| line.chars().skip(by.min(indent(line))).collect()),
            );
            without.extend_from_slice(&owned[end..]);
            out.push(join(&without));
        }
    }
    out.push(join(
        &lines
            .iter()
            .map(|line| line.replace('\t', "        "))
            .collect::<Vec<_>>(),
    ));
    for (at, line) in lines.iter().enumerate() {
        let blanks = " ".repeat(indent(line));
        for simple in simpler(line.trim()) {
            let mut changed = owned.clone();
            changed[at] = format!("{blanks}{simple}");
            out.push(join(&changed));
        }
        // To the left as far as the line before it, so that the text looks as one would write it.
        let before = at.checked_sub(1).map_or(0, |before| indent(lines[before]));
        for wanted in [before, before + 4] {
            if wanted < indent(line) {
                let mut changed = owned.clone();
                changed[at] = format!("{}{}", " ".repeat(wanted), line.trim());
                out.push(join(&changed));
            }
        }
    }
    out
}

/// The line without one of its parts.
fn simpler(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    for comment in [" #", "  "] {
        if let Some((head, rest)) = line.split_once(comment) {
            out.push(head.to_owned());
            out.push(format!("{head} {}", rest.trim()));
        }
    }
    let parts: Vec<&str> = line
        .split_inclusive([' ', ',', '.', ':', '(', ')', '}', '/'])
        .collect();
    for first in 0..parts.len() {
        for width in [3, 2, 1] {
            if first + width <= parts.len() && width < parts.len() {
                let rest = [&parts[..first], &parts[first + width..]].concat().concat();
                out.push(rest.trim().to_owned());
            }
        }
    }
    // A key goes with its line, not before it.
    let begins = |line: &str| line.starts_with(['=', '+', '<', '~', '?', ':']);
    out.retain(|other| !other.is_empty() && other.len() < line.len() && !begins(other));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let text = "k = 1\nvariants:\n    - a:\n        x = 2\n    - b:\nonly a, b\n";
        let case = Case {
            files: [(MAIN.to_owned(), text.to_owned())].into(),
            lines: vec!["no c".to_owned()],
            defaults: true,
            expand: Vec::new(),
        };
        let smallest = shrink(case, |case| case.files[MAIN].contains("- b:"));
        assert_eq!(smallest.files[MAIN], "- b:\n");
        assert!(smallest.lines.is_empty() && !smallest.defaults);
    }
}
