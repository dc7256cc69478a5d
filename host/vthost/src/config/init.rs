//! `vthost config init`.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};

use vthost_metadata::ExitCode;
use vthost_provider::NoHome;
use vthost_report::text::line;

use crate::failure::Failure;
use crate::settings::{KEYS, PARAMS, Places};

pub(super) fn main(places: &Places) -> Result<ExitCode, Failure> {
    let path = places.user.as_deref().ok_or(NoHome)?;
    let shown = line(&path.display().to_string());
    let failed = |error: io::Error| Failure::system(&format!("write {shown}"), &error);
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir).map_err(failed)?;
    // It appears whole or not at all, and never in the place of one that is there.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(template().as_bytes()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            let green = console::Style::new().for_stderr().green().bold();
            crate::output::tell!("{} {shown}", green.apply_to(format!("{:>12}", "Created")));
            Ok(ExitCode::Ok)
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::new(
            ExitCode::Usage,
            format!("{shown} is there already; it stays as it is. Move it away to get a new one"),
        )),
        Err(error) => Err(failed(error.error)),
    }
}

/// A file with all settings, none of them in force.
// Writing to a string does not fail.
fn template() -> String {
    let mut out = String::from(
        "# Settings of vthost. Take away the `#` before a key to set it.\n# `vthost config show --origin` shows what is in force.\n",
    );
    let mut before = "";
    for key in KEYS {
        if key.section() != before {
            before = key.section();
            let _ = write!(out, "\n[{before}]\n");
        }
        let value = key
            .default
            .map_or_else(|| key.kind.example(), str::to_owned);
        let _ = write!(
            out,
            "# {}: {}.\n# {} = {value}\n",
            key.doc,
            key.kind.describe(),
            key.short()
        );
    }
    let _ = write!(
        out,
        "\n# Parameters; they win over every configuration.\n[{PARAMS}]\n# mem = 2048\n"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// A template with an example that is refused would be worse than none.
    #[test]
    fn every_line_of_the_template_is_a_setting_when_it_is_uncommented() {
        let uncommented: String = template()
            .lines()
            .filter_map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") => Some(format!("{rest}\n")),
                Some(_) => None,
                None => Some(format!("{line}\n")),
            })
            .collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("named.toml");
        fs::write(&path, uncommented).unwrap();
        let places = Places {
            system: dir.path().join("none"),
            user: None,
            current: dir.path().to_owned(),
            home: None,
            named: Some(path),
        };
        let settings = Settings::load(&places, []).unwrap();
        for key in KEYS {
            assert!(settings.get(key.name).is_some(), "{}", key.name);
        }
        assert_eq!(settings.section(PARAMS).count(), 1);
    }
}
