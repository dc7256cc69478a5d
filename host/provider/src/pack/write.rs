//! Making a pack file of a component.

use std::path::Path;

use wasm_encoder::{ComponentSection, CustomSection};

use super::manifest::is_label;
use super::read::{check_cfg_name, sections_of};
use super::{
    API, CFG_SECTION, CfgFile, MANIFEST_SCHEMA, MANIFEST_SECTION, Manifest, PackError, TestInfo,
};

/// What a pack is made of.
#[derive(Debug, Clone)]
pub struct PackSource {
    /// The name of the pack.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its tests, as its own `tests` gave them.
    pub tests: Vec<TestInfo>,
    /// Its configuration files. Without any, every test is a variant of its own.
    pub cfg: Vec<CfgFile>,
}

/// Writes manifest and configuration into the component at `component` and the result to `output`, at once
/// or not at all. Sections of an earlier build are replaced.
///
/// # Errors
/// [`PackError`] if the component cannot be read or the pack not be written.
pub fn build(component: &Path, source: PackSource, output: &Path) -> Result<Manifest, PackError> {
    if !is_label(&source.name) {
        return Err(PackError::BadName { name: source.name });
    }
    for file in &source.cfg {
        check_cfg_name(&file.backend)?;
        check_cfg_name(&file.name)?;
    }
    let (bytes, sections) = sections_of(component)?;
    let mut tests = source.tests;
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = Manifest {
        schema: MANIFEST_SCHEMA,
        name: source.name,
        version: source.version,
        api: API.to_owned(),
        tests,
    };
    let json = serde_json::to_vec(&manifest).map_err(|source| PackError::BadManifest {
        path: component.to_owned(),
        source,
    })?;
    // The first eight bytes are the header of the component.
    let mut packed = bytes[..8].to_vec();
    append(&mut packed, MANIFEST_SECTION, &json);
    for file in &source.cfg {
        append(
            &mut packed,
            &format!("{CFG_SECTION}{}/{}", file.backend, file.name),
            file.text.as_bytes(),
        );
    }
    let mut kept = 8;
    for own in &sections.own {
        packed.extend_from_slice(&bytes[kept..own.start]);
        kept = own.end;
    }
    packed.extend_from_slice(&bytes[kept..]);
    write_whole(output, &packed)?;
    Ok(manifest)
}

fn append(packed: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection {
        name: name.into(),
        data: data.into(),
    }
    .append_to_component(packed);
}

fn write_whole(output: &Path, bytes: &[u8]) -> Result<(), PackError> {
    use std::io::Write;
    let io = |source| PackError::Io {
        what: "write",
        path: output.to_owned(),
        source,
    };
    let dir = output
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(io)?;
    // As readable as any file that a build makes: the umask has the last word.
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(dir)
        .map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.persist(output).map_err(|error| io(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pack;

    fn source(name: &str) -> PackSource {
        PackSource {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            tests: vec![
                TestInfo {
                    name: "b".to_owned(),
                    summary: "second".to_owned(),
                    tags: vec![],
                    needs: vec!["raw-qmp".to_owned()],
                },
                TestInfo {
                    name: "a".to_owned(),
                    summary: "first".to_owned(),
                    tags: vec!["smoke".to_owned()],
                    needs: vec![],
                },
            ],
            cfg: vec![CfgFile {
                backend: "generic".to_owned(),
                name: "tests.cfg".to_owned(),
                text: "variants:\n    - a:\n".to_owned(),
            }],
        }
    }

    fn empty_component() -> Vec<u8> {
        wasm_encoder::Component::new().finish()
    }

    #[test]
    fn what_is_written_is_read_and_a_second_build_replaces_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let component = dir.path().join("c.wasm");
        std::fs::write(&component, empty_component()).unwrap();
        let (once, twice) = (dir.path().join("1.wasm"), dir.path().join("2.wasm"));
        build(&component, source("tp-x"), &once).unwrap();
        build(&once, source("tp-x"), &twice).unwrap();
        assert_eq!(
            std::fs::read(&once).unwrap(),
            std::fs::read(&twice).unwrap()
        );
        let pack = Pack::open(&twice).unwrap();
        assert_eq!(pack.manifest.name, "tp-x");
        assert_eq!(pack.manifest.tests[0].name, "a");
        assert_eq!(pack.cfg, source("tp-x").cfg);
    }

    #[test]
    fn the_code_digest_does_not_depend_on_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let component = dir.path().join("c.wasm");
        std::fs::write(&component, empty_component()).unwrap();
        let digest = |cfg: &str| {
            let mut source = source("tp-x");
            source.cfg[0].text = cfg.to_owned();
            let output = dir.path().join("out.wasm");
            build(&component, source, &output).unwrap();
            Pack::open(&output).unwrap().code_digest
        };
        assert_eq!(digest("a = 1\n"), digest("a = 2\n"));
    }

    #[test]
    fn sections_with_sly_names_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wasm");
        let open = |sections: &[&str]| {
            let mut bytes = empty_component();
            for name in sections {
                append(&mut bytes, name, b"");
            }
            std::fs::write(&path, bytes).unwrap();
            Pack::open(&path).unwrap_err().to_string()
        };
        for name in [
            "a.cfg\n        qemu_binary = /tmp/x",
            "../a.cfg",
            ".cfg",
            "",
            "a b",
            "\u{1b}[31m",
        ] {
            let told = open(&[&format!("{CFG_SECTION}generic/{name}")]);
            assert!(
                told.contains("cannot be the name") && !told.contains(['\n', '\u{1b}']),
                "{told}"
            );
        }
        assert!(open(&["vthost:cfg/qemu/a.cfg", "vthost:cfg/qemu/a.cfg"]).contains("two sections"));
        assert!(open(&[MANIFEST_SECTION, MANIFEST_SECTION]).contains("two sections"));
        let mut sly = source("tp-x");
        sly.cfg[0].name = "a\nb.cfg".to_owned();
        assert!(build(&path, sly, &path).is_err());
    }

    #[test]
    fn what_is_no_pack_is_refused_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wasm");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Pack::open(&path).unwrap_err().to_string()
        };
        assert!(refused(b"hello").contains("not a WebAssembly component"));
        assert!(refused(&wasm_encoder::Module::new().finish()).contains("core module"));
        assert!(refused(&empty_component()).contains("vthost pack build"));
        let mut cut = empty_component();
        append(&mut cut, MANIFEST_SECTION, b"{}");
        assert!(refused(&cut).contains("manifest"));
        cut.truncate(cut.len() - 2);
        assert!(refused(&cut).contains("damaged"));
        let error = build(&path, source("a b"), &path).unwrap_err();
        assert!(error.to_string().contains("`a b`"));
    }
}
