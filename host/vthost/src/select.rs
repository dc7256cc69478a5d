//! Which providers and which of their variants: what `list` and `run` have in common.

use std::path::PathBuf;

use clap::Args;
use vthost_job::{Plan, PlanError, Request};
use vthost_policy::{GRANTS, Grants};
use vthost_provider::{Dirs, SelectError, Selection};

use crate::failure::Failure;
use crate::settings::Settings;
use crate::sources;

/// Which providers and which of their variants.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// Tests to run: each is an `only` filter of the Cartesian language, as `boot` or `tp-qemu.migrate..tcp`;
    /// their results are joined, in order
    #[arg(value_name = "FILTER")]
    references: Vec<String>,
    /// Where to take tests from: a pack, a directory laid out as a provider, or the name of an installed provider; repeat
    /// it for more [default: every installed provider]
    #[arg(short, long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,
    /// Keep only variants that match; repeat it for more, all must match
    #[arg(long, value_name = "FILTER")]
    only: Vec<String>,
    /// Leave out variants that match; repeat it for more
    #[arg(long, value_name = "FILTER")]
    no: Vec<String>,
    /// Filters of the reference's form: each word is an `only` of its own
    #[arg(long = "vt-only-filter", value_name = "WORDS", hide = true)]
    vt_only: Vec<String>,
    /// Filters of the reference's form: each word is a `no` of its own
    #[arg(long = "vt-no-filter", value_name = "WORDS", hide = true)]
    vt_no: Vec<String>,
    /// Set a parameter; it wins over every configuration. Repeat it for more
    #[arg(long, alias = "vt-extra-params", value_name = "KEY=VALUE")]
    extra_params: Vec<String>,
    /// The type of tests that are wanted [default: qemu]
    #[arg(long, value_name = "TYPE")]
    vt_type: Option<String>,
    /// The guest, as an `only` filter; `vthost list-guests` shows them [default: JeOS.12]
    #[arg(long, alias = "vt-guest-os", value_name = "FILTER")]
    guest_os: Option<String>,
    /// The architecture of the guest, as `x86_64` [default: those of the guest]
    #[arg(long, alias = "vt-arch", value_name = "ARCH")]
    arch: Option<String>,
    /// The machine type, as an `only` filter [default: i440fx, or the usual one of the architecture]
    #[arg(long, alias = "vt-machine-type", value_name = "FILTER")]
    machine_type: Option<String>,
    /// Do not apply this one of the filters in tests.cfg; repeat it for more
    #[arg(long, alias = "vt-filter-default-filters", value_name = "NAME")]
    no_default_filter: Vec<String>,
    /// Parse this file in place of tests.cfg; then no guest, machine or hardware is chosen for it
    #[arg(long, alias = "vt-config", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// The QEMU to use
    #[arg(long, alias = "vt-qemu-bin", value_name = "PATH")]
    qemu_bin: Option<PathBuf>,
    #[arg(long = "grant", value_name = "GRANT", help = grant_help())]
    grants: Vec<String>,
}

fn grant_help() -> String {
    GRANTS.iter().fold(
        String::from("Allow what is denied by default; repeat it for more:"),
        |text, grant| format!("{text}\n- {}: {}", grant.name, grant.doc),
    )
}

impl SelectArgs {
    /// The request for a plan: what the command line says, and the settings where it says nothing.
    pub(crate) fn request(&self, dirs: &Dirs, settings: &Settings) -> Result<Request, Failure> {
        let config_file = self.config_file.clone().or_else(|| settings.config_file());
        let grants: Vec<_> = settings
            .grants()
            .into_iter()
            .chain(self.grants.iter().cloned())
            .collect();
        Ok(Request {
            providers: sources::open(&self.providers, dirs, settings)?,
            dirs: Some(dirs.clone()),
            backend: Some(sources::backend(self.vt_type.as_deref(), settings)?),
            selection: self.selection(settings, config_file.is_some()),
            config_file,
            grants: Grants::new(&grants)?,
            trust: settings.trust()?,
        })
    }

    /// The filters and assignments.
    fn selection(&self, settings: &Settings, is_own: bool) -> Selection {
        let all = |set: Vec<String>, own: &[String], words: &[String]| {
            let words = words.iter().flat_map(|words| words.split_whitespace());
            let own = own.iter().cloned();
            set.into_iter()
                .chain(own)
                .chain(words.map(str::to_owned))
                .collect()
        };
        let mut extra_params = self.extra_params.clone();
        if let Some(path) = &self.qemu_bin {
            extra_params.push(format!("qemu_binary={}", path.display()));
        }
        let mut choices = settings.choices();
        let off = self.no_default_filter.iter().cloned();
        choices.default_filters_off.extend(off);
        Selection {
            references: self.references.clone(),
            only: all(settings.only(), &self.only, &self.vt_only),
            no: all(settings.no(), &self.no, &self.vt_no),
            presets: settings.presets(is_own),
            extra_params,
            guest_os: self.guest_os.clone(),
            arch: self.arch.clone(),
            machine_type: self.machine_type.clone(),
            choices,
        }
    }
}

/// The plan for a request of this command line and these settings.
pub(crate) fn plan(request: &Request, settings: &Settings) -> Result<Plan, Failure> {
    Plan::new(request).map_err(|error| refused(error, settings))
}

/// A filter that is refused may be one that nobody typed.
fn refused(error: PlanError, settings: &Settings) -> Failure {
    let origin = match &error {
        PlanError::Select(SelectError::UnknownLabel { filter, .. }) => settings.with_filter(filter),
        PlanError::Select(SelectError::UnknownDefaultFilter { name, .. }) => {
            settings.with_filter(name)
        }
        PlanError::Select(SelectError::Nothing { line, .. }) => line
            .split_once(' ')
            .and_then(|(_, filter)| settings.with_filter(filter)),
        _ => None,
    };
    let note = origin.map(|(name, origin)| format!("`{name}` says so: {origin}"));
    let failure = Failure::from(error);
    match note {
        Some(note) => failure.with_cause(note),
        None => failure,
    }
}
