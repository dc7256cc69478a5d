//! What the tests over the whole of tp-qemu and, by its path, the measurement share: reading a configuration from files,
//! and what this engine and the reference are compared by, a digest of the canonical JSON of a variant.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use vthost_cartesian::{
    Config, JsonWriter, LoadError, Loader, NoIncludes, OriginKind, Source, Variant,
};

/// Loads includes from the directory of the file that has them.
struct Files;

impl Loader for Files {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        let path = Path::new(from).with_file_name(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Source::new(path.display().to_string(), text)),
            Err(error) => Err(LoadError::new(error.to_string())),
        }
    }
}

/// Reads a file and each of the lines after it, as the command line of the reference does; the error is text to show.
pub(crate) fn read(file: &str, lines: &[impl AsRef<str>]) -> Result<Config, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let source = Source::new(file, text);
    let mut config =
        Config::parse(source, OriginKind::Operator, &Files).map_err(|error| error.render())?;
    for line in lines {
        let source = Source::new("<string>", line.as_ref());
        config
            .extend(source, OriginKind::CommandLine, &NoIncludes)
            .map_err(|error| error.render())?;
    }
    Ok(config)
}

/// The first 8 bytes of the SHA-256 of the canonical JSON: what the reference is compared by.
pub(crate) fn digest(writer: &mut JsonWriter, variant: &Variant) -> u64 {
    let digest = Sha256::digest(writer.write(variant));
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
