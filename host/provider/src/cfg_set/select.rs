//! Which variants a job runs: the filters and assignments of its command line.

use vthost_cartesian::{Config, Error, NoIncludes, OriginKind, Source, Variant, did_you_mean};

use super::CfgSet;

/// Choices of which a job takes the first label, unless a filter of the operator names another label of the
/// same choice: `only raw` would otherwise contradict the default `only qcow2` and select nothing.
const CHOICES: &[&[&str]] = &[
    &["i440fx", "q35"],
    &["qcow2", "raw"],
    &["virtio_blk", "ide"],
    &["smp2", "up"],
    &["virtio_net", "e1000"],
];

/// How many variants a job has at most. A few lines of configuration make more than any memory holds.
const MAX_VARIANTS: usize = 50_000;
/// How many bytes their parameters have at most, all together.
const MAX_SIZE: usize = 512 << 20;

/// The guest of a job that names none.
const GUEST_OS: &str = "JeOS";

/// What a command line selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// One `only` filter each; their results are joined, in order. Without any, everything is selected.
    pub references: Vec<String>,
    /// More `only` filters; all must match.
    pub only: Vec<String>,
    /// `no` filters.
    pub no: Vec<String>,
    /// Assignments, as `key=value`; they win over everything else.
    pub extra_params: Vec<String>,
    /// The guest, as an `only` filter; `JeOS` if it is none.
    pub guest_os: Option<String>,
    /// The machine type, as an `only` filter; `i440fx` if it is none.
    pub machine_type: Option<String>,
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
    did_you_mean(near).map_or_else(String::new, |question| format!("; {question}"))
}

impl CfgSet {
    /// The variants of a selection, in order: reference by reference, each in the order of the configuration.
    ///
    /// # Errors
    /// [`SelectError`] for a filter or an assignment that is wrong, or a filter with an unknown label.
    pub fn select(&self, selection: &Selection) -> Result<Vec<Variant>, SelectError> {
        let mut config = self.config.clone();
        let filter = |config: &mut Config, word: &str, text: &str| {
            if text.trim().is_empty() {
                return Err(SelectError::EmptyFilter);
            }
            add(config, &format!("{word} {text}"))?;
            known(&self.config, text)
        };
        let guest = selection.guest_os.as_deref().unwrap_or(GUEST_OS);
        filter(&mut config, "only", guest)?;
        if let Some(machine) = &selection.machine_type {
            filter(&mut config, "only", machine)?;
        }
        for text in &selection.only {
            filter(&mut config, "only", text)?;
        }
        for text in &selection.no {
            filter(&mut config, "no", text)?;
        }
        let assignments = selection
            .extra_params
            .iter()
            .map(|text| assignment(text))
            .collect::<Result<Vec<_>, _>>()?;

        let mut references: Vec<Option<&str>> = selection
            .references
            .iter()
            .map(|reference| Some(reference.as_str()))
            .collect();
        if references.is_empty() {
            references.push(None);
        }
        let mut variants = Vec::new();
        let mut size = 0;
        for reference in references {
            let mut config = config.clone();
            if let Some(reference) = reference {
                filter(&mut config, "only", reference)?;
            }
            for choice in CHOICES {
                if !names_one_of(selection, reference, choice) {
                    add(&mut config, &format!("only {}", choice[0]))?;
                }
            }
            for line in &assignments {
                add(&mut config, line)?;
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
        }
        Ok(variants)
    }
}

fn add(config: &mut Config, line: &str) -> Result<(), Error> {
    let source = Source::new("command line", line);
    config.extend(source, OriginKind::CommandLine, &NoIncludes)
}

fn known(config: &Config, filter: &str) -> Result<(), SelectError> {
    match config.unknown_labels(filter)?.into_iter().next() {
        None => Ok(()),
        Some((label, near)) => Err(SelectError::UnknownLabel {
            filter: filter.to_owned(),
            label,
            near,
        }),
    }
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

/// Whether any filter of the operator names a label of the choice.
fn names_one_of(selection: &Selection, reference: Option<&str>, choice: &[&str]) -> bool {
    let machine = selection.machine_type.iter();
    let filters = selection.only.iter().chain(&selection.no).chain(machine);
    filters
        .map(String::as_str)
        .chain(reference)
        .flat_map(|filter| filter.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))))
        .any(|word| choice.contains(&word))
}
