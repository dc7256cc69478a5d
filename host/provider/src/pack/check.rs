//! Whether a manifest tells the truth about the file that it stands in.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest, Sha256};
use vthost_policy::GRANTS;

use super::names::{hex, is_label};
use super::{
    API, Capability, CfgEntry, CfgFile, Component, DepEntry, DepFile, MANIFEST_SCHEMA, Manifest,
    PackError, TestInfo,
};

/// Reads the manifest of a component, and compares it with the component.
pub(super) fn manifest_of(component: &Component) -> Result<Manifest, PackError> {
    let path = &component.path;
    let json = component
        .places
        .manifest
        .clone()
        .ok_or_else(|| PackError::NoManifest { path: path.clone() })?;
    let manifest = parse(path, &component.bytes[json])?;
    if manifest.api != API {
        return Err(PackError::OtherApi {
            path: path.clone(),
            api: manifest.api,
        });
    }
    check_name(&manifest.name)?;
    check_tests(path, &manifest.tests)?;
    check_tree(path, &component.deps)?;
    let lie = |what: &str| {
        Err(PackError::Lie {
            path: path.clone(),
            what: what.to_owned(),
        })
    };
    if manifest.code != component.code_digest {
        return lie("its code");
    }
    if manifest.cfg != index_cfg(&component.cfg) {
        return lie("its configuration");
    }
    if manifest.deps != index_deps(component) {
        return lie("its auxiliary files");
    }
    if manifest.capabilities != capabilities(&component.imports, &manifest) {
        return lie("the list of grants that it asks for");
    }
    Ok(manifest)
}

/// The form of a newer manifest is unknown, so its version is read before anything else.
fn parse(path: &Path, json: &[u8]) -> Result<Manifest, PackError> {
    #[derive(serde::Deserialize)]
    struct Form {
        schema: u32,
    }
    let bad = |source| PackError::BadManifest {
        path: path.to_owned(),
        source,
    };
    let form: Form = serde_json::from_slice(json).map_err(bad)?;
    if form.schema != MANIFEST_SCHEMA {
        return Err(PackError::OtherSchema {
            path: path.to_owned(),
            schema: form.schema,
        });
    }
    serde_json::from_slice(json).map_err(bad)
}

/// Checks the name of a pack.
pub(super) fn check_name(name: &str) -> Result<(), PackError> {
    if is_label(name) {
        return Ok(());
    }
    Err(PackError::BadName {
        name: name.escape_default().to_string(),
    })
}

/// Checks that tests have names that configuration can have, each of them one time, in order.
pub(super) fn check_tests(path: &Path, tests: &[TestInfo]) -> Result<(), PackError> {
    if let Some(test) = tests.iter().find(|test| !is_label(&test.name)) {
        return Err(PackError::BadTestName {
            path: path.to_owned(),
            name: test.name.escape_default().to_string(),
        });
    }
    match tests.windows(2).find(|pair| pair[0].name >= pair[1].name) {
        None => Ok(()),
        Some(pair) if pair[0].name == pair[1].name => Err(PackError::TestTwice {
            path: path.to_owned(),
            name: pair[0].name.clone(),
        }),
        Some(_) => Err(PackError::Lie {
            path: path.to_owned(),
            what: "the order of its tests".to_owned(),
        }),
    }
}

/// Checks that auxiliary files can lie on a disk together: none is there twice, and none is a directory of another.
pub(super) fn check_tree(path: &Path, deps: &[DepFile]) -> Result<(), PackError> {
    let mut files = BTreeSet::new();
    for dep in deps {
        if !files.insert(dep.path.as_str()) {
            return Err(PackError::Twice {
                path: path.to_owned(),
                section: format!("{}{}", super::DEPS_SECTION, dep.path),
            });
        }
    }
    let parents = |path: &'_ str| {
        path.match_indices('/')
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    for file in &files {
        if let Some(at) = parents(file)
            .into_iter()
            .find(|&at| files.contains(&file[..at]))
        {
            return Err(PackError::FileAndDirectory {
                path: path.to_owned(),
                file: file[..at].to_owned(),
            });
        }
    }
    Ok(())
}

/// The index of configuration files.
pub(super) fn index_cfg(files: &[CfgFile]) -> Vec<CfgEntry> {
    let entry = |file: &CfgFile| CfgEntry {
        backend: file.backend.clone(),
        name: file.name.clone(),
        size: file.text.len() as u64,
        sha256: hex(&Sha256::digest(&file.text)),
    };
    files.iter().map(entry).collect()
}

fn index_deps(component: &Component) -> Vec<DepEntry> {
    let entry = |file: &DepFile| dep_entry(&file.path, &component.bytes[file.range.clone()]);
    component.deps.iter().map(entry).collect()
}

/// An auxiliary file in the index.
pub(super) fn dep_entry(path: &str, bytes: &[u8]) -> DepEntry {
    DepEntry {
        path: path.to_owned(),
        size: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
    }
}

/// The grants that a pack asks for: what its author declared, what its tests need, and what its imports are behind.
pub(super) fn capabilities(imports: &[String], manifest: &Manifest) -> Vec<Capability> {
    let mut all: Vec<Capability> = manifest.capabilities.clone();
    let needs = manifest.tests.iter().flat_map(|test| &test.needs).cloned();
    let behind = imports.iter().filter_map(|import| {
        let interface = import.split('@').next();
        let grant = GRANTS
            .iter()
            .find(|grant| grant.interface.is_some() && grant.interface == interface)?;
        Some(grant.name.to_owned())
    });
    for grant in needs.chain(behind) {
        if all.iter().all(|known| known.grant != grant) {
            all.push(Capability {
                grant,
                reason: None,
            });
        }
    }
    all.sort_by(|a, b| a.grant.cmp(&b.grant));
    all.dedup_by(|a, b| a.grant == b.grant);
    all
}
