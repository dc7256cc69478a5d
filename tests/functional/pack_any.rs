//! Packs of a component that no SDK of vthost made: of any language, here the text form of WebAssembly.

use std::path::Path;

use vthost_metadata::Status;
use vthost_tests::{output, vthost};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A core module for the world of packs, as a compiler would make it: one test, which logs a line.
const MODULE: &str = r#"(module
  (import "vthost:core/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  (import "vthost:core/params@0.1.0" "[resource-drop]params" (func $drop (param i32)))
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $top
      (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get 3))))
  (data (i32.const 0) "by_hand")
  (data (i32.const 16) "was written by hand")
  ;; The record of the test: name, summary, no tags, no needs.
  (data (i32.const 64) "\00\00\00\00\07\00\00\00\10\00\00\00\13\00\00\00")
  ;; The list of tests.
  (data (i32.const 128) "\40\00\00\00\01\00\00\00")
  (func (export "tests") (result i32) (i32.const 128))
  (func (export "run") (param i32 i32 i32) (result i32)
    (call $write (i32.const 1) (i32.const 16) (i32.const 19))
    (call $drop (local.get 2))
    ;; Zero is `ok`.
    (i32.const 192)))"#;

/// Makes a component of the module.
fn component() -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut resolve = Resolve::default();
    let mut package = None;
    for name in ["core", "guest", "vm", "host", "pack"] {
        package = Some(resolve.push_dir(wit.join(name)).unwrap().0);
    }
    let world = resolve
        .select_world(&[package.unwrap()], Some("pack"))
        .unwrap();
    let mut module = wat::parse_str(MODULE).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

#[test]
fn a_component_of_any_language_becomes_a_pack() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("component.wasm"), component()).unwrap();
    std::fs::create_dir_all(path("cfg/qemu")).unwrap();
    std::fs::create_dir_all(path("deps/sub")).unwrap();
    std::fs::write(path("deps/sub/note"), "a note").unwrap();
    let variants =
        "variants:\n    - by_hand:\n        type = by_hand\n        vms =\n        main_vm =\n";
    std::fs::write(path("cfg/tests.cfg"), variants).unwrap();
    let toml = "name = \"tp-text\"\nversion = \"3.1\"\ncomponent = \"component.wasm\"\n\
                [limits]\nmemory-mib = 1\n[capabilities]\nraw-qmp = \"to be asked about\"\n";
    std::fs::write(path("pack.toml"), toml).unwrap();

    let built = output(vthost().args(["pack", "build"]).arg(dir.path()));
    assert_eq!(built.code, 0, "{}", built.stderr);
    let pack = path("tp-text.wasm");
    assert!(
        built
            .stderr
            .contains("Packed tp-text 3.1 (1 test, 2 files) to"),
        "{}",
        built.stderr
    );
    let again = output(vthost().args(["pack", "build"]).arg(dir.path()));
    assert_eq!(again.code, 0, "{}", again.stderr);

    let inspected = output(vthost().args(["pack", "inspect"]).arg(&pack));
    for part in [
        "tp-text 3.1",
        "generic/tests.cfg",
        "/deps/sub/note (6 bytes",
        "--grant raw-qmp: to be asked about",
        "memory: 1048576 bytes",
        "vthost:core/log@0.1.0",
        "was written by hand",
    ] {
        assert!(
            inspected.stdout.contains(part),
            "{part}: {}",
            inspected.stdout
        );
    }

    let out = path("out");
    let mut extract = vthost();
    extract
        .args(["pack", "extract", "--component"])
        .arg(&pack)
        .arg(&out);
    assert_eq!(output(&mut extract).code, 0);
    assert_eq!(
        std::fs::read(out.join("component.wasm")).unwrap(),
        component()
    );
    assert_eq!(std::fs::read(out.join("deps/sub/note")).unwrap(), b"a note");
    let full = output(&mut extract);
    assert!(
        full.code == 2 && full.stderr.contains("is there already"),
        "{}",
        full.stderr
    );

    let mut run = vthost();
    run.args(["run", "--json", "--results"])
        .arg(path("results"));
    let ran = output(run.arg("--provider").arg(&pack));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let status = format!(
        "\"status\":{}",
        serde_json::to_string(&Status::Pass).unwrap()
    );
    assert!(
        ran.stdout.contains(&status) && ran.stdout.contains("was written by hand"),
        "{}",
        ran.stdout
    );
}
