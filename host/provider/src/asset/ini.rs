//! The `.ini` format, with the place of everything in it.
//!
//! Sections in brackets, `key = value` or `key: value`, lines that begin with `#` or `;` for people, and indented
//! lines that go on with the value above. The crates for it forget where a value stood, which every error has to say.

/// A section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) keys: Vec<Key>,
}

/// A key and its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    /// Lines that go on with it are joined by line breaks.
    pub(super) value: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is wrong, and where, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) what: String,
}

pub(super) fn parse(text: &str) -> Result<Vec<Section>, Mistake> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = index + 1;
        let content = raw.trim();
        let column = raw.chars().take_while(|c| c.is_whitespace()).count() + 1;
        let wrong = |what: &str| Mistake {
            line,
            column,
            what: what.to_owned(),
        };
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if column > 1 {
            let key = sections
                .last_mut()
                .and_then(|section| section.keys.last_mut());
            let key = key.ok_or_else(|| {
                wrong("an indented line goes on with a value, and there is none above")
            })?;
            key.value.push('\n');
            key.value.push_str(content);
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let name = rest
                .strip_suffix(']')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .ok_or_else(|| wrong("a section is written as [name]"))?;
            if let Some(first) = sections.iter().find(|section| section.name == name) {
                let what = format!("[{name}] is there twice, first in line {}", first.line);
                return Err(wrong(&what));
            }
            sections.push(Section {
                name: name.to_owned(),
                line,
                keys: Vec::new(),
            });
            continue;
        }
        let (name, value) = content
            .split_once(['=', ':'])
            .ok_or_else(|| wrong("expected `key = value`"))?;
        let section = sections
            .last_mut()
            .ok_or_else(|| wrong("this stands in no section; begin with [name]"))?;
        let name = name.trim();
        if section.keys.iter().any(|key| key.name == name) {
            return Err(wrong(&format!("`{name}` is there twice")));
        }
        section.keys.push(Key {
            name: name.to_owned(),
            value: value.trim().to_owned(),
            line,
            column,
        });
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places() {
        let sections =
            parse("# for people\n[one]\nurl =\n  http://a/b=c\n  http://b\nsha1: 12 \n").unwrap();
        assert_eq!(sections[0].name, "one");
        let keys: Vec<_> = sections[0]
            .keys
            .iter()
            .map(|key| (key.name.as_str(), key.value.as_str(), key.line))
            .collect();
        assert_eq!(
            keys,
            [("url", "\nhttp://a/b=c\nhttp://b", 3), ("sha1", "12", 6)]
        );
    }

    #[test]
    fn mistakes_have_places() {
        for (text, line, told) in [
            ("a = b\n", 1, "no section"),
            ("[a\n", 1, "[name]"),
            ("[a]\nb\n", 2, "key = value"),
            ("[a]\nb = 1\nb = 2\n", 3, "twice"),
            ("[a]\n  b = 1\n", 2, "none above"),
            (
                "[a]\nb = 1\n[a]\n",
                3,
                "[a] is there twice, first in line 1",
            ),
        ] {
            let mistake = parse(text).unwrap_err();
            assert!(
                mistake.line == line && mistake.what.contains(told),
                "{mistake:?}"
            );
        }
    }
}
