//! What a job will do.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use vthost_cartesian::{OriginKind, Variant, did_you_mean, nearest};
use vthost_metadata::{DeniedEffect, ListEntry, TestKind};
use vthost_params::Params;
use vthost_params::registry::effects_of;
use vthost_policy::{Denial, Grants, check_imports, check_key, check_need};
use vthost_provider::pack::Trust;
use vthost_provider::{CfgFiles, CfgSet, Dirs, Pack, Provider, Selection, Source, TestInfo};

use crate::PlanError;

/// The backend of a job that names none.
const DEFAULT_BACKEND: &str = "qemu";

/// How the first label of the tests begins: `subtests.cfg` is a block of that name.
const TESTS: &str = "(subtest=";
/// So many names of tests are told in a message.
const FEW: usize = 10;
/// A machine that every configuration has.
const MACHINE: &str = "i440fx";

/// What the operator asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Where tests come from.
    pub providers: Vec<Provider>,
    /// The directories with the operator's own configuration; without any, the shipped one is all there is.
    pub dirs: Option<Dirs>,
    /// What is parsed in place of `tests.cfg`.
    pub config_file: Option<PathBuf>,
    /// The backend whose tests are wanted; `qemu` if it is none.
    pub backend: Option<String>,
    /// Which variants.
    pub selection: Selection,
    /// What is granted.
    pub grants: Grants,
    /// Whose packs are let in.
    pub trust: Trust,
}

/// One test of the plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name in results: the labels that its pack gave the variant.
    pub name: String,
    /// The variant. It shares its keys and values with the others, so that a plan of many thousands is small;
    /// the parameters are made of it when they are needed.
    pub variant: Variant,
    /// The name of its provider.
    pub provider: String,
    /// The index of its pack in [`Plan::packs`]; none if its provider has no pack with this test.
    pub pack: Option<usize>,
    /// The test in the pack: the value of `type`.
    pub test: String,
    /// What it needs and may not do: with any, it is skipped.
    pub denials: Vec<Denial>,
    /// Why it cannot be run at all: a mistake in its configuration, and so an ERROR.
    pub fault: Option<String>,
    /// Why it is skipped although nothing is wrong with it: nobody has ported it yet.
    pub unported: Option<String>,
    /// Why it is skipped because its configuration says so (`skip = yes`).
    pub skip: Option<String>,
}

impl Planned {
    /// Its parameters.
    pub fn params(&self) -> Params {
        Params::new(&self.variant)
    }

    /// The machines that it asks for.
    pub fn vms(&self) -> impl Iterator<Item = &str> {
        self.variant
            .get("vms")
            .unwrap_or_default()
            .split_whitespace()
    }

    /// What will become of it.
    pub fn kind(&self) -> TestKind {
        if self.fault.is_some() {
            TestKind::Faulty
        } else if self.skip.is_some() {
            TestKind::Skipped
        } else if self.unported.is_some() {
            TestKind::NoTest
        } else if self.denials.is_empty() {
            TestKind::Ready
        } else {
            TestKind::Denied
        }
    }

    /// Whether it will be started.
    pub fn will_run(&self) -> bool {
        self.kind() == TestKind::Ready
    }
}

/// Everything that a job will do, before anything of it is done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The packs.
    pub packs: Vec<Pack>,
    /// The tests, in order.
    pub tests: Vec<Planned>,
    /// What is granted.
    pub grants: Grants,
    /// Packs of providers that cannot be used, and why: their tests are not there.
    pub broken: Vec<String>,
}

impl Plan {
    /// Reads the packs, expands the configuration, and decides what may run. Nothing is executed.
    ///
    /// # Errors
    /// [`PlanError`] for a provider, a configuration or a filter that is wrong.
    pub fn new(request: &Request) -> Result<Self, PlanError> {
        let backend = request.backend.as_deref().unwrap_or(DEFAULT_BACKEND);
        let library = Library::open(request, backend)?;
        let files = match &request.dirs {
            Some(dirs) => CfgFiles::new(dirs, &request.providers, backend),
            None => CfgFiles::shipped(&request.providers, backend),
        };
        let set = match &request.config_file {
            Some(path) => CfgSet::of_file(files, path)?,
            None => CfgSet::new(files)?,
        };
        if request.config_file.is_none() && !set.has_tests() {
            return Err(PlanError::NoTests {
                providers: request.providers.iter().map(|p| p.root.clone()).collect(),
                backend: backend.to_owned(),
            });
        }
        let variants = set.select(&request.selection)?;
        let machines: HashSet<&str> = set.config().alternatives(MACHINE).into_iter().collect();
        let mut tests = variants
            .into_iter()
            .map(|variant| library.planned(variant, &machines, &request.grants))
            .collect::<Result<Vec<_>, _>>()?;
        tell_apart(&mut tests);
        Ok(Self {
            packs: library.packs,
            tests,
            grants: request.grants.clone(),
            broken: library.broken,
        })
    }

    /// Every denial of the plan once, in order.
    pub fn denials(&self) -> BTreeSet<&Denial> {
        let denied = |test: &&Planned| test.kind() == TestKind::Denied;
        let tests = self.tests.iter().filter(denied);
        tests.flat_map(|test| &test.denials).collect()
    }

    /// What its pack says of a test, in one line; empty where no pack has it.
    pub fn summary(&self, test: &Planned) -> &str {
        let manifest = test.pack.map(|pack| &self.packs[pack].manifest);
        manifest
            .and_then(|manifest| manifest.test(&test.test))
            .map_or("", |info| &info.summary)
    }

    /// The plan as `vthost list` prints it.
    pub fn entries(&self) -> impl Iterator<Item = ListEntry> + '_ {
        self.tests.iter().map(|test| self.entry(test))
    }

    /// One test of the plan as `vthost list` prints it.
    pub fn entry(&self, test: &Planned) -> ListEntry {
        let pack = test.pack.map(|pack| &self.packs[pack].manifest);
        let info = pack.and_then(|manifest| manifest.test(&test.test));
        ListEntry {
            name: test.name.clone(),
            shortname: test.variant.short_name().to_owned(),
            variant: test.variant.name().to_owned(),
            test_type: test.test.clone(),
            provider: test.provider.clone(),
            pack: pack.map(|manifest| manifest.name.clone()),
            summary: info.map(|info| info.summary.clone()).unwrap_or_default(),
            tags: info.map(|info| info.tags.clone()).unwrap_or_default(),
            needs: info.map(|info| info.needs.clone()).unwrap_or_default(),
            vms: test.vms().map(str::to_owned).collect(),
            source: test.variant.origin("type").map(|origin| origin.to_string()),
            kind: test.kind(),
            note: [&test.fault, &test.skip, &test.unported]
                .into_iter()
                .find_map(Clone::clone),
            denied: test.denials.iter().map(denied).collect(),
        }
    }
}

fn denied(denial: &Denial) -> DeniedEffect {
    DeniedEffect {
        rule: denial.rule.as_str().to_owned(),
        tried: denial.tried.clone(),
        by: denial.by.clone(),
        grant: denial.grant.map(str::to_owned),
    }
}

/// The packs of all providers, and which test is in which.
struct Library<'a> {
    providers: &'a [Provider],
    packs: Vec<Pack>,
    /// What the imports of each pack need and may not have.
    denials: Vec<Vec<Denial>>,
    /// By provider and test, the pack.
    tests: HashMap<(&'a str, String), usize>,
    broken: Vec<String>,
}

impl<'a> Library<'a> {
    fn open(request: &'a Request, backend: &str) -> Result<Self, PlanError> {
        let providers = &request.providers;
        let mut library = Self {
            providers,
            packs: Vec::new(),
            denials: Vec::new(),
            tests: HashMap::new(),
            broken: Vec::new(),
        };
        for (at, provider) in providers.iter().enumerate() {
            let name = provider.name.as_str();
            if let Some(first) = providers[..at].iter().find(|other| other.name == name) {
                return Err(PlanError::SameName {
                    name: name.to_owned(),
                    first: first.root.clone(),
                    second: provider.root.clone(),
                });
            }
            for pack in provider.packs(backend)? {
                match pack.and_then(|pack| pack.admit(&request.trust).map(|()| pack)) {
                    Ok(pack) => library.add(name, pack, &request.grants),
                    // A provider that is one pack is nothing without it.
                    Err(error) if matches!(provider.source, Source::Pack(_)) => {
                        return Err(PlanError::Pack(error));
                    }
                    Err(error) => library.broken.push(chain(&error)),
                }
            }
        }
        Ok(library)
    }

    fn add(&mut self, provider: &'a str, pack: Pack, grants: &Grants) {
        let imports = pack.imports.iter().map(String::as_str);
        let denials = check_imports(&pack.manifest.name, imports, grants).err();
        self.denials.push(denials.unwrap_or_default());
        for test in &pack.manifest.tests {
            // What a backend has of its own comes before what is generic.
            let key = (provider, test.name.clone());
            self.tests.entry(key).or_insert(self.packs.len());
        }
        self.packs.push(pack);
    }

    fn planned(
        &self,
        variant: Variant,
        machines: &HashSet<&str>,
        grants: &Grants,
    ) -> Result<Planned, PlanError> {
        let test = variant.get("type").unwrap_or_default().to_owned();
        let provider = self.owner(&variant)?;
        let pack = match provider {
            Some(provider) => self
                .tests
                .get(&(provider.name.as_str(), test.clone()))
                .copied(),
            // A variant of the operator's own takes the test from wherever it is.
            None => self.providers.iter().find_map(|provider| {
                let key = (provider.name.as_str(), test.clone());
                self.tests.get(&key).copied()
            }),
        };
        let mut planned = Planned {
            name: test_name(&variant, machines),
            provider: provider
                .map(|provider| provider.name.clone())
                .unwrap_or_default(),
            pack,
            denials: denied_keys(&variant, grants).collect(),
            fault: None,
            unported: None,
            skip: skip(&variant),
            test,
            variant,
        };
        match planned.pack {
            Some(at) => {
                let manifest = &self.packs[at].manifest;
                let info = manifest.test(&planned.test);
                planned
                    .denials
                    .splice(0..0, self.denials[at].iter().cloned());
                planned.denials.extend(
                    info.into_iter()
                        .flat_map(|info| missing_needs(info, &manifest.name, grants)),
                );
            }
            None if planned.test.is_empty() => {
                planned.fault =
                    Some("the variant sets no `type`, so there is no test to run".to_owned());
            }
            None => match provider.map(|provider| (&provider.source, &provider.name)) {
                // A pack has its tests with it, so its configuration is wrong.
                Some((Source::Pack(pack), _)) => {
                    planned.fault = Some(no_test(&planned.test, pack));
                }
                Some((Source::Directory | Source::Git { .. }, name)) => {
                    let test = &planned.test;
                    planned.unported = Some(format!(
                        "no wasm test for type `{test}` in the provider {name}"
                    ));
                }
                None => {
                    planned.unported = Some(format!("no wasm test for type `{}`", planned.test));
                }
            },
        }
        Ok(planned)
    }

    /// The provider of a variant; none if it is the operator's own.
    fn owner(&self, variant: &Variant) -> Result<Option<&'a Provider>, PlanError> {
        let is_anyones = |key: &str| {
            let origin = variant.origin(key);
            origin.is_some_and(|origin| origin.is_from_provider())
        };
        if variant.get("provider").is_none() && !is_anyones("type") {
            return Ok(None);
        }
        let name = variant.get("provider").unwrap_or_default();
        // A provider may say whose a test is only if it is its own, by whatever key it says so.
        let by_another = variant.origin("provider").is_some_and(|origin| {
            let mut kinds = origin.kinds();
            kinds.any(|kind| matches!(kind, OriginKind::Provider(by) if by != name))
        });
        let mut providers = self.providers.iter();
        let owner = providers.find(|provider| provider.name == name && !by_another);
        owner.map(Some).ok_or_else(|| PlanError::Provider {
            variant: variant.name().to_owned(),
            provider: name.to_owned(),
        })
    }
}

/// Why a variant is skipped, if it says so (guide, `skip`).
fn skip(variant: &Variant) -> Option<String> {
    if !matches!(variant.get("skip"), Some("yes" | "on" | "true")) {
        return None;
    }
    let place = variant.origin("skip").map(|origin| format!(" ({origin})"));
    Some(format!("skip = yes{}", place.unwrap_or_default()))
}

fn no_test(test: &str, pack: &Pack) -> String {
    let known = pack.manifest.tests.iter().map(|test| test.name.as_str());
    let known: Vec<_> = known.collect();
    // All of a large pack would hide what the message is about.
    let hint = match did_you_mean(&nearest(test, known.iter().copied())) {
        Some(question) => format!("; {question}"),
        None if known.len() <= FEW => format!(", which has {}", known.join(", ")),
        None => format!(
            ", which has {} others: `vthost list --provider FILE` shows them",
            known.len()
        ),
    };
    let pack = &pack.manifest.name;
    format!("no wasm test for type `{test}` in the pack {pack}{hint}")
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn missing_needs<'a>(
    info: &'a TestInfo,
    pack: &'a str,
    grants: &'a Grants,
) -> impl Iterator<Item = Denial> + 'a {
    info.needs
        .iter()
        .filter_map(move |need| check_need(&info.name, need, pack, grants).err())
}

/// Gives tests that would have the same name the whole short names of their variants, where these differ.
fn tell_apart(tests: &mut [Planned]) {
    let mut short_names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for test in tests.iter() {
        let names = short_names.entry(&test.name).or_default();
        names.insert(test.variant.short_name());
    }
    let ambiguous: BTreeSet<String> = short_names
        .into_iter()
        .filter(|(_, names)| names.len() > 1)
        .map(|(name, _)| name.to_owned())
        .collect();
    for test in tests
        .iter_mut()
        .filter(|test| ambiguous.contains(&test.name))
    {
        test.variant.short_name().clone_into(&mut test.name);
    }
}

/// The labels of the variant that come from its provider, as the reference calls a test: guest and hardware are the same
/// for most tests of a job, and stand in its parameters.
fn test_name(variant: &Variant, machines: &HashSet<&str>) -> String {
    let name = variant.name();
    let Some(start) = name.find(TESTS) else {
        return variant.short_name().to_owned();
    };
    let mut labels: Vec<&str> = name[start..].split('.').collect();
    // `machines.cfg` is the first block of the configuration, and so the last label.
    if labels.len() > 1 && labels.last().is_some_and(|last| machines.contains(last)) {
        labels.pop();
    }
    let plain = |label: &&str| match label
        .strip_prefix('(')
        .and_then(|label| label.split_once('='))
    {
        Some((_, label)) => label.trim_end_matches(')').to_owned(),
        None => (*label).to_owned(),
    };
    let labels: Vec<String> = labels.iter().map(plain).collect();
    labels.join(".")
}

/// What the keys of a variant would do to the host and may not.
fn denied_keys<'a>(variant: &'a Variant, grants: &'a Grants) -> impl Iterator<Item = Denial> + 'a {
    effects_of(variant)
        .filter_map(|effect| check_key(effect.key, effect.grant, &effect.origin, grants).err())
}
