//! Variants as JSON, fast: most of the text of one variant is the text of the one before.

use std::sync::Arc;

use crate::apply::program::Rank;
use crate::apply::values::Item;
use crate::text::span::Extent;
use crate::tree::Tree;
use crate::variant::Variant;

/// Writes variants as canonical JSON: one object, the keys sorted, no blanks, nothing escaped that need not be; `dep`
/// is a list, the two names by file are objects. It is what Python's `json.dumps(variant, sort_keys=True,
/// ensure_ascii=False, separators=(",", ":"))` makes of a variant of the reference.
///
/// One writer for many variants of one configuration is faster than one for each: it keeps what it wrote last.
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
    /// Where in `out` each item stands, with the comma before it.
    items: Vec<(Item, Extent)>,
    /// The text and the items of the variant before.
    last_out: String,
    last_items: Vec<(Item, Extent)>,
    /// By special key, the first key of the tree that comes after it.
    special: [Rank; SPECIAL.len()],
    /// The tree that all this belongs to.
    tree: Option<Arc<Tree>>,
}

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
        std::mem::swap(&mut self.out, &mut self.last_out);
        std::mem::swap(&mut self.items, &mut self.last_items);
        self.out.clear();
        self.items.clear();
        let tree = variant.tree();
        let known = self.tree.as_ref();
        if !known.is_some_and(|known| Arc::ptr_eq(known, tree)) {
            self.tree = Some(Arc::clone(tree));
            self.last_items.clear();
            self.special = SPECIAL.map(|name| tree.program().first_after(name));
        }
        let mut special = SPECIAL.into_iter().zip(self.special).peekable();
        let mut rest = &*variant.body().items;
        let mut last = 0;
        while let Some((item, others)) = rest.split_first() {
            while let Some((name, _)) = special.next_if(|(name, first)| match item.known() {
                Some(key) => *first <= key,
                None => **name < *variant.key(item),
            }) {
                self.special(variant, name);
            }
            // The keys before the next special one.
            let end = special.peek().map_or(Rank::MAX, |(_, first)| *first);
            let copied = self.copy(rest, &mut last, end);
            if copied == 0 {
                self.item(variant, item);
                rest = others;
            } else {
                rest = &rest[copied..];
            }
        }
        for (name, _) in special {
            self.special(variant, name);
        }
        // Every part starts with a comma.
        self.out.replace_range(..1, "{");
        self.out.push('}');
        &self.out
    }

    /// Copies what the variant before has in common with the first of these items, as far as it goes and below the key
    /// `end`; gives their number. `last` is how far the items of the variant before have been gone through.
    fn copy(&mut self, items: &[Item], last: &mut usize, end: Rank) -> usize {
        let Some(first) = items.first().and_then(|item| item.known()) else {
            return 0;
        };
        // A key that a suffix made has no place among the others: none of them needs to wait for it.
        let before = |(item, _): &(Item, Extent)| item.known().is_none_or(|key| key < first);
        while self.last_items.get(*last).is_some_and(before) {
            *last += 1;
        }
        let same = |(item, (old, _)): &(&Item, &(Item, Extent))| {
            // What was made for one variant is something else in the next one.
            item == &old && item.value.kind().is_ok() && item.known().is_some_and(|key| key < end)
        };
        let old = &self.last_items[*last..];
        let count = items.iter().zip(old).take_while(same).count();
        let old = &old[..count];
        let (Some((_, first)), Some((_, final_one))) = (old.first(), old.last()) else {
            return 0;
        };
        let text = Extent {
            start: first.start,
            end: final_one.end,
        };
        let start = self.out.len() as u32;
        self.out.push_str(text.of(&self.last_out));
        let moved = |at: &Extent| Extent {
            start: start + (at.start - text.start),
            end: start + (at.end - text.start),
        };
        self.items
            .extend(old.iter().map(|(item, at)| (*item, moved(at))));
        *last += count;
        count
    }

    fn item(&mut self, variant: &Variant, item: &Item) {
        let start = self.out.len();
        self.key(variant.key(item));
        quote(&mut self.out, variant.text(item.value));
        self.items.push((*item, Extent::new(start, self.out.len())));
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        quote(&mut self.out, key);
        self.out.push(':');
    }

    /// Writes a key that is no item. Names of variants are words and dots: there is nothing in them to escape.
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
                self.out.extend(["\"", variant.name(), "\""]);
            }
            _ => {
                self.key(name);
                self.out.extend(["\"", variant.short_name(), "\""]);
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
            out.extend([":\"", name, "\""]);
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
    let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Nearly no text has anything to escape, and this looks at many bytes at once.
    if !text
        .bytes()
        .fold(false, |found, byte| found | is_escaped(byte))
    {
        out.push_str(text);
        return out.push('"');
    }
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !is_escaped(byte) {
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
