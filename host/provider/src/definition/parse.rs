//! Reading the text of a definition.

use std::path::{Component, Path, PathBuf};

use ini::{Ini, ParseOption, Properties};
use vthost_cartesian::{did_you_mean, nearest};

use super::uri::is_ref_name;
use crate::BACKENDS;

use super::{
    BackendSection, Definition, DefinitionError, Mistake, PROVIDER, Uri, UriKind, is_label, is_sha,
};

const PROVIDER_KEYS: [&str; 4] = ["uri", "branch", "ref", "pubkey"];
const BACKEND_KEYS: [&str; 2] = ["subdir", "configs"];

impl Definition {
    /// Reads the text of the definition file `path`.
    ///
    /// # Errors
    /// [`DefinitionError::Mistake`] with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, DefinitionError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = text.trim_start_matches('\u{feff}');
        let reader = Reader {
            path,
            // Indented lines are lines like others, comments too.
            lines: text.lines().map(str::trim).collect(),
        };
        if !is_label(&name) {
            return Err(reader.at(1, Mistake::BadName(shown(&name))));
        }
        reader.read(&name)
    }
}

/// The text of a definition, by lines.
struct Reader<'a> {
    path: &'a Path,
    lines: Vec<&'a str>,
}

impl Reader<'_> {
    fn at(&self, line: usize, mistake: Mistake) -> DefinitionError {
        DefinitionError::Mistake {
            path: self.path.to_owned(),
            line: line.clamp(1, self.lines.len().max(1)),
            mistake: Box::new(mistake),
        }
    }

    /// A mistake at a key, or at the head of a section, by its last occurrence: of two, the second is too much.
    fn wrong(&self, section: &str, key: Option<&str>, mistake: Mistake) -> DefinitionError {
        let mut current = "";
        let mut found = 1;
        for (at, line) in self.lines.iter().enumerate() {
            if let Some(head) = line.strip_prefix('[') {
                current = head.split(']').next().unwrap_or_default().trim();
                if current == section && key.is_none() {
                    found = at + 1;
                }
            } else if current == section
                && let Some(key) = key
                && line
                    .split([':', '='])
                    .next()
                    .is_some_and(|start| start.trim() == key)
            {
                found = at + 1;
            }
        }
        self.at(found, mistake)
    }

    fn read(&self, name: &str) -> Result<Definition, DefinitionError> {
        let options = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            ..ParseOption::default()
        };
        let ini = Ini::load_from_str_opt(&self.lines.join("\n"), options)
            .map_err(|error| self.at(error.line, Mistake::Syntax(error.msg.into_owned())))?;
        let mut seen = Vec::new();
        let mut provider = None;
        let mut backends = Vec::new();
        let mut warnings = Vec::new();
        for (section, properties) in &ini {
            let Some(section) = section else {
                if let Some((key, _)) = properties.iter().next() {
                    self.whole("", key)?;
                    return Err(self.wrong("", Some(key), Mistake::NoSection(shown(key))));
                }
                continue;
            };
            if seen.contains(&section) {
                let twice = Mistake::Twice(format!("[{}]", shown(section)));
                return Err(self.wrong(section, None, twice));
            }
            seen.push(section);
            if section == PROVIDER {
                self.keys(section, properties, &PROVIDER_KEYS)?;
                provider = Some(properties);
            } else {
                self.keys(section, properties, &BACKEND_KEYS)?;
                backends.push(self.backend(section, properties)?);
                warnings.extend(typing_error(section));
            }
        }
        let Some(provider) = provider else {
            let near = nearest(PROVIDER, seen.iter().copied());
            return Err(self.at(1, Mistake::NoProvider(did_you_mean(&near))));
        };
        let definition = Definition {
            name: name.to_owned(),
            path: self.path.to_owned(),
            uri: self.uri(provider)?,
            branch: self.ref_name(provider, "branch")?,
            reference: self.ref_name(provider, "ref")?,
            pubkey: self.pubkey(provider)?,
            backends,
            warnings,
        };
        self.together(&definition)?;
        Ok(definition)
    }

    /// Refuses a key that the parser made of several lines because the first one has no `:`.
    fn whole(&self, section: &str, key: &str) -> Result<(), DefinitionError> {
        let Some((first, _)) = key.split_once('\n') else {
            return Ok(());
        };
        let mistake = Mistake::NoKey(shown(first.trim()));
        Err(self.wrong(section, Some(first.trim()), mistake))
    }

    fn keys(
        &self,
        section: &str,
        properties: &Properties,
        known: &[&'static str],
    ) -> Result<(), DefinitionError> {
        let mut seen: Vec<&str> = Vec::new();
        for (key, _) in properties {
            self.whole(section, key)?;
            let mistake = if seen.contains(&key) {
                Mistake::Twice(shown(key))
            } else if known.contains(&key) {
                seen.push(key);
                continue;
            } else {
                Mistake::UnknownKey {
                    key: shown(key),
                    section: shown(section),
                    known: known.join(", "),
                    hint: did_you_mean(&nearest(key, known.iter().copied())),
                }
            };
            return Err(self.wrong(section, Some(key), mistake));
        }
        Ok(())
    }

    fn uri(&self, provider: &Properties) -> Result<Uri, DefinitionError> {
        let text = provider
            .get("uri")
            .ok_or_else(|| self.wrong(PROVIDER, None, Mistake::NoUri))?;
        Uri::parse(text.trim()).map_err(|error| self.wrong(PROVIDER, Some("uri"), error.into()))
    }

    fn ref_name(
        &self,
        provider: &Properties,
        key: &'static str,
    ) -> Result<Option<String>, DefinitionError> {
        let Some(value) = provider
            .get(key)
            .map(str::trim)
            .filter(|value| !value.is_empty())
        else {
            return Ok(None);
        };
        if is_ref_name(value) {
            return Ok(Some(value.to_owned()));
        }
        let mistake = Mistake::BadRef {
            key,
            value: shown(value),
        };
        Err(self.wrong(PROVIDER, Some(key), mistake))
    }

    /// An empty one is no request for less safety: it is a mistake.
    fn pubkey(&self, provider: &Properties) -> Result<Option<PathBuf>, DefinitionError> {
        match provider.get("pubkey").map(str::trim) {
            None => Ok(None),
            Some("") => Err(self.wrong(PROVIDER, Some("pubkey"), Mistake::EmptyPubkey)),
            Some(key) => {
                let dir = self.path.parent().unwrap_or(Path::new(""));
                Ok(Some(dir.join(key)))
            }
        }
    }

    fn backend(
        &self,
        section: &str,
        properties: &Properties,
    ) -> Result<BackendSection, DefinitionError> {
        if !is_label(section) {
            let mistake = Mistake::BadBackend(shown(section));
            return Err(self.wrong(section, None, mistake));
        }
        let subdir = properties.get("subdir").unwrap_or_default().trim();
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if subdir.chars().any(char::is_control) || !Path::new(subdir).components().all(inside) {
            let mistake = Mistake::BadSubdir(shown(subdir));
            return Err(self.wrong(section, Some("subdir"), mistake));
        }
        let mut configs = Vec::new();
        for name in properties
            .get("configs")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if !name.chars().all(plain) || name.starts_with('.') {
                let mistake = Mistake::BadConfigs(shown(name));
                return Err(self.wrong(section, Some("configs"), mistake));
            }
            configs.push(name.to_owned());
        }
        Ok(BackendSection {
            name: section.to_owned(),
            subdir: Path::new(subdir)
                .components()
                .filter(|part| *part != Component::CurDir)
                .collect(),
            configs,
        })
    }

    /// What holds between keys.
    fn together(&self, definition: &Definition) -> Result<(), DefinitionError> {
        let uri = || shown(&definition.uri.text);
        match &definition.uri.kind {
            UriKind::Pack(_) => {
                let given = [
                    ("branch", definition.branch.is_some()),
                    ("ref", definition.reference.is_some()),
                    ("pubkey", definition.pubkey.is_some()),
                ];
                if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                    let mistake = Mistake::NotForPacks { key, uri: uri() };
                    return Err(self.wrong(PROVIDER, Some(key), mistake));
                }
                if let Some(backend) = definition.backends.first() {
                    let mistake = Mistake::BackendOfPack(backend.name.clone());
                    return Err(self.wrong(&backend.name, None, mistake));
                }
                return Ok(());
            }
            UriKind::Remote(protocol) => {
                let proven = definition.pubkey.is_some()
                    || definition.reference.as_deref().is_some_and(is_sha);
                if !protocol.is_authenticated() && !proven {
                    let mistake = Mistake::Unauthenticated(uri());
                    return Err(self.wrong(PROVIDER, Some("uri"), mistake));
                }
            }
            UriKind::File(_) | UriKind::Path(_) => {}
        }
        if definition.backends.is_empty() {
            return Err(self.wrong(PROVIDER, None, Mistake::NoBackend));
        }
        Ok(())
    }
}

/// A name that is no backend of the guide and looks like one.
fn typing_error(section: &str) -> Option<String> {
    if BACKENDS.contains(&section) {
        return None;
    }
    let question = did_you_mean(&nearest(section, BACKENDS.iter().copied()))?;
    Some(format!(
        "`{}` is no known backend; {question}",
        shown(section)
    ))
}

fn shown(text: &str) -> String {
    text.escape_default().to_string()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
