//! What the fuzzers share: any bytes as a configuration of several files, with lines after it and options.

use vthost_cartesian::{Config, Error, MapLoader, NoIncludes, Options, OriginKind, Source};

/// Ends a part of the input. `xtask/src/fuzz.rs` writes seeds in this form.
const SEPARATOR: char = '\u{1e}';

/// The parts of one input: the main text first; then each part says by its first character what it is.
#[derive(Debug, Default)]
pub struct Case {
    text: String,
    files: MapLoader,
    lines: Vec<String>,
    options: Options,
}

impl Case {
    /// Any bytes are a case.
    pub fn new(data: &[u8]) -> Self {
        let data = String::from_utf8_lossy(data);
        let mut parts = data.split(SEPARATOR);
        let mut case = Self {
            text: parts.next().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for part in parts {
            if let Some(line) = part.strip_prefix('+') {
                case.lines.push(line.to_owned());
            } else if let Some(name) = part.strip_prefix('=') {
                case.options.expand.push(name.to_owned());
            } else if part == "!" {
                case.options.defaults = true;
            } else if let Some((name, text)) = part.split_once('\n') {
                case.files.insert(name, text);
            }
        }
        // A cycle of includes needs a way back.
        case.files.insert("in.cfg", case.text.as_str());
        case
    }

    /// Parses the text, what it includes, and the lines after it.
    ///
    /// # Panics
    /// An error has no place.
    pub fn parse(&self) -> Option<Config> {
        let source = Source::new("in.cfg", self.text.as_str());
        let mut config = checked(Config::parse(source, OriginKind::Operator, &self.files))?;
        for line in &self.lines {
            let source = Source::new("<line>", line.as_str());
            checked(config.extend(source, OriginKind::CommandLine, &NoIncludes))?;
        }
        Some(config)
    }

    /// The lines after the text.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// How to expand.
    pub fn options(&self) -> Options {
        self.options.clone()
    }
}

/// What is not an error. An error has to say where it is.
///
/// # Panics
/// It does not.
pub fn checked<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    assert!(!error.render().is_empty());
    assert!(
        error.line() > 0 && error.column() > 0 && !error.source_name().is_empty(),
        "{error}"
    );
    None
}
