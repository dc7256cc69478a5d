//! Which interfaces a pack may import.

use crate::{Denial, GRANTS, Grants, Rule};

/// Interfaces that every pack may import, without their versions. WASI is here as far as toolchains need it;
/// what it can reach is decided where it is linked (no sockets, no environment, no files but the test's own).
const OPEN: &[&str] = &[
    "vthost:core/jobs",
    "vthost:core/log",
    "vthost:core/params",
    "vthost:core/types",
    "vthost:guest/agent",
    "vthost:guest/console",
    "vthost:guest/files",
    "vthost:guest/session",
    "vthost:vm/blocks",
    "vthost:vm/devices",
    "vthost:vm/env",
    "vthost:vm/images",
    "vthost:vm/migration",
    "vthost:vm/qmp",
    "vthost:vm/screen",
    "vthost:vm/vm",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

fn without_version(import: &str) -> &str {
    import.split_once('@').map_or(import, |(name, _)| name)
}

/// Whether every pack may import this interface.
pub fn is_open_interface(import: &str) -> bool {
    OPEN.binary_search(&without_version(import)).is_ok()
}

/// Checks the imports of a pack against the grants; all denials at once.
///
/// # Errors
/// Every import that is not allowed, in the order of the imports.
pub fn check_imports<'a>(
    pack: &str,
    imports: impl IntoIterator<Item = &'a str>,
    grants: &Grants,
) -> Result<(), Vec<Denial>> {
    let denials: Vec<_> = imports
        .into_iter()
        .filter(|import| !is_open_interface(import))
        .filter_map(|import| {
            let info = GRANTS
                .iter()
                .find(|grant| grant.interface == Some(without_version(import)));
            let (rule, grant) = match info {
                Some(info) if grants.has(info.name) => return None,
                Some(info) => (Rule::UngrantedInterface, Some(info.name)),
                None => (Rule::UnknownInterface, None),
            };
            Some(Denial {
                rule,
                tried: format!("the import of {import}"),
                by: format!("pack {pack}"),
                grant,
            })
        })
        .collect();
    if denials.is_empty() {
        Ok(())
    } else {
        Err(denials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_list_is_sorted() {
        assert!(OPEN.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn only_listed_and_granted_interfaces_pass() {
        let imports = [
            "vthost:core/log@0.1.0",
            "vthost:host/raw-qmp@0.1.0",
            "wasi:sockets/tcp@0.2.6",
        ];
        let denials = check_imports("evil", imports, &Grants::default()).unwrap_err();
        assert_eq!(
            denials.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "denied: the import of vthost:host/raw-qmp@0.1.0 by pack evil (rule ungranted-interface); to allow it: --grant raw-qmp",
                "denied: the import of wasi:sockets/tcp@0.2.6 by pack evil (rule unknown-interface); no grant of this version of vthost allows it",
            ]
        );
        let granted = Grants::new(["raw-qmp"]).unwrap();
        assert_eq!(
            check_imports("evil", imports[..2].iter().copied(), &granted),
            Ok(())
        );
    }

    #[test]
    fn no_grant_opens_what_is_open_already() {
        for grant in GRANTS {
            assert!(!grant.interface.is_some_and(is_open_interface));
        }
    }
}
