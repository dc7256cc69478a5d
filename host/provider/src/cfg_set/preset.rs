//! The assignments of the operator: those of a command line, and those that stand somewhere else.

use vthost_cartesian::{Part, Source};

use super::select::{SelectError, Selection};

/// An assignment that stands somewhere else than on the command line, and counts as the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// As `key=value`.
    pub text: String,
    /// The file or the variable that it stands in, as origins show it.
    pub place: String,
    /// The line there, from 1.
    pub line: u32,
}

impl Preset {
    /// As a line that keeps its place.
    pub(super) fn source(&self) -> Result<Source, SelectError> {
        let part = Part {
            line: 1,
            name: self.place.as_str().into(),
            first: self.line,
            indent: 0,
            kind: None,
        };
        Ok(Source {
            parts: vec![part],
            ..Source::new(&*self.place, assignment(&self.text)?)
        })
    }
}

/// The assignments of a selection, the last to win last.
pub(super) fn assignments(selection: &Selection) -> Result<Vec<Source>, SelectError> {
    let presets = selection.presets.iter().map(Preset::source);
    let extra = selection.extra_params.iter();
    let extra = extra.map(|text| Ok(Source::new("command line", assignment(text)?)));
    presets.chain(extra).collect()
}

fn assignment(text: &str) -> Result<String, SelectError> {
    let refused = || SelectError::NotAnAssignment(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(refused)?;
    let key = key.trim();
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !is_key || value.contains(['\n', '\r']) {
        return Err(refused());
    }
    Ok(format!("{key} = {value}"))
}
