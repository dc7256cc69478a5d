//! The floors of the house: a crate imports only from floors below its own (docs/src/architecture.md).

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::sh;

/// Every crate of the host and its floor.
const FLOORS: &[(&str, u8)] = &[
    ("vthost-cartesian", 0),
    ("vthost-metadata", 0),
    ("vthost-params", 1),
    ("vthost-policy", 1),
    ("vthost-guest", 2),
    ("vthost-provider", 2),
    ("vthost-qemu", 2),
    ("vthost-env", 3),
    ("vthost-sandbox", 4),
    ("vthost-job", 5),
    ("vthost-report", 5),
    ("vthost", 6),
];

/// Crates that only some may depend on: the crate, and who.
const RESERVED: &[(&str, &[&str])] = &[
    ("wasmtime", &["vthost-sandbox"]),
    ("wasmtime-wasi", &["vthost-sandbox"]),
];

/// Crates that do no I/O: nothing of these may be among their dependencies.
const PURE: &[&str] = &[
    "vthost-cartesian",
    "vthost-metadata",
    "vthost-params",
    "vthost-policy",
];
const IMPURE: &[&str] = &["tokio", "rustix", "tempfile", "walkdir"];

/// What a crate of the host depends on.
type House = BTreeMap<String, Vec<String>>;

/// Checks the crates of the host against the plan.
pub(crate) fn check_house() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(sh::root())
        .no_deps()
        .exec()?;
    let house: House = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.manifest_path.as_str().contains("/host/"))
        .map(|package| {
            let dependencies = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), dependencies)
        })
        .collect();
    let faults = faults(&house);
    if faults.is_empty() {
        return Ok(());
    }
    bail!("the floors do not hold:\n  {}", faults.join("\n  "));
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

fn faults(house: &House) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, _) in FLOORS.iter().filter(|(name, _)| !house.contains_key(*name)) {
        faults.push(format!("{name} has a floor but does not exist"));
    }
    for (name, dependencies) in house {
        let Some(own) = floor(name) else {
            faults.push(format!(
                "{name} has no floor; give it one in xtask/src/floors.rs"
            ));
            continue;
        };
        for dependency in dependencies {
            if let Some(other) = floor(dependency)
                && other >= own
            {
                faults.push(format!(
                    "{name} (floor {own}) imports {dependency} (floor {other})"
                ));
            }
            let reserved = RESERVED.iter().find(|(known, _)| known == dependency);
            if let Some((_, allowed)) = reserved
                && !allowed.contains(&name.as_str())
            {
                faults.push(format!(
                    "{name} imports {dependency}, which only {} may",
                    allowed.join(", ")
                ));
            }
            if PURE.contains(&name.as_str()) && IMPURE.contains(&dependency.as_str()) {
                faults.push(format!("{name} does no I/O but imports {dependency}"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_stands() {
        check_house().unwrap();
    }

    #[test]
    fn every_kind_of_fault_is_seen() {
        let mut house: House = FLOORS
            .iter()
            .map(|(name, _)| ((*name).to_owned(), Vec::new()))
            .collect();
        assert!(faults(&house).is_empty());
        house.remove("vthost-env");
        house.insert("vthost-attic".to_owned(), Vec::new());
        house.insert(
            "vthost-policy".to_owned(),
            vec![
                "vthost-params".to_owned(),
                "tokio".to_owned(),
                "wasmtime".to_owned(),
            ],
        );
        assert_eq!(
            faults(&house),
            [
                "vthost-env has a floor but does not exist",
                "vthost-attic has no floor; give it one in xtask/src/floors.rs",
                "vthost-policy (floor 1) imports vthost-params (floor 1)",
                "vthost-policy does no I/O but imports tokio",
                "vthost-policy imports wasmtime, which only vthost-sandbox may",
            ]
        );
    }
}
