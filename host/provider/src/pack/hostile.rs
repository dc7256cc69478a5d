//! What somebody else's pack may look like.

use std::path::PathBuf;

use proptest::prelude::*;

use super::write::append;
use super::*;

fn source() -> PackSource {
    let test = |name: &str, needs: &[&str]| TestInfo {
        name: name.to_owned(),
        summary: format!("the test {name}"),
        tags: vec!["smoke".to_owned()],
        needs: needs.iter().map(|&need| need.to_owned()).collect(),
    };
    PackSource {
        name: "tp-x".to_owned(),
        version: "1.2.3".to_owned(),
        tests: vec![test("b", &["raw-qmp"]), test("a", &[])],
        cfg: vec![CfgFile {
            backend: "generic".to_owned(),
            name: "tests.cfg".to_owned(),
            text: "variants:\n    - a:\n".to_owned(),
        }],
        deps: vec![
            ("x/y.sh".to_owned(), b"echo\n".to_vec()),
            ("a.bin".to_owned(), vec![0, 1, 2]),
        ],
        ..PackSource::default()
    }
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn component(&self) -> Component {
        let path = self.path("component.wasm");
        let mut component = wasm_encoder::Component::new();
        component.section(&wasm_encoder::CustomSection {
            name: "code".into(),
            data: (&b"stands for code"[..]).into(),
        });
        std::fs::write(&path, component.finish()).unwrap();
        Component::read(&path).unwrap()
    }

    fn pack(&self, source: PackSource) -> Vec<u8> {
        let path = self.path("pack.wasm");
        build(&self.component(), source, &path).unwrap();
        std::fs::read(path).unwrap()
    }

    fn open(&self, bytes: &[u8]) -> Result<Pack, PackError> {
        let path = self.path("opened.wasm");
        std::fs::write(&path, bytes).unwrap();
        Pack::open(&path)
    }

    /// Why a component with these sections is no pack.
    fn refusal(&self, sections: &[(&str, &[u8])]) -> String {
        let mut bytes = self.component().bytes().to_vec();
        for (name, data) in sections {
            append(&mut bytes, name, data);
        }
        self.open(&bytes).unwrap_err().to_string()
    }
}

/// A change of a manifest.
type Change<'a> = &'a dyn Fn(&mut serde_json::Value);

/// The same pack with another manifest.
fn with_manifest(bytes: &[u8], change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let mut changed = bytes[..8].to_vec();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        if let wasmparser::Payload::CustomSection(section) = payload.unwrap() {
            let mut data = section.data().to_vec();
            if section.name() == MANIFEST_SECTION {
                let mut manifest = serde_json::from_slice(&data).unwrap();
                change(&mut manifest);
                data = serde_json::to_vec(&manifest).unwrap();
            }
            append(&mut changed, section.name(), &data);
        }
    }
    changed
}

#[test]
fn what_is_written_is_read_and_a_second_build_replaces_the_first() {
    let place = Place::new();
    let once = place.pack(source());
    let again = place.path("2.wasm");
    let made = Component::read(&place.path("pack.wasm")).unwrap();
    build(&made, source(), &again).unwrap();
    assert_eq!(once, std::fs::read(&again).unwrap());
    let pack = Pack::open(&again).unwrap();
    assert_eq!(pack.manifest.name, "tp-x");
    assert_eq!(pack.manifest.tests[0].name, "a");
    assert_eq!(pack.manifest.capabilities[0].grant, "raw-qmp");
    assert_eq!(pack.cfg, source().cfg);
    let deps: Vec<_> = pack
        .deps
        .iter()
        .map(|file| (file.path.as_str(), pack.dep(file)))
        .collect();
    assert_eq!(deps, [("a.bin", &[0, 1, 2][..]), ("x/y.sh", b"echo\n")]);
}

#[test]
fn the_code_digest_does_not_depend_on_what_is_packed_with_it() {
    let place = Place::new();
    let digest = |cfg: &str| {
        let mut source = source();
        source.cfg[0].text = cfg.to_owned();
        place.open(&place.pack(source)).unwrap().code_digest
    };
    assert_eq!(digest("a = 1\n"), digest("a = 2\n"));
    assert_eq!(digest(""), place.component().code_digest);
}

#[test]
fn every_truncated_pack_is_refused() {
    let place = Place::new();
    let bytes = place.pack(source());
    place.open(&bytes).unwrap();
    for end in 0..bytes.len() {
        let error = place.open(&bytes[..end]).unwrap_err();
        assert!(!error.to_string().is_empty(), "{end}");
    }
}

#[test]
fn sections_with_sly_names_are_refused() {
    let place = Place::new();
    for name in [
        "a.cfg\n        qemu_binary = /tmp/x",
        "../a.cfg",
        ".cfg",
        "",
        "a b",
        "\u{1b}[31m",
    ] {
        let told = place.refusal(&[(&format!("{CFG_SECTION}generic/{name}"), b"")]);
        assert!(
            told.contains("cannot be the name") && !told.contains(['\n', '\u{1b}']),
            "{told}"
        );
    }
    for name in ["../x", "/etc/passwd", "a/../../b", "a//b", "", "\u{1b}[31m"] {
        let told = place.refusal(&[(&format!("{DEPS_SECTION}{name}"), b"")]);
        assert!(
            told.contains("cannot be an auxiliary file") && !told.contains('\u{1b}'),
            "{told}"
        );
    }
    for twice in [MANIFEST_SECTION, SIGNATURE_SECTION, "vthost:cfg/qemu/a.cfg"] {
        let told = place.refusal(&[(twice, b""), (twice, b"")]);
        assert!(told.contains("two sections"), "{told}");
    }
    let mut sly = source();
    sly.cfg[0].name = "a\nb.cfg".to_owned();
    assert!(build(&place.component(), sly, &place.path("x")).is_err());
    for deps in [["a", "a"], ["a", "a/b"], ["a", "../b"]] {
        let mut sly = source();
        sly.deps = deps.map(|path| (path.to_owned(), Vec::new())).to_vec();
        assert!(
            build(&place.component(), sly, &place.path("x")).is_err(),
            "{deps:?}"
        );
    }
    assert!(!place.path("x").exists());
}

#[test]
fn a_manifest_that_lies_is_refused() {
    let place = Place::new();
    let bytes = place.pack(source());
    assert_eq!(with_manifest(&bytes, |_| {}), bytes, "nothing else changes");
    let refusal = |change: Change<'_>| {
        place
            .open(&with_manifest(&bytes, change))
            .unwrap_err()
            .to_string()
    };
    let lies: [(&str, Change<'_>); 12] = [
        ("its configuration is not", &|m| {
            m["cfg"] = serde_json::json!([]);
        }),
        ("its configuration is not", &|m| {
            m["cfg"][0]["size"] = 4_u64.pow(16).into();
        }),
        ("its auxiliary files is not", &|m| {
            m["deps"][0]["sha256"] = "0".into();
        }),
        ("its auxiliary files is not", &|m| {
            m["deps"].as_array_mut().unwrap().reverse();
        }),
        ("its code is not", &|m| m["code"] = "0".into()),
        ("grants that it asks for is not", &|m| {
            m["capabilities"] = serde_json::json!([]);
        }),
        ("the order of its tests", &|m| {
            m["tests"].as_array_mut().unwrap().reverse();
        }),
        ("two tests `a`", &|m| m["tests"][1]["name"] = "a".into()),
        ("cannot be the name of a test", &|m| {
            m["tests"][0]["name"] = "a:\n        qemu_binary = /tmp/x".into();
        }),
        ("`a b` cannot be the name of a pack", &|m| {
            m["name"] = "a b".into();
        }),
        ("needs a newer vthost", &|m| m["schema"] = 3.into()),
        ("build the pack again", &|m| m["schema"] = 1.into()),
    ];
    for (told, change) in lies {
        let refusal = refusal(change);
        assert!(
            refusal.contains(told) && !refusal.contains('\n'),
            "{told}: {refusal}"
        );
    }
    assert!(refusal(&|m| m["api"] = "vthost:pack@9.0.0".into()).contains("vthost:pack@9.0.0"));
    assert!(refusal(&|m| m["tests"] = 3.into()).contains("cannot be read"));
}

#[test]
fn what_is_claimed_is_not_believed() {
    let place = Place::new();
    let mut bytes = place.component().bytes().to_vec();
    // A custom section of 4 GiB less a byte, which is not there.
    bytes.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    bytes.extend(b"\x0fvthost:manifest{}");
    assert!(
        place
            .open(&bytes)
            .unwrap_err()
            .to_string()
            .contains("damaged")
    );
    // A name that is longer than its section.
    let mut bytes = place.component().bytes().to_vec();
    bytes.extend([0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(
        place
            .open(&bytes)
            .unwrap_err()
            .to_string()
            .contains("damaged")
    );
    let large = vec![b' '; MAX_MANIFEST_SIZE + 1];
    assert!(
        place
            .refusal(&[(MANIFEST_SECTION, &large)])
            .contains("a manifest of more than")
    );
    let large = vec![b' '; MAX_SIGNATURE_SIZE + 1];
    assert!(
        place
            .refusal(&[(SIGNATURE_SECTION, &large)])
            .contains("a signature of more than")
    );
    let names: Vec<_> = (0..=MAX_FILES)
        .map(|n| format!("{DEPS_SECTION}{n}"))
        .collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(place.refusal(&many).contains("more than 10000 files"));
    let huge = place.path("huge");
    let file = std::fs::File::create(&huge).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(
        Pack::open(&huge)
            .unwrap_err()
            .to_string()
            .contains("larger than a pack may be")
    );
}

#[test]
fn what_is_no_pack_is_refused_by_its_name() {
    let place = Place::new();
    let refused = |bytes: &[u8]| place.open(bytes).unwrap_err().to_string();
    assert!(refused(b"hello").contains("not a WebAssembly component"));
    assert!(refused(b"").contains("not a WebAssembly component"));
    assert!(refused(&wasm_encoder::Module::new().finish()).contains("core module"));
    assert!(refused(place.component().bytes()).contains("vthost pack build"));
    assert!(
        place
            .refusal(&[(MANIFEST_SECTION, b"{}")])
            .contains("manifest")
    );
    let mut named = source();
    named.name = "a b".to_owned();
    let error = build(&place.component(), named, &place.path("x")).unwrap_err();
    assert!(error.to_string().contains("`a b`"));
    let deep = "[".repeat(1 << 20);
    assert!(
        place
            .refusal(&[(MANIFEST_SECTION, deep.as_bytes())])
            .contains("manifest")
    );
}

#[test]
fn what_is_extracted_is_what_was_packed_and_nothing_is_overwritten() {
    let place = Place::new();
    let pack = place.open(&place.pack(source())).unwrap();
    let dir = place.path("out/dir");
    extract(&pack, &dir, true).unwrap();
    assert_eq!(std::fs::read(dir.join("deps/x/y.sh")).unwrap(), b"echo\n");
    assert_eq!(
        std::fs::read_to_string(dir.join("cfg/generic/tests.cfg")).unwrap(),
        source().cfg[0].text
    );
    assert_eq!(
        std::fs::read(dir.join("component.wasm")).unwrap(),
        place.component().bytes()
    );
    assert!(matches!(
        extract(&pack, &dir, false),
        Err(PackError::InTheWay { .. })
    ));
    assert_eq!(std::fs::read_dir(place.path("out")).unwrap().count(), 1);
}

proptest! {
    /// A pack with a byte changed is refused, or is a pack all the same; nothing panics.
    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), with in 1_u8..) {
        let place = Place::new();
        let mut bytes = place.pack(source());
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        if let Ok(pack) = place.open(&bytes) {
            // Only words that say nothing of the file can change unnoticed: what a signature is for.
            let whole = place.open(&place.pack(source())).unwrap();
            prop_assert_eq!(pack.code_digest, whole.code_digest);
            prop_assert_eq!(pack.cfg, whole.cfg);
            prop_assert_eq!(pack.manifest.deps, whole.manifest.deps);
        }
    }

    /// Whatever bytes follow the header: nothing panics.
    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let place = Place::new();
        let bytes = [&place.component().bytes()[..8], &noise[..]].concat();
        prop_assert!(place.open(&bytes).is_err());
    }
}
