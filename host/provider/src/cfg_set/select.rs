//! Which variants a job runs: the filters and assignments of its command line.

use vthost_cartesian::{
    Config, Error, NoIncludes, Options, OriginKind, Source, Variant, did_you_mean, nearest,
};

use super::choices::{Choices, DEFAULT_FILTERS, Named, arch_label, default_filter_names};
use super::preset::{Preset, assignments};
use super::{CfgSet, parse};

/// How many variants a job has at most. A few lines of configuration make more than any memory holds.
const MAX_VARIANTS: usize = 50_000;
/// How many bytes their parameters have at most, all together.
const MAX_SIZE: usize = 512 << 20;
/// What `tests.cfg` includes; the rest of it are the default filters.
const SHARED_ROOT: &str = "tests-shared.cfg";

/// What a command line selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// One `only` filter each; their results are joined, in order. Without any, everything is selected.
    pub references: Vec<String>,
    /// More `only` filters; all must match.
    pub only: Vec<String>,
    /// `no` filters.
    pub no: Vec<String>,
    /// Assignments of the operator's files and environment; they win over every configuration.
    pub presets: Vec<Preset>,
    /// Assignments, as `key=value`; they win over everything else.
    pub extra_params: Vec<String>,
    /// The guest, as an `only` filter; the one of `choices` if it is none.
    pub guest_os: Option<String>,
    /// The architecture, as an `only` filter.
    pub arch: Option<String>,
    /// The machine type, as an `only` filter; the one of `choices` if it is none.
    pub machine_type: Option<String>,
    /// What is taken where nothing is named.
    pub choices: Choices,
}

/// Why a selection makes no list of variants.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// A filter is empty: it would select everything.
    #[error("a filter is empty; leave it out to select everything")]
    EmptyFilter,
    /// An assignment without `=`, or with a key that is none.
    #[error("`{0}` is not an assignment; write --extra-params key=value")]
    NotAnAssignment(String),
    /// A filter names a label that exists nowhere.
    #[error("no variant has a label `{label}` (in `{filter}`){}", hint(.near))]
    UnknownLabel {
        /// The filter.
        filter: String,
        /// The label.
        label: String,
        /// Labels that are spelt alike.
        near: Vec<String>,
    },
    /// There is no default filter of that name.
    #[error("there is no default filter `{name}`{}; there are {}", question(.near), filter_names())]
    UnknownDefaultFilter {
        /// The name.
        name: String,
        /// Names that are spelt alike.
        near: Vec<String>,
    },
    /// Filters that each name something select nothing together.
    #[error("no variant passes `{line}`{}", after(.before))]
    Nothing {
        /// The filter that left nothing.
        line: String,
        /// The filters before it.
        before: Vec<String>,
    },
    /// The filters select more than a job can have.
    #[error("the filters select too much: a job has at most {MAX_VARIANTS} variants with {} MiB of parameters, and this one has more than {count}; select fewer with filters", MAX_SIZE >> 20)]
    TooMany {
        /// How many there were until then.
        count: usize,
    },
    /// The configuration or a filter is wrong.
    #[error(transparent)]
    Config(#[from] Error),
}

fn hint(near: &[String]) -> String {
    match near {
        [] => "; `vthost list` and `vthost list-guests` show what there is".to_owned(),
        near => question(near),
    }
}

fn question(near: &[String]) -> String {
    did_you_mean(near).map_or_else(String::new, |question| format!("; {question}"))
}

fn filter_names() -> String {
    default_filter_names().collect::<Vec<_>>().join(", ")
}

fn after(before: &[String]) -> String {
    match before {
        [] => "; the configuration itself leaves none".to_owned(),
        before => format!(" after {}", quoted(before)),
    }
}

fn quoted(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| format!("`{line}`")).collect();
    lines.join(", ")
}

/// A configuration that grows line by line.
struct Lines {
    base: Config,
    config: Config,
    lines: Vec<String>,
}

impl Lines {
    fn new(base: Config) -> Self {
        Self {
            config: base.clone(),
            base,
            lines: Vec::new(),
        }
    }

    fn add(&mut self, line: String) -> Result<(), Error> {
        add(&mut self.config, &line)?;
        self.lines.push(line);
        Ok(())
    }

    /// Which line left nothing: they are added again, one after the other.
    fn last_straw(mut self) -> Result<SelectError, Error> {
        let mut config = self.base;
        for (at, line) in self.lines.iter().enumerate() {
            add(&mut config, line)?;
            if is_empty(&config)? {
                self.lines.truncate(at + 1);
                break;
            }
        }
        Ok(SelectError::Nothing {
            line: self.lines.pop().unwrap_or_default(),
            before: self.lines,
        })
    }
}

impl CfgSet {
    /// The variants of a selection, in order: reference by reference, each in the order of the configuration.
    ///
    /// # Errors
    /// [`SelectError`] for a filter or an assignment that is wrong, and for filters that select nothing.
    pub fn select(&self, selection: &Selection) -> Result<Vec<Variant>, SelectError> {
        let assignments = assignments(selection)?;
        let mut variants = Vec::new();
        let mut size = 0;
        let references = selection.references.iter().map(|text| Some(text.as_str()));
        let none = selection.references.is_empty().then_some(None);
        for reference in references.chain(none) {
            let start = variants.len();
            let filtered = self.filtered(selection, reference)?;
            let mut config = filtered.config.clone();
            for line in &assignments {
                config.extend(line.clone(), OriginKind::CommandLine, &NoIncludes)?;
            }
            for variant in config.variants() {
                let variant = variant?;
                size += variant
                    .iter()
                    .map(|(key, value)| key.len() + value.len())
                    .sum::<usize>();
                if variants.len() == MAX_VARIANTS || size > MAX_SIZE {
                    return Err(SelectError::TooMany {
                        count: variants.len(),
                    });
                }
                variants.push(variant);
            }
            if variants.len() == start {
                return Err(filtered.last_straw()?);
            }
        }
        Ok(variants)
    }

    /// The configuration with all filters of a selection and of one reference.
    fn filtered(
        &self,
        selection: &Selection,
        reference: Option<&str>,
    ) -> Result<Lines, SelectError> {
        let mut named = Named::default();
        let arch = selection
            .arch
            .as_deref()
            .map(|arch| arch_label(arch).to_owned());
        let options: Vec<(&str, &str)> = [&selection.guest_os, &arch, &selection.machine_type]
            .into_iter()
            .flatten()
            .chain(&selection.only)
            .map(|text| ("only", text.as_str()))
            .chain(selection.no.iter().map(|text| ("no", text.as_str())))
            .collect();
        let reference = reference.map(|text| ("only", text));
        for (_, text) in options.iter().chain(&reference) {
            if text.trim().is_empty() {
                return Err(SelectError::EmptyFilter);
            }
            known(&self.config, text)?;
        }
        for (_, text) in &options {
            named.add_option(text)?;
        }
        if let Some((_, text)) = &reference {
            named.add_reference(text)?;
        }
        let mut lines = self.chosen(selection, &named)?;
        for (word, text) in options.into_iter().chain(reference) {
            lines.add(format!("{word} {text}"))?;
        }
        Ok(lines)
    }

    /// The configuration with what is chosen where the filters name nothing.
    fn chosen(&self, selection: &Selection, named: &Named) -> Result<Lines, SelectError> {
        let choices = &selection.choices;
        if let Some(name) = choices.unknown_filters().next() {
            return Err(SelectError::UnknownDefaultFilter {
                name: name.to_owned(),
                near: nearest(name, default_filter_names()),
            });
        }
        let mut lines = Lines::new(self.config.clone());
        if self.is_own {
            return Ok(lines);
        }
        let is_off = |(name, word, label): &&(&str, &str, &str)| {
            let off = &choices.default_filters_off;
            let decided = match *word {
                "no" => named.has(label),
                _ => named.decide(&self.config, label),
            };
            decided || off.iter().any(|off| off == name)
        };
        if DEFAULT_FILTERS.iter().any(|filter| is_off(&filter)) {
            lines = Lines::new(parse(&self.files, &format!("include {SHARED_ROOT}"))?);
            for (_, word, label) in DEFAULT_FILTERS.iter().filter(|filter| !is_off(filter)) {
                lines.add(format!("{word} {label}"))?;
            }
        }
        let mut choose = |label: &str, is_asked: bool| {
            let holds = !is_asked && !named.decide(&self.config, label);
            if holds {
                known(&self.config, label)?;
                lines.add(format!("only {label}"))?;
            }
            Ok::<_, SelectError>(holds)
        };
        choose(&choices.guest_os, selection.guest_os.is_some())?;
        if let Some(arch) = &choices.arch {
            choose(arch, selection.arch.is_some())?;
        }
        choose(
            choices.machine(selection.arch.as_deref().map(arch_label)),
            selection.machine_type.is_some(),
        )?;
        let usual_processors = choose(&choices.smp, false)?;
        for label in choices.hardware() {
            choose(label, false)?;
        }
        if usual_processors && let Some(preset) = &choices.processors {
            let line = preset.source()?;
            lines
                .config
                .extend(line, OriginKind::CommandLine, &NoIncludes)?;
        }
        Ok(lines)
    }
}

pub(super) fn add(config: &mut Config, line: &str) -> Result<(), Error> {
    let source = Source::new("command line", line);
    config.extend(source, OriginKind::CommandLine, &NoIncludes)
}

pub(super) fn known(config: &Config, filter: &str) -> Result<(), SelectError> {
    match config.unknown_labels(filter)?.into_iter().next() {
        None => Ok(()),
        Some((label, near)) => Err(SelectError::UnknownLabel {
            filter: filter.to_owned(),
            label,
            near,
        }),
    }
}

fn is_empty(config: &Config) -> Result<bool, Error> {
    match config.names(Options::default()).next_name() {
        None => Ok(true),
        Some(name) => name.map(|_| false),
    }
}
