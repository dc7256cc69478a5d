//! What bootstrap has to know from the crates above its own.

use std::path::PathBuf;

use vthost_metadata::ReadinessItem;
use vthost_provider::asset::Asset;
use vthost_provider::bootstrap::{GuestImage, Machine, programs};
use vthost_provider::{
    CfgFiles, CfgSet, Dirs, Provider, ProviderError, Providers, State, Status, Update,
};
use vthost_qemu::Binary;
use vthost_qemu::accel::{self, Accel};

/// This machine.
pub(super) struct Host<'a> {
    pub(super) dirs: &'a Dirs,
    pub(super) vt_type: &'a str,
    /// The QEMU to use; the first that is found if it is none.
    pub(super) qemu: Option<PathBuf>,
    /// The images of the guest that is wanted.
    pub(super) images: Vec<GuestImage>,
    /// Whether anything may be fetched.
    pub(super) downloads: bool,
    /// Whether the operator wants this download.
    pub(super) may_download: &'a dyn Fn(&Asset) -> bool,
}

impl Machine for Host<'_> {
    fn providers(&mut self, update: bool) -> Vec<ReadinessItem> {
        let mut providers = match Providers::open(self.dirs) {
            Ok(providers) => providers,
            Err(error) => return vec![ReadinessItem::missing("providers", error.to_string())],
        };
        let updates = match (self.downloads, update) {
            (false, _) => Vec::new(),
            (true, false) => providers.fetch_missing(),
            (true, true) => {
                let names: Vec<String> = providers.names().map(str::to_owned).collect();
                names.iter().map(|name| providers.update(name)).collect()
            }
        };
        let mut items: Vec<_> = providers
            .statuses()
            .into_iter()
            .map(|status| provider(status, &updates))
            .collect();
        // One that is used as it was says nothing of an update that failed.
        let failed = updates.iter().filter_map(|update| update.as_ref().err());
        items.extend(
            failed.map(|error| ReadinessItem::missing("update of a provider", told(error))),
        );
        if items.is_empty() {
            let advice = "`vthost provider add URI` installs one";
            items.push(ReadinessItem::skipped("providers", "none is installed").advice(advice));
        }
        items
    }

    fn emulator(&mut self) -> ReadinessItem {
        match Binary::probe(self.qemu.as_deref()) {
            Ok(binary) => ReadinessItem::ok(
                binary.path().display().to_string(),
                format!("QEMU {}", binary.version()),
            ),
            Err(error) => {
                let program = &programs::PROGRAMS[0];
                ReadinessItem {
                    packages: Some(program.packages()),
                    ..ReadinessItem::missing(program.names.join(" or "), error.to_string())
                }
            }
        }
    }

    fn configuration(&mut self) -> Vec<ReadinessItem> {
        let name = "configuration set";
        let usable: Vec<Provider> = Providers::load(self.dirs).into_iter().flatten().collect();
        let files = CfgFiles::new(self.dirs, &usable, self.vt_type);
        let names = match files.names() {
            Ok(names) => names,
            Err(error) => return vec![ReadinessItem::missing(name, told(&error)).mandatory()],
        };
        let own = names.iter().filter(|name| files.own_path(name).is_some());
        let counts = format!(
            "{} files, {} of them yours in {}",
            names.len(),
            own.count(),
            self.dirs.cfg().display()
        );
        vec![match CfgSet::new(files) {
            Ok(_) => ReadinessItem::ok(name, counts).mandatory(),
            Err(error) => {
                ReadinessItem::missing(name, error.render().trim_start_matches("error: "))
                    .advice("mend it; `vthost cartesian lint FILE` says more")
                    .mandatory()
            }
        }]
    }

    fn images(&mut self) -> Vec<GuestImage> {
        self.images.clone()
    }

    fn may_download(&mut self, asset: &Asset) -> bool {
        (self.may_download)(asset)
    }

    fn accelerator(&mut self) -> ReadinessItem {
        let usable = accel::usable();
        match usable.accel {
            Accel::Kvm => ReadinessItem::ok("acceleration", &*usable.reason),
            Accel::Tcg => ReadinessItem::missing("acceleration", &*usable.reason)
                .advice("tests run all the same, with machines that QEMU emulates (tcg): several times slower"),
        }
    }

    fn next(&mut self, ready: bool) -> Vec<ReadinessItem> {
        let has_providers = Providers::load(self.dirs).iter().any(Result::is_ok);
        let commands: &[(&str, &str)] = match (ready, has_providers) {
            (true, true) => &[
                ("vthost list", "shows the tests of all providers"),
                ("vthost run FILTER", "runs some of them"),
                (
                    "vthost list-guests",
                    "shows the guests, and which of them have an image",
                ),
            ],
            (true, false) => &[
                ("vthost provider add URI", "installs tests"),
                ("vthost run --provider PACK.wasm", "runs those of a pack"),
                (
                    "vthost list-guests",
                    "shows the guests, and which of them have an image",
                ),
            ],
            (false, _) => &[
                ("vthost doctor", "says what is missing, and changes nothing"),
                ("vthost bootstrap", "goes on once that is there"),
            ],
        };
        commands
            .iter()
            .map(|(command, what)| ReadinessItem::ok(*command, *what))
            .collect()
    }
}

/// How a provider stands after some were fetched.
fn provider(status: Status, updates: &[Result<Update, ProviderError>]) -> ReadinessItem {
    let changed = updates
        .iter()
        .flatten()
        .any(|update| update.name == status.name && update.from != update.to);
    let place = status.commit.or(status.uri).unwrap_or_default();
    match status.state {
        State::Ready if changed => ReadinessItem::changed(status.name, place),
        State::Ready => ReadinessItem::ok(status.name, place),
        State::NotFetched | State::Changed | State::Broken => {
            // Every command that takes all providers would stumble over it.
            ReadinessItem::missing(status.name, status.reason.unwrap_or(place)).mandatory()
        }
    }
}

/// An error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
