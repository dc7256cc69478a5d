//! Tests of reading definitions.

use std::path::Path;

use super::super::{Definition, Protocol, UriKind};

fn parse(text: &str) -> Result<Definition, String> {
    Definition::parse(Path::new("/d/p.ini"), text).map_err(|error| error.to_string())
}

/// In shape, the sample of the guide with every key.
const ALL_KEYS: &str = "
[provider]

# Where from
uri: git://git.example.org/repo.git
#uri: /path-to-my-git-dir/repo.git
; uri: file://usr/share/tests

branch: main

  # A tag or a commit
ref: 0123456789abcdef0123456789abcdef01234567
pubkey: example.pub

[qemu]
subdir: src/tests/qemu/

[agnostic]
subdir = src/tests/generic/
configs = guest.cfg, host.cfg
";

#[test]
fn every_key_is_read() {
    let definition = parse(ALL_KEYS).unwrap();
    assert_eq!(definition.name, "p");
    assert_eq!(definition.uri.kind, UriKind::Remote(Protocol::Git));
    assert_eq!(definition.branch.as_deref(), Some("main"));
    assert_eq!(definition.reference.unwrap().len(), 40);
    assert_eq!(definition.pubkey.unwrap(), Path::new("/d/example.pub"));
    let backends: Vec<_> = definition
        .backends
        .iter()
        .map(|backend| (&*backend.name, backend.subdir.to_str().unwrap()))
        .collect();
    assert_eq!(
        backends,
        [
            ("qemu", "src/tests/qemu"),
            ("agnostic", "src/tests/generic")
        ]
    );
    assert_eq!(definition.backends[1].configs, ["guest.cfg", "host.cfg"]);
    assert!(definition.warnings.is_empty(), "{:?}", definition.warnings);
}

#[test]
fn the_subdirectory_is_optional_and_so_is_everything_but_uri_and_a_backend() {
    let definition = parse("\u{feff}[provider]\r\nuri: file:///t\r\n[generic]\r\n").unwrap();
    assert_eq!(definition.backends[0].subdir, Path::new(""));
    assert_eq!((definition.branch, definition.pubkey), (None, None));
    let pack = parse("[provider]\nuri: file:///t/tp.wasm\n").unwrap();
    assert!(pack.backends.is_empty());
}

#[test]
fn a_backend_that_looks_like_a_typing_error_is_warned_of() {
    let text = "[provider]\nuri: file:///t\n[qmeu]\n[my_hypervisor]\n";
    assert_eq!(
        parse(text).unwrap().warnings,
        ["`qmeu` is no known backend; did you mean `qemu`?"]
    );
}

#[test]
fn mistakes_are_told_with_their_line() {
    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
    for (text, told) in [
        ("", "/d/p.ini:1: there is no section `[provider]`"),
        (
            "[provder]\nsubdir: x",
            "/d/p.ini:1: there is no section `[provider]`; did you mean `provder`?",
        ),
        (
            "uri: file:///t",
            ":1: `uri` stands before the first section",
        ),
        ("[provider]\n[qemu]", ":1: `[provider]` has no `uri`"),
        ("[provider]\nuri:\n[qemu]", ":2: `uri` is empty"),
        (
            "[provider]\nuri: file:///t\nbrnch: x",
            ":3: `brnch` is no key of `[provider]`; did you mean `branch`?; its keys are uri, branch, ref, pubkey",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nsubdirs: x",
            ":4: `subdirs` is no key of `[qemu]`; did you mean `subdir`?",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nsubdir: a\nsubdir: b",
            ":5: `subdir` is there twice",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\n[v2v]\n[qemu]",
            ":5: `[qemu]` is there twice",
        ),
        (
            "[provider]\nuri: file:///t\nnonsense\n[qemu]\nsubdir: x",
            ":3: `nonsense` is neither",
        ),
        ("[provider]\nuri: file:///t\nnonsense", ":3: "),
        ("[provider\nuri: file:///t", "/d/p.ini:"),
        ("[provider]\nuri: file:///t", ":1: no backend has a section"),
        (
            "[provider]\nuri: file:///t\n[a b]",
            ":3: `a b` cannot be the name of a backend",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nsubdir: ../x",
            ":4: `../x` leads out of the provider",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nsubdir: /etc",
            ":4: `/etc` leads out of the provider",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nsubdir: a/../../b",
            ":4: `a/../../b` leads out of the provider",
        ),
        (
            "[provider]\nuri: file:///t\nbranch: --upload-pack=touch\n[qemu]",
            ":3: `--upload-pack=touch` cannot be a branch",
        ),
        (
            "[provider]\nuri: file:///t\nref: +refs/*:refs/*\n[qemu]",
            ":3: `+refs/*:refs/*` cannot be a ref",
        ),
        (
            "[provider]\nuri: http://bla.com/repo.git\n[qemu]",
            ":2: http://bla.com/repo.git is fetched without proof",
        ),
        (
            "[provider]\nuri: git://bla.com/repo.git\nref: v1\n[qemu]",
            ":2: git://bla.com/repo.git is fetched without proof",
        ),
        (
            "[provider]\nuri: file:///t.wasm\nbranch: main",
            ":3: `branch` is for git repositories",
        ),
        (
            "[provider]\nuri: file:///t.wasm\n[qemu]",
            ":3: a pack file says itself",
        ),
        (
            "[provider]\nuri: file:///t\npubkey:\n[qemu]",
            ":3: `pubkey` is empty",
        ),
        (
            "[provider]\nuri: file:///t\n[qemu]\nconfigs: a.cfg, ../b",
            ":4: `../b` is no name",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(told), "{text:?}: {error}");
    }
    for proof in [format!("ref: {SHA}"), "pubkey: key.pub".to_owned()] {
        let text = format!("[provider]\nuri: http://bla.com/repo.git\n{proof}\n[qemu]");
        assert!(parse(&text).is_ok(), "{text}");
    }
}
