//! FILE and LINEs to a configuration.

use vthost_cartesian::{Config, Options, OriginKind, Source, did_you_mean};
use vthost_metadata::ExitCode;

use super::cli::ConfigArgs;
use super::files::Files;
use super::mistake::Mistake;
use crate::failure::Failure;

/// A configuration as a command line gives it.
#[derive(Debug)]
pub(crate) struct Input {
    files: Files,
    file: Source,
    lines: Vec<Source>,
    config: Config,
}

impl Input {
    /// Reads FILE and all it includes, and adds the LINEs.
    ///
    /// # Errors
    /// What cannot be read, the first mistake, and a filter in a line that names a label which exists nowhere.
    pub(crate) fn read(args: &ConfigArgs) -> Result<Self, Failure> {
        let files = Files::default();
        let file = files.first(&args.file)?;
        let lines: Vec<Source> = (1..).zip(&args.lines).map(argument).collect();
        let mut config = Config::parse(file.clone(), OriginKind::Operator, &files)?;
        for line in &lines {
            config.extend(line.clone(), OriginKind::CommandLine, &files)?;
        }
        // Only now: a line may bring labels that a line before it names.
        for line in &lines {
            check_labels(&config, line)?;
        }
        Ok(Self {
            files,
            file,
            lines,
            config,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Why no variant is left: the first line that leaves none is pointed at.
    pub(crate) fn nothing_left(&self, options: &Options) -> Failure {
        let name = &self.file.name;
        match self.last_straw(options) {
            Some(Straw::Line(line)) => {
                let mut lines = (1..).zip(line.text.lines());
                let (number, text) = lines
                    .find(|(_, text)| !text.trim().is_empty())
                    .unwrap_or((1, ""));
                Mistake {
                    message: "no variant is left after this line".to_owned(),
                    name: &line.name,
                    line: number,
                    text,
                    at: whole(text),
                    help: Some("there are some before it, but none of them passes".to_owned()),
                }
                .failure(ExitCode::NothingToRun)
            }
            Some(Straw::File) => Failure::new(
                ExitCode::NothingToRun,
                format!("no variant is left: the filters in `{name}` reject every one"),
            ),
            None => Failure::new(ExitCode::NothingToRun, "no variant is left"),
        }
    }

    /// What left nothing, unless that takes too long to find out.
    ///
    /// The configuration is made again, step by step: to keep every step in case that nothing is left would cost
    /// everyone a copy of the tree.
    fn last_straw(&self, options: &Options) -> Option<Straw<'_>> {
        let is_empty = |config: &Config| match config.variants_with(options.clone()).next() {
            None => Some(true),
            Some(Ok(_)) => Some(false),
            Some(Err(_)) => None,
        };
        self.files.again();
        let (file, files) = (self.file.clone(), &self.files);
        let mut config = Config::parse(file, OriginKind::Operator, files).ok()?;
        if is_empty(&config)? {
            return Some(Straw::File);
        }
        for line in &self.lines {
            config
                .extend(line.clone(), OriginKind::CommandLine, files)
                .ok()?;
            if is_empty(&config)? {
                return Some(Straw::Line(line));
            }
        }
        None
    }
}

/// What left no variant.
enum Straw<'a> {
    File,
    Line(&'a Source),
}

/// The text of an argument, with a name that says which one it is.
///
/// Variants are grouped by the file that names them, which is the last part of the name. The reference calls it
/// `<string>`, and whoever compares expansions sees it.
fn argument((number, text): (usize, &String)) -> Source {
    let has_variants = text
        .lines()
        .any(|line| line.trim_start().starts_with("variants"));
    let name = match has_variants {
        true => format!("<argument {number}>/<string>"),
        false => format!("<argument {number}>"),
    };
    Source::new(name, text)
}

/// Refuses a filter with a label that exists nowhere: it would leave nothing, or do nothing, in silence.
fn check_labels(config: &Config, source: &Source) -> Result<(), Failure> {
    for (number, line) in (1..).zip(source.text.lines()) {
        let words = line.trim_start();
        let filter = ["only ", "no "]
            .iter()
            .find_map(|word| words.strip_prefix(word));
        // What is no filter was told as a mistake before.
        let unknown = filter.and_then(|filter| config.unknown_labels(filter).ok());
        let Some((label, near)) = unknown.and_then(|unknown| unknown.into_iter().next()) else {
            continue;
        };
        let mistake = Mistake {
            message: format!("no variant has a label `{label}`"),
            name: &source.name,
            line: number,
            text: line,
            at: find(line, &label).unwrap_or_else(|| whole(line)),
            help: did_you_mean(&near),
        };
        return Err(mistake.failure(ExitCode::Usage));
    }
    Ok(())
}

/// Where the label stands in the line, if it is written as the engine writes it: the first character, and how many.
fn find(line: &str, label: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let whole_word = |at: &usize| {
        let (before, after) = (&line[..*at], &line[at + label.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    };
    let (at, _) = line.match_indices(label).find(|(at, _)| whole_word(at))?;
    Some((line[..at].chars().count(), label.chars().count()))
}

/// All of a line but the blanks around it.
fn whole(line: &str) -> (usize, usize) {
    let body = line.trim_start();
    let indent = line.chars().count() - body.chars().count();
    (indent, body.trim_end().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_found_as_a_whole_word() {
        assert_eq!(find("only xa, é..a", "a"), Some((12, 1)));
        assert_eq!(find("no (b=a)", "(b=a)"), Some((3, 5)));
        assert_eq!(find("no ( b = a )", "(b=a)"), None);
        assert_eq!(whole("  no ( b = a ) "), (2, 12));
    }
}
