//! The eight steps.

use vthost_metadata::{ReadinessItem, ReadinessState, ReadinessStep};

use super::build::is_interrupted;
use super::guest::{GuestImage, ImageState, image_state};
use super::image::{self, BootstrapError, Built, Progress, State};
use super::{directories, kernel, programs};
use crate::Dirs;
use crate::asset::{Asset, Catalog, FetchEvent, Limits, fetch};

/// What bootstrap is to do.
#[derive(Debug, Clone)]
pub struct BootstrapOptions {
    /// The type of tests: one of [`TYPES`](super::TYPES).
    pub vt_type: String,
    /// Whether anything may be fetched or built.
    pub downloads: bool,
    /// Fetch providers anew, and not only those that are not there.
    pub update_providers: bool,
    /// Build or download guest images even if they are there.
    pub force: bool,
    /// Look only: nothing on the machine is changed, and steps that would only change something are left out.
    pub look: bool,
}

/// What crates above this one know, and what only the operator does.
pub trait Machine {
    /// Step 1: the providers; fetched if need be, anew if `update` is set.
    fn providers(&mut self, update: bool) -> Vec<ReadinessItem>;
    /// Step 2: whether the QEMU that is found is one that works.
    fn emulator(&mut self) -> ReadinessItem;
    /// Step 5: whether the configuration can be parsed, and what it is made of.
    fn configuration(&mut self) -> Vec<ReadinessItem>;
    /// Step 6: the images of the guest that is wanted.
    fn images(&mut self) -> Vec<GuestImage>;
    /// Step 6: whether the operator wants this download.
    fn may_download(&mut self, asset: &Asset) -> bool;
    /// Step 7: what machines run on.
    fn accelerator(&mut self) -> ReadinessItem;
    /// Step 8: what to do now: commands, and what they do. `ready` says whether all that is mandatory is there.
    fn next(&mut self, ready: bool) -> Vec<ReadinessItem>;
}

/// What bootstrap is doing.
#[derive(Debug, Clone, Copy)]
pub enum BootstrapEvent<'a> {
    /// A step begins.
    Begun {
        /// Its number.
        number: u8,
        /// What it does.
        title: &'a str,
    },
    /// An image is built.
    Building(Progress<'a>),
    /// An asset is fetched.
    Fetching(&'a Asset, FetchEvent<'a>),
    /// A step finished something.
    Found(&'a ReadinessItem),
    /// A step is done.
    Finished(&'a ReadinessStep),
}

type Tell<'a> = &'a mut dyn FnMut(BootstrapEvent<'_>);

/// Takes all steps; one that finds something missing does not end the others.
pub fn run(
    dirs: &Dirs,
    options: &BootstrapOptions,
    machine: &mut dyn Machine,
    tell: Tell<'_>,
) -> Vec<ReadinessStep> {
    let mut run = Run {
        tell,
        steps: Vec::new(),
    };
    let title = match options.look {
        true => "Checking all test providers",
        false => "Fetching all test providers",
    };
    let update = options.update_providers && !options.look;
    run.step(1, "providers", title, |_| machine.providers(update));
    run.step(2, "programs", "Checking the mandatory programs", |_| {
        let mut items = checked(&options.vt_type, true);
        items.insert(0, machine.emulator().mandatory());
        items
    });
    run.step(
        3,
        "recommended",
        "Checking the recommended programs",
        |_| checked(&options.vt_type, false),
    );
    let title = match options.look {
        true => "Checking the directories",
        false => "Making the directories",
    };
    run.step(4, "directories", title, |_| {
        directories::check(dirs, !options.look)
    });
    run.step(5, "configuration", "Checking the configuration set", |_| {
        machine.configuration()
    });
    run.step(6, "guest", "Checking the guest image", |tell| {
        let catalog = Catalog::load(dirs);
        let mistakes = catalog
            .mistakes()
            .iter()
            .map(|mistake| ReadinessItem::missing("definition of an asset", mistake.to_string()));
        let mut items: Vec<_> = mistakes.collect();
        let images = machine.images();
        if images.is_empty() {
            let why = "the configuration set has to be mended first";
            items.push(ReadinessItem::skipped("guest image", why));
        }
        for image in images {
            if is_interrupted() {
                break;
            }
            items.push(guest(dirs, options, &catalog, &image, machine, tell).mandatory());
        }
        items
    });
    run.step(
        7,
        "kvm",
        "Checking the modules of the kernel, and whether KVM works",
        |_| {
            let mut items = kernel::check();
            items.push(machine.accelerator());
            items
        },
    );
    if !options.look {
        let ready = run.steps.iter().all(ReadinessStep::is_ready);
        run.step(8, "next", "Where to go on", |_| machine.next(ready));
    }
    run.steps
}

struct Run<'a> {
    tell: Tell<'a>,
    steps: Vec<ReadinessStep>,
}

impl Run<'_> {
    fn step(
        &mut self,
        number: u8,
        name: &str,
        title: &str,
        work: impl FnOnce(Tell<'_>) -> Vec<ReadinessItem>,
    ) {
        (self.tell)(BootstrapEvent::Begun { number, title });
        let items = work(self.tell);
        for item in &items {
            (self.tell)(BootstrapEvent::Found(item));
        }
        let worst = items.iter().map(|item| item.state).max();
        let step = ReadinessStep {
            number,
            name: name.to_owned(),
            title: title.to_owned(),
            state: worst.unwrap_or(ReadinessState::Skipped),
            items,
        };
        (self.tell)(BootstrapEvent::Finished(&step));
        self.steps.push(step);
    }
}

fn checked(vt_type: &str, mandatory: bool) -> Vec<ReadinessItem> {
    programs::PROGRAMS
        .iter()
        .filter(|program| program.concerns(vt_type) && program.is_mandatory(vt_type) == mandatory)
        // The machine says more about QEMU than that a file is there.
        .filter(|program| program.names[0] != programs::EMULATOR)
        .map(|program| program.check(vt_type))
        .collect()
}

fn guest(
    dirs: &Dirs,
    options: &BootstrapOptions,
    catalog: &Catalog,
    image: &GuestImage,
    machine: &mut dyn Machine,
    tell: Tell<'_>,
) -> ReadinessItem {
    let state = image_state(dirs, catalog, &image.file);
    let name = state.path().display().to_string();
    let is_built = state.path() == dirs.images().join(image::JEOS_IMAGE);
    match state {
        _ if is_built => built(dirs, options, name, tell),
        ImageState::Downloadable { asset, .. } => match catalog.get(&asset) {
            Ok(asset) => downloaded(dirs, options, asset, name, machine, tell),
            Err(error) => ReadinessItem::missing(name, error.to_string()),
        },
        ImageState::Present(path) => {
            let asset = catalog
                .iter()
                .find(|asset| dirs.data.join(asset.result()) == path);
            match asset {
                Some(asset) if options.force && !options.look => {
                    downloaded(dirs, options, asset, name, machine, tell)
                }
                _ => ReadinessItem::ok(name, format!("the guest {}", image.guest)),
            }
        }
        ImageState::Buildable(_) | ImageState::Missing(_) => ReadinessItem::missing(
            &name,
            format!("the image of the guest {} is yours to make", image.guest),
        )
        .advice(format!(
            "put it to {name}, or define an asset in {} whose destination it is",
            Catalog::places(dirs)[1].display()
        )),
    }
}

fn built(dirs: &Dirs, options: &BootstrapOptions, name: String, tell: Tell<'_>) -> ReadinessItem {
    let advice = "`vthost bootstrap` builds it, in about a minute and a half";
    match image::state(dirs) {
        _ if options.force && !options.look => {}
        State::Fresh => {
            return ReadinessItem::ok(name, "the default guest, from the recipe of this vthost");
        }
        State::Unusable => {
            return ReadinessItem::missing(name, "there, but no file that can be read")
                .advice("take it away; `vthost bootstrap` builds the default guest");
        }
        // It may be worth more than the one that would take its place.
        State::Own => {
            return ReadinessItem::ok(name, "an image of your own")
                .advice("`vthost bootstrap --force` builds the default guest in its place");
        }
        State::Outdated if options.look || !options.downloads => {
            let what = "the default guest, from another recipe than this vthost's";
            return ReadinessItem::skipped(name, what).advice(advice);
        }
        State::Absent if options.look => {
            return ReadinessItem::missing(name, "the default guest is not built yet")
                .advice(advice);
        }
        State::Absent if !options.downloads => {
            return ReadinessItem::missing(name, "building the default guest downloads packages")
                .advice(advice);
        }
        State::Outdated | State::Absent => {}
    }
    let made = image::build_image(dirs, options.force, &mut |progress| {
        tell(BootstrapEvent::Building(progress));
    });
    match made {
        Ok(Built::Yes) => ReadinessItem::changed(name, "built"),
        Ok(Built::No) => ReadinessItem::ok(name, "the default guest, built by another bootstrap"),
        Err(error) => failed_build(name, &error),
    }
}

fn failed_build(name: String, error: &BootstrapError) -> ReadinessItem {
    let item = ReadinessItem::missing(name, with_causes(error));
    match error {
        BootstrapError::Packages(packages) => ReadinessItem {
            packages: Some(vthost_metadata::Packages {
                apt: Some(packages.join(" ")),
                dnf: None,
            }),
            ..item
        },
        BootstrapError::Build { .. } => {
            item.advice("`vthost bootstrap --verbose` shows everything that the build prints")
        }
        BootstrapError::Io { .. } | BootstrapError::Interrupted => item,
    }
}

fn downloaded(
    dirs: &Dirs,
    options: &BootstrapOptions,
    asset: &Asset,
    name: String,
    machine: &mut dyn Machine,
    tell: Tell<'_>,
) -> ReadinessItem {
    let how = format!("`vthost asset fetch {}` downloads it", asset.name);
    if options.look {
        return ReadinessItem::missing(name, format!("{}: not there", asset.title)).advice(how);
    }
    if !options.downloads || !machine.may_download(asset) {
        return ReadinessItem::skipped(name, format!("{}: not downloaded", asset.title))
            .advice(how);
    }
    let fetched = fetch(
        dirs,
        asset,
        options.force,
        &Limits::default(),
        &mut |event| {
            tell(BootstrapEvent::Fetching(asset, event));
        },
    );
    match fetched {
        Ok(fetched) if fetched.fresh => ReadinessItem::ok(name, &*asset.title),
        Ok(_) => ReadinessItem::changed(name, format!("{}: downloaded", asset.title)),
        Err(error) => ReadinessItem::missing(name, with_causes(&error))
            .advice(format!("{how}, once that is mended")),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
