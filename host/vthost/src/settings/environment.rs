//! The layer of the environment: `VTHOST_<SECTION>_<KEY>`.

use std::ffi::OsString;
use std::path::Path;

use vthost_cartesian::{did_you_mean, nearest};

use super::error::SettingsError;
use super::keys::{KEYS, Key, PARAMS, sections};
use super::value::{self, Value};

/// What stands before the name of every setting.
const PREFIX: &str = "VTHOST_";

/// The settings that variables hold, as name, value and variable. Empty variables count as not set; variables of other
/// sections are left to whoever else reads them.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    base: &Path,
) -> Result<Vec<(String, Value, String)>, SettingsError> {
    let mut found = Vec::new();
    for (variable, text) in variables {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Some((section, key)) = variable[PREFIX.len()..].split_once('_') else {
            continue;
        };
        let section = section.to_lowercase();
        if text.is_empty() || !sections().contains(&section.as_str()) {
            continue;
        }
        let text = text
            .to_str()
            .ok_or_else(|| SettingsError::new(format!("{variable} is not valid UTF-8")))?;
        let (name, value) = if section == PARAMS {
            (format!("{PARAMS}.{key}"), param(variable, key, text)?)
        } else {
            let known = KEYS.iter().find(|known| known.variable() == variable);
            let known = known.ok_or_else(|| unknown(variable))?;
            let value = value::variable(known.kind, text, base).map_err(|wrong| {
                let mut error = SettingsError::new(format!(
                    "`{}`, set by {variable}, {}",
                    known.name, wrong.message
                ));
                error.help = wrong.help;
                error
            })?;
            (known.name.to_owned(), value)
        };
        found.push((name, value, variable.to_owned()));
    }
    Ok(found)
}

fn param(variable: &str, key: &str, text: &str) -> Result<Value, SettingsError> {
    if !value::is_param(key) {
        return Err(SettingsError::new(format!("{variable} names no parameter"))
            .help("write VTHOST_PARAMS_ and the parameter, as VTHOST_PARAMS_mem"));
    }
    value::one_line(text.to_owned())
        .map_err(|wrong| SettingsError::new(format!("the value of {variable} {wrong}")))
}

/// A variable of one of our sections that is no setting: most likely mistyped.
fn unknown(variable: &str) -> SettingsError {
    let names: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let near = nearest(variable, names.iter().map(String::as_str));
    let mut error = SettingsError::new(format!(
        "the environment has {variable}, which is no setting"
    ));
    error.help = did_you_mean(&near);
    error
}
