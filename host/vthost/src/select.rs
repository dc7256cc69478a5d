//! Which providers and which of their variants: what `list` and `run` have in common.

use std::path::PathBuf;

use clap::Args;
use vthost_job::Request;
use vthost_policy::{GRANTS, Grants};
use vthost_provider::{Choices, Dirs, Selection};

use crate::failure::Failure;
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
    /// The backend whose tests are wanted
    #[arg(long, default_value = "qemu", value_name = "TYPE")]
    vt_type: String,
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
    /// The request for a plan.
    pub(crate) fn request(&self, dirs: &Dirs) -> Result<Request, Failure> {
        Ok(Request {
            providers: sources::open(&self.providers, dirs)?,
            dirs: Some(dirs.clone()),
            config_file: self.config_file.clone(),
            backend: Some(sources::backend(&self.vt_type)?),
            selection: self.selection(),
            grants: Grants::new(&self.grants)?,
            ..Request::default()
        })
    }

    /// The filters and assignments.
    pub(crate) fn selection(&self) -> Selection {
        let both = |own: &[String], words: &[String]| {
            let words = words.iter().flat_map(|words| words.split_whitespace());
            own.iter()
                .cloned()
                .chain(words.map(str::to_owned))
                .collect()
        };
        let mut extra_params = self.extra_params.clone();
        if let Some(path) = &self.qemu_bin {
            extra_params.push(format!("qemu_binary={}", path.display()));
        }
        Selection {
            references: self.references.clone(),
            only: both(&self.only, &self.vt_only),
            no: both(&self.no, &self.vt_no),
            extra_params,
            guest_os: self.guest_os.clone(),
            arch: self.arch.clone(),
            machine_type: self.machine_type.clone(),
            choices: Choices {
                default_filters_off: self.no_default_filter.clone(),
                ..Choices::default()
            },
        }
    }
}
