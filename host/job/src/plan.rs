//! What a job will do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use vthost_cartesian::Variant;
use vthost_metadata::{DeniedEffect, ListEntry};
use vthost_params::{Params, registry};
use vthost_policy::{Denial, Grants, check_imports, check_key, check_need};
use vthost_provider::{CfgSet, Pack, Selection, TestInfo};

use crate::PlanError;

/// What the operator asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The packs, as files.
    pub packs: Vec<PathBuf>,
    /// Which variants.
    pub selection: Selection,
    /// What is granted.
    pub grants: Grants,
}

/// One test of the plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name in results: the labels that its pack gave the variant.
    pub name: String,
    /// The variant. It shares its keys and values with the others, so that a plan of many thousands is small;
    /// the parameters are made of it when they are needed.
    pub variant: Variant,
    /// The index of its pack in [`Plan::packs`].
    pub pack: usize,
    /// The test in the pack: the value of `type`.
    pub test: String,
    /// What it needs and may not do: with any, it is skipped.
    pub denials: Vec<Denial>,
    /// Why it cannot be run at all: a mistake in its configuration, and so an ERROR.
    pub fault: Option<String>,
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

    /// Whether it will be started.
    pub fn will_run(&self) -> bool {
        self.denials.is_empty() && self.fault.is_none()
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
}

impl Plan {
    /// Reads the packs, expands the configuration, and decides what may run. Nothing is executed.
    ///
    /// # Errors
    /// [`PlanError`] for a pack, a configuration or a filter that is wrong.
    pub fn new(request: &Request) -> Result<Self, PlanError> {
        let packs = open(&request.packs)?;
        let variants = CfgSet::new(&packs)?.select(&request.selection)?;
        let of_pack: Vec<Vec<Denial>> = packs
            .iter()
            .map(|pack| {
                let imports = pack.imports.iter().map(String::as_str);
                check_imports(&pack.manifest.name, imports, &request.grants).err()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let mut tests = variants
            .into_iter()
            .map(|variant| planned(variant, &packs, &of_pack, &request.grants))
            .collect::<Result<Vec<_>, _>>()?;
        tell_apart(&mut tests);
        Ok(Self {
            packs,
            tests,
            grants: request.grants.clone(),
        })
    }

    /// Every denial of the plan once, in order.
    pub fn denials(&self) -> BTreeSet<&Denial> {
        self.tests.iter().flat_map(|test| &test.denials).collect()
    }

    /// The plan as `vthost list` prints it.
    pub fn entries(&self) -> impl Iterator<Item = ListEntry> + '_ {
        self.tests.iter().map(|test| {
            let manifest = &self.packs[test.pack].manifest;
            let info = manifest.test(&test.test);
            ListEntry {
                name: test.name.clone(),
                variant: test.variant.name().to_owned(),
                test_type: test.test.clone(),
                pack: manifest.name.clone(),
                summary: info.map(|info| info.summary.clone()).unwrap_or_default(),
                tags: info.map(|info| info.tags.clone()).unwrap_or_default(),
                vms: test.vms().map(str::to_owned).collect(),
                note: test.fault.clone(),
                denied: test
                    .denials
                    .iter()
                    .map(|denial| DeniedEffect {
                        rule: denial.rule.as_str().to_owned(),
                        tried: denial.tried.clone(),
                        by: denial.by.clone(),
                        grant: denial.grant.map(str::to_owned),
                    })
                    .collect(),
            }
        })
    }
}

fn open(paths: &[PathBuf]) -> Result<Vec<Pack>, PlanError> {
    let mut packs: Vec<Pack> = Vec::with_capacity(paths.len());
    for path in paths {
        let pack = Pack::open(path)?;
        let name = &pack.manifest.name;
        if let Some(first) = packs.iter().find(|other| &other.manifest.name == name) {
            return Err(PlanError::SameName {
                name: name.clone(),
                first: first.path.clone(),
                second: pack.path,
            });
        }
        packs.push(pack);
    }
    Ok(packs)
}

fn planned(
    variant: Variant,
    packs: &[Pack],
    of_pack: &[Vec<Denial>],
    grants: &Grants,
) -> Result<Planned, PlanError> {
    let provider = variant.get("provider").unwrap_or_default();
    // Its own assignment of `provider` loses against ours, but there are keys that win over assignments
    // (`provider_fixed`): a pack must not name another one by any of them.
    let by_pack = variant
        .origin("provider")
        .is_some_and(|origin| origin.is_from_provider());
    let pack = packs
        .iter()
        .position(|pack| pack.manifest.name == provider && !by_pack)
        .ok_or_else(|| PlanError::Provider {
            variant: variant.name().to_owned(),
            provider: provider.to_owned(),
        })?;
    let mut denials = of_pack[pack].clone();
    denials.extend(denied_keys(&variant, grants));
    let manifest = &packs[pack].manifest;
    let test = variant.get("type").unwrap_or_default().to_owned();
    let fault = match manifest.test(&test) {
        Some(info) => {
            denials.extend(missing_needs(info, provider, grants));
            None
        }
        None if test.is_empty() => {
            Some("the variant sets no `type`, so there is no test to run".to_owned())
        }
        None => {
            let known: Vec<_> = manifest
                .tests
                .iter()
                .map(|test| test.name.as_str())
                .collect();
            let known = known.join(", ");
            Some(format!(
                "no wasm test for type `{test}` in the pack {provider}, which has {known}"
            ))
        }
    };
    Ok(Planned {
        name: test_name(&variant, provider),
        pack,
        test,
        denials,
        fault,
        variant,
    })
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

/// The labels of the variant that come from the pack: the hardware and the guest are the same for most tests of a
/// job, and stand in its parameters.
fn test_name(variant: &Variant, provider: &str) -> String {
    let name = variant.short_name();
    let labels: Vec<&str> = name.split('.').collect();
    let start = labels.iter().position(|label| *label == provider);
    match start {
        None => name.to_owned(),
        Some(start) => {
            // The machine is the last label: `machines.cfg` is the first block of the configuration.
            let end = labels.len().saturating_sub(1).max(start + 1);
            labels[start..end].join(".")
        }
    }
}

fn denied_keys<'a>(variant: &'a Variant, grants: &'a Grants) -> impl Iterator<Item = Denial> + 'a {
    variant.entries().filter_map(|(key, value, origin)| {
        let effect = registry::find(key)?.effect?;
        if !effect.when.applies(value) {
            return None;
        }
        check_key(key, effect.grant, &origin, grants).err()
    })
}
