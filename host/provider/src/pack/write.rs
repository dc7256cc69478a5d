//! Making a pack file of a component.

use std::path::Path;

use wasm_encoder::{ComponentSection, CustomSection};

use super::check::{capabilities, check_name, check_tests, check_tree, dep_entry, index_cfg};
use super::names::{check_cfg_name, check_deps_path};
use super::{
    API, CFG_SECTION, Capability, CfgFile, Component, DEPS_SECTION, DepFile, Limit,
    MANIFEST_SCHEMA, MANIFEST_SECTION, MAX_FILES, MAX_MANIFEST_SIZE, MAX_PACK_SIZE, Manifest,
    PackError, PackLimits, TestInfo,
};

/// The bytes of the header of a component.
const HEADER: usize = 8;

/// What a pack is made of.
#[derive(Debug, Clone, Default)]
pub struct PackSource {
    /// The name of the pack.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its tests, as its own `tests` gave them.
    pub tests: Vec<TestInfo>,
    /// The grants that its author declared. The ones that its imports and tests need are added.
    pub capabilities: Vec<Capability>,
    /// What its tests get by with.
    pub limits: PackLimits,
    /// Its configuration files. Without any, every test is a variant of its own.
    pub cfg: Vec<CfgFile>,
    /// Its auxiliary files: their paths below `/deps`, and their bytes.
    pub deps: Vec<(String, Vec<u8>)>,
}

/// Makes a pack of a component and writes it to `output`, at once or not at all. Sections of an earlier build are
/// replaced, and a signature is left out: it was for something else.
///
/// # Errors
/// [`PackError`] if what it is made of cannot be in a pack, or the pack not be written.
pub fn build(
    component: &Component,
    source: PackSource,
    output: &Path,
) -> Result<Manifest, PackError> {
    let mut source = source;
    source.tests.sort_by(|a, b| a.name.cmp(&b.name));
    source.deps.sort_by(|a, b| a.0.cmp(&b.0));
    check(&source, output)?;
    let mut manifest = Manifest {
        schema: MANIFEST_SCHEMA,
        name: source.name,
        version: source.version,
        api: API.to_owned(),
        code: component.code_digest.clone(),
        tests: source.tests,
        capabilities: source.capabilities,
        limits: source.limits,
        cfg: index_cfg(&source.cfg),
        deps: source
            .deps
            .iter()
            .map(|(path, bytes)| dep_entry(path, bytes))
            .collect(),
    };
    manifest.capabilities = capabilities(&component.imports, &manifest);
    let json = serde_json::to_vec(&manifest).map_err(|source| PackError::BadManifest {
        path: component.path.clone(),
        source,
    })?;
    if json.len() > MAX_MANIFEST_SIZE {
        return Err(too_much(output, Limit::Manifest));
    }
    let code: Vec<u8> = component
        .places
        .code(&component.bytes)
        .collect::<Vec<_>>()
        .concat();
    let mut packed = code[..HEADER].to_vec();
    append(&mut packed, MANIFEST_SECTION, &json);
    for file in &source.cfg {
        let name = format!("{CFG_SECTION}{}/{}", file.backend, file.name);
        append(&mut packed, &name, file.text.as_bytes());
    }
    for (path, bytes) in &source.deps {
        append(&mut packed, &format!("{DEPS_SECTION}{path}"), bytes);
    }
    packed.extend_from_slice(&code[HEADER..]);
    if packed.len() as u64 > MAX_PACK_SIZE {
        return Err(PackError::TooLarge {
            path: output.to_owned(),
            limit: MAX_PACK_SIZE,
        });
    }
    write_whole(output, &packed)?;
    Ok(manifest)
}

/// What no reader would take is not written.
fn check(source: &PackSource, output: &Path) -> Result<(), PackError> {
    check_name(&source.name)?;
    check_tests(output, &source.tests)?;
    for file in &source.cfg {
        check_cfg_name(&file.backend)?;
        check_cfg_name(&file.name)?;
    }
    for (path, _) in &source.deps {
        check_deps_path(path)?;
    }
    let tree: Vec<DepFile> = source
        .deps
        .iter()
        .map(|(path, _)| DepFile {
            path: path.clone(),
            range: 0..0,
        })
        .collect();
    check_tree(output, &tree)?;
    // The manifest and a signature are sections, too.
    if source.cfg.len() + source.deps.len() + 2 > MAX_FILES {
        return Err(too_much(output, Limit::Files));
    }
    Ok(())
}

fn too_much(path: &Path, limit: Limit) -> PackError {
    PackError::TooMuch {
        path: path.to_owned(),
        limit,
    }
}

/// Appends a custom section to a component.
pub(super) fn append(packed: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection {
        name: name.into(),
        data: data.into(),
    }
    .append_to_component(packed);
}

/// Writes a directory at once or not at all: `fill` is given one that takes the place of `dir` afterwards, which must be
/// empty or not there.
pub(super) fn write_dir(
    dir: &Path,
    fill: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), PackError> {
    let io = |source| PackError::Io {
        what: "write",
        path: dir.to_owned(),
        source,
    };
    // Renaming takes the place of an empty directory and of nothing else; this only says so before the work.
    let is_full = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if is_full || (dir.symlink_metadata().is_ok() && !dir.is_dir()) {
        return Err(PackError::InTheWay {
            path: dir.to_owned(),
        });
    }
    let parent = parent(dir);
    std::fs::create_dir_all(parent).map_err(io)?;
    let draft = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(io)?;
    fill(draft.path()).map_err(io)?;
    std::fs::rename(draft.path(), dir).map_err(io)?;
    // It is the result now.
    let _ = draft.keep();
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes a file at once or not at all.
pub(super) fn write_whole(output: &Path, bytes: &[u8]) -> Result<(), PackError> {
    use std::io::Write;
    let io = |source| PackError::Io {
        what: "write",
        path: output.to_owned(),
        source,
    };
    let dir = parent(output);
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
