//! Writing a definition.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use tempfile::NamedTempFile;

use super::{Definition, DefinitionError};

impl Definition {
    /// The text of the definition file.
    pub fn text(&self) -> String {
        // Writing to a string does not fail.
        let mut text = format!("[provider]\nuri: {}\n", self.uri.text);
        for (key, value) in [("branch", &self.branch), ("ref", &self.reference)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key}: {value}");
            }
        }
        if let Some(key) = &self.pubkey {
            let _ = writeln!(text, "pubkey: {}", key.display());
        }
        for backend in &self.backends {
            let _ = write!(text, "\n[{}]\n", backend.name);
            if !backend.subdir.as_os_str().is_empty() {
                let _ = writeln!(text, "subdir: {}/", backend.subdir.display());
            }
            if !backend.configs.is_empty() {
                let _ = writeln!(text, "configs: {}", backend.configs.join(", "));
            }
        }
        text
    }

    /// Writes the definition file, which must not be there yet. It appears whole or not at all.
    ///
    /// # Errors
    /// [`DefinitionError`] if what is to be written is no definition, if the file is there, or if it cannot be written.
    pub fn create(&self) -> Result<(), DefinitionError> {
        let text = self.text();
        // Nothing is written that could not be read.
        Self::parse(&self.path, &text)?;
        let failed = |source| DefinitionError::Io {
            what: "write",
            path: self.path.clone(),
            source,
        };
        let dir = self.path.parent().unwrap_or(std::path::Path::new("."));
        fs::create_dir_all(dir).map_err(failed)?;
        let mut file = NamedTempFile::new_in(dir).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.persist_noclobber(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d/p.ini");
        let text = "[provider]\nuri: https://h/r.git\nbranch: b\nref: v1\npubkey: /k.pub\n\n[qemu]\nsubdir: q/x/\nconfigs: a.cfg\n\n[v2v]\n";
        let definition = Definition::parse(&path, text).unwrap();
        assert_eq!(definition.text(), text);
        definition.create().unwrap();
        assert_eq!(Definition::open(&path).unwrap(), definition);
        let again = definition.create().unwrap_err();
        assert!(again.to_string().starts_with("cannot write"), "{again}");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
