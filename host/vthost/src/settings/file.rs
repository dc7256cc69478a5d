//! A file of settings, read and checked.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use vthost_cartesian::{did_you_mean, nearest};

use super::error::{SettingsError, line_of};
use super::keys::{KEYS, Key, PARAMS, sections};
use super::reference;
use super::value::{self, Value, Wrong};

/// A setting that a file has.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Value,
    /// From 1.
    pub(super) line: usize,
}

/// A text that is parsed, with what messages need to know.
struct Reader<'a> {
    name: String,
    text: &'a str,
    base: &'a Path,
    /// What to write instead of a guarded key in this file; none if the file may have them.
    guard: Option<&'a str>,
    entries: Vec<Entry>,
}

/// Parses the text of a file. With `guard`, keys that reach the host are refused, with that help.
pub(super) fn parse(
    path: &Path,
    text: &str,
    guard: Option<&str>,
) -> Result<Vec<Entry>, SettingsError> {
    let mut reader = Reader {
        name: path.display().to_string(),
        text,
        base: path.parent().unwrap_or(path),
        guard,
        entries: Vec::new(),
    };
    let table = DeTable::parse(text).map_err(|error| {
        let end = text.len()..text.len();
        reader.wrong(error.message().to_owned(), error.span().unwrap_or(end))
    })?;
    for (section, keys) in in_order(table.get_ref()) {
        reader.section(section, keys)?;
    }
    Ok(reader.entries)
}

type Item<'a, 't> = (&'a Spanned<Cow<'t, str>>, &'a Spanned<DeValue<'t>>);

/// As in the text: the first mistake is told first.
fn in_order<'a, 't>(table: &'a DeTable<'t>) -> Vec<Item<'a, 't>> {
    let mut items: Vec<_> = table.iter().collect();
    items.sort_by_key(|(key, _)| key.span().start);
    items
}

impl Reader<'_> {
    fn wrong(&self, message: String, span: Range<usize>) -> SettingsError {
        SettingsError::new(message).at(&self.name, self.text, span)
    }

    fn section(
        &mut self,
        name: &Spanned<Cow<'_, str>>,
        keys: &Spanned<DeValue<'_>>,
    ) -> Result<(), SettingsError> {
        let section = name.get_ref().as_ref();
        if !sections().contains(&section) {
            return Err(self.unknown_section(section, name.span(), keys));
        }
        let Some(table) = keys.get_ref().as_table() else {
            let message = format!(
                "`{section}` is a section, not {}",
                value::describe(keys.get_ref())
            );
            return Err(self
                .wrong(message, name.span())
                .help(format!("write `[{section}]`, and its keys below")));
        };
        for (key, found) in in_order(table) {
            self.key(section, key, found)?;
        }
        Ok(())
    }

    fn key(
        &mut self,
        section: &str,
        key: &Spanned<Cow<'_, str>>,
        found: &Spanned<DeValue<'_>>,
    ) -> Result<(), SettingsError> {
        let name = format!("{section}.{}", key.get_ref());
        let known = Key::named(&name);
        if known.is_none() && section != PARAMS {
            let message = format!(
                "there is no key `{}` in the section `[{section}]`",
                key.get_ref()
            );
            let mut error = self.wrong(message, key.span());
            error.help = help_for_key(section, key.get_ref());
            return Err(error);
        }
        if let Some(instead) = self.guard
            && known.is_none_or(|known| known.guarded)
        {
            let message =
                format!("the file of a project must not set `{name}`, which reaches the host");
            return Err(self.wrong(message, key.span()).help(instead));
        }
        let checked = match known {
            Some(known) => value::check(known.kind, found, self.base),
            None if value::is_param(key.get_ref()) => value::param(found),
            None => Err(Wrong {
                message: "is not the name of a parameter".to_owned(),
                help: Some("names are of letters, digits, `_`, `-` and `.`".to_owned()),
                span: key.span(),
            }),
        };
        let value = checked.map_err(|wrong| {
            let mut error = self.wrong(format!("`{name}` {}", wrong.message), wrong.span);
            error.help = wrong.help;
            error
        })?;
        self.entries.push(Entry {
            name,
            value,
            line: line_of(self.text, key.span().start),
        });
        Ok(())
    }

    /// A section that is none. If it is one of Avocado-VT's, its first key says more.
    fn unknown_section(
        &self,
        section: &str,
        span: Range<usize>,
        keys: &Spanned<DeValue<'_>>,
    ) -> SettingsError {
        let mut name = section.to_owned();
        let mut at = span.clone();
        let mut found = keys;
        while let Some(table) = found.get_ref().as_table() {
            let Some((key, inner)) = in_order(table).into_iter().next() else {
                break;
            };
            name = format!("{name}.{}", key.get_ref());
            at = key.span();
            found = inner;
        }
        if let Some(hint) = reference::hint(&name) {
            return self
                .wrong(format!("there is no setting `{name}`"), at)
                .help(hint);
        }
        let is_table = keys.get_ref().as_table().is_some();
        let what = if is_table { "section" } else { "setting" };
        let help = help_for_section(section, is_table);
        self.wrong(format!("there is no {what} `{section}`"), span)
            .help(help)
    }
}

/// The key that was most likely meant, in this section or with another name or in another section.
pub(super) fn help_for_key(section: &str, key: &str) -> Option<String> {
    let here = KEYS.iter().filter(|known| known.section() == section);
    let near = nearest(key, here.clone().map(Key::short));
    let elsewhere = || {
        let known = KEYS.iter().find(|known| known.short() == key)?;
        Some(format!(
            "`{key}` belongs to the section `[{}]`",
            known.section()
        ))
    };
    let list = || {
        let names: Vec<_> = here.map(Key::short).collect();
        format!("its keys are {}", names.join(", "))
    };
    did_you_mean(&near)
        .or_else(|| reference::hint(&format!("{section}.{key}")))
        .or_else(elsewhere)
        .or_else(|| Some(list()))
}

/// What was most likely meant by the name of a section that is none.
pub(super) fn help_for_section(section: &str, is_table: bool) -> String {
    if !is_table && let Some(known) = KEYS.iter().find(|known| known.short() == section) {
        return format!("`{section}` belongs to the section `[{}]`", known.section());
    }
    let near = nearest(section, sections());
    did_you_mean(&near).unwrap_or_else(|| format!("sections are {}", sections().join(", ")))
}
