//! Variants as JSON, fast: most of the text of one variant is the text of the one before.

use std::sync::Arc;

use crate::apply::program::Rank;
use crate::apply::values::{Item, Value};
use crate::text::span::Extent;
use crate::tree::Tree;
use crate::variant::Variant;

/// Writes variants as canonical JSON: one object, the keys sorted, no blanks, nothing escaped that need not be; `dep`
/// is a list, the two names by file are objects. It is what Python's `json.dumps(variant, sort_keys=True,
/// ensure_ascii=False, separators=(",", ":"))` makes of a variant of the reference.
///
/// One writer for many variants of one configuration is faster than one for each: it keeps what it wrote.
///
/// ```
/// # use vthost_cartesian::{Config, JsonWriter, NoIncludes, OriginKind, Source};
/// let source = Source::new("a.cfg", "mem = 128\nvariants:\n    - fedora:\n");
/// let config = Config::parse(source, OriginKind::Operator, &NoIncludes)?;
/// let mut writer = JsonWriter::default();
/// for variant in config.variants() {
///     assert_eq!(
///         writer.write(&variant?),
///         r#"{"_name_map_file":{"a.cfg":"fedora"},"_short_name_map_file":{"a.cfg":"fedora"},"dep":[],"mem":"128","name":"fedora","shortname":"fedora"}"#,
///     );
/// }
/// # Ok::<(), vthost_cartesian::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: String,
    /// Texts of `,"key":"value"`, one after the other.
    known: String,
    /// For each statement of the tree, the key and the text it was written with last.
    statements: Vec<Option<(Rank, Extent)>>,
    /// The tree that both belong to.
    tree: Option<Arc<Tree>>,
}

/// Bytes of texts that a writer keeps.
const MAX_KNOWN: usize = 16 << 20;

/// The keys that are no items, in order.
const SPECIAL: [&str; 5] = [
    "_name_map_file",
    "_short_name_map_file",
    "dep",
    "name",
    "shortname",
];

impl JsonWriter {
    /// The JSON of a variant, without a line end.
    pub fn write(&mut self, variant: &Variant) -> &str {
        let tree = variant.tree();
        if !self
            .tree
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, tree))
        {
            self.tree = Some(Arc::clone(tree));
            self.known.clear();
            self.statements.clear();
            self.statements.resize(tree.entries.len(), None);
        }
        self.out.clear();
        let mut special = SPECIAL.into_iter().peekable();
        for item in &variant.body().items {
            let key = variant.key(item);
            while let Some(name) = special.next_if(|name| **name < *key) {
                self.special(variant, name);
            }
            self.item(variant, item, key);
        }
        for name in special {
            self.special(variant, name);
        }
        // Every part starts with a comma.
        self.out.replace_range(..1, "{");
        self.out.push('}');
        &self.out
    }

    fn item(&mut self, variant: &Variant, item: &Item, key: &str) {
        let (Some(id), Ok(entry)) = (item.known(), item.value.kind()) else {
            return self.pair(variant, key, item.value);
        };
        if let Some((known, at)) = self.statements[entry as usize]
            && known == id
        {
            self.out.push_str(at.of(&self.known));
            return;
        }
        let start = self.out.len();
        self.pair(variant, key, item.value);
        if self.known.len() < MAX_KNOWN {
            let at = self.known.len();
            self.known.push_str(&self.out[start..]);
            self.statements[entry as usize] = Some((id, Extent::new(at, self.known.len())));
        }
    }

    fn pair(&mut self, variant: &Variant, key: &str, value: Value) {
        self.key(key);
        quote(&mut self.out, variant.text(value));
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        quote(&mut self.out, key);
        self.out.push(':');
    }

    fn special(&mut self, variant: &Variant, name: &str) {
        match name {
            "_name_map_file" => self.map(name, variant.name_map()),
            "_short_name_map_file" => self.map(name, variant.short_name_map()),
            "dep" => {
                self.key(name);
                list(&mut self.out, ['[', ']'], &variant.dep(), |out, dep| {
                    quote(out, dep);
                });
            }
            "name" => {
                self.key(name);
                quote(&mut self.out, variant.name());
            }
            _ => {
                self.key(name);
                quote(&mut self.out, variant.short_name());
            }
        }
    }

    fn map(&mut self, name: &str, mut map: Vec<(&str, String)>) {
        if map.is_empty() {
            return;
        }
        map.sort_unstable();
        self.key(name);
        list(&mut self.out, ['{', '}'], &map, |out, (file, name)| {
            quote(out, file);
            out.push(':');
            quote(out, name);
        });
    }
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    each: impl Fn(&mut String, &T),
) {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(close);
}

/// Writes a text in quotes, with the escapes that JSON needs.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            control => {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
                out.push_str("\\u00");
                out.extend(digit(control >> 4));
                out.extend(digit(control & 0xf));
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn texts_are_escaped_as_elsewhere() {
        for text in [
            "",
            "plain é",
            "a\"b\\c",
            "\u{8}\u{c}\n\r\t",
            "\0\u{1f}\u{7f}",
        ] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(out, serde_json::to_string(text).expect("a text"));
        }
    }
}
