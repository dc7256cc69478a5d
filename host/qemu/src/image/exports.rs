//! What an NBD server says about its exports.

/// What a server says about one of its exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its flags in QEMU's words, such as `readonly` and `flush`.
    pub flags: Vec<String>,
    /// What clients can ask about its blocks, such as `base:allocation` and `qemu:dirty-bitmap:NAME`.
    pub contexts: Vec<String>,
}

/// Reads the list of exports that `qemu-nbd --list` prints: one item per line, nested by spaces.
pub(super) fn parse(text: &str) -> Option<Vec<Export>> {
    let mut lines = text.lines();
    let count: usize = lines
        .next()?
        .strip_prefix("exports available: ")?
        .parse()
        .ok()?;
    let mut exports: Vec<Export> = Vec::new();
    for line in lines {
        if let Some(name) = line.strip_prefix(" export: '") {
            let name = name.strip_suffix('\'')?.to_owned();
            exports.push(Export {
                name,
                ..Export::default()
            });
            continue;
        }
        // A name or description of several lines has lines that look like nothing.
        let export = exports.last_mut()?;
        if let Some(context) = line.strip_prefix("   ") {
            export.contexts.push(context.to_owned());
            continue;
        }
        match line.trim_start().split_once(':') {
            Some(("description", text)) => export.description = Some(text.trim().to_owned()),
            Some(("size", size)) => export.size = size.trim().parse().ok()?,
            Some(("flags", flags)) => {
                let words = flags.split_once('(')?.1.trim_end_matches(')');
                export.flags = words.split_whitespace().map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    (exports.len() == count).then_some(exports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_exports_is_read() {
        let text = "exports available: 2\n export: ''\n  size:  10\n  flags: 0x3 ( readonly )\n  min block: 1\n \
                    export: 'it''\n  description: what: it\n  size:  20\n  flags: 0x1ced ( flush fua )\n  available meta \
                    contexts: 1\n   base:allocation\n";
        let exports = parse(text).unwrap();
        assert_eq!(exports[0].flags, ["readonly"]);
        assert_eq!((exports[1].name.as_str(), exports[1].size), ("it'", 20));
        assert_eq!(exports[1].description.as_deref(), Some("what: it"));
        assert_eq!(exports[1].contexts, ["base:allocation"]);
        assert_eq!(parse("exports available: 0\n"), Some(vec![]));
        assert_eq!(parse("exports available: 1\n"), None);
        assert_eq!(parse("no"), None);
    }
}
