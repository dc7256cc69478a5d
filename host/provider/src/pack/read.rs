//! Reading a pack file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmparser::{ComponentTypeRef, Parser, Payload};

use super::{
    API, CFG_SECTION, MANIFEST_SECTION, MAX_PACK_SIZE, Manifest, OWN_SECTIONS, PackError,
    manifest::is_label,
};

/// The name of a configuration file is at most this long, in bytes.
const MAX_CFG_NAME: usize = 100;

/// A configuration file in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CfgFile {
    /// The backend that it is for: `generic`, `qemu`, ...
    pub backend: String,
    /// Its name: `tests.cfg`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A pack that was read, not executed.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The file it came from.
    pub path: PathBuf,
    /// What it says about itself.
    pub manifest: Manifest,
    /// Its configuration, in the order of the file.
    pub cfg: Vec<CfgFile>,
    /// The interfaces that it imports, with their versions.
    pub imports: Vec<String>,
    /// The SHA-256 of everything but vthost's own sections, in hexadecimal: a change of configuration or
    /// manifest does not change the code.
    pub code_digest: String,
    /// The whole file.
    pub bytes: Arc<[u8]>,
}

impl Pack {
    /// Reads a pack file.
    ///
    /// # Errors
    /// [`PackError`] if it is no pack, or none that this version can run.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let (bytes, sections) = sections_of(path)?;
        let manifest = sections.manifest.ok_or_else(|| PackError::NoManifest {
            path: path.to_owned(),
        })?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|source| PackError::BadManifest {
                path: path.to_owned(),
                source,
            })?;
        if manifest.api != API {
            return Err(PackError::OtherApi {
                path: path.to_owned(),
                api: manifest.api,
            });
        }
        if !is_label(&manifest.name) {
            return Err(PackError::BadName {
                name: manifest.name,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
            cfg: sections.cfg,
            imports: sections.imports,
            code_digest: sections.code_digest,
            bytes,
        })
    }
}

/// Reads a file that is a component, whether it is a pack already or not.
///
/// # Errors
/// [`PackError`] if it cannot be read, is no component, or is damaged.
pub fn read_component(path: &Path) -> Result<Arc<[u8]>, PackError> {
    sections_of(path).map(|(bytes, _)| bytes)
}

/// What is in a component, as far as vthost looks without compiling it.
pub(super) struct Sections {
    manifest: Option<Vec<u8>>,
    cfg: Vec<CfgFile>,
    imports: Vec<String>,
    code_digest: String,
    /// The ranges of vthost's own sections, header and all.
    pub(super) own: Vec<std::ops::Range<usize>>,
}

/// Reads a file and splits it into its outermost sections.
pub(super) fn sections_of(path: &Path) -> Result<(Arc<[u8]>, Sections), PackError> {
    let bytes = read(path)?;
    let sections = split(path, &bytes)?;
    Ok((bytes, sections))
}

fn read(path: &Path) -> Result<Arc<[u8]>, PackError> {
    let io = |source| PackError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(io)?
        .take(MAX_PACK_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > MAX_PACK_SIZE {
        return Err(PackError::TooLarge {
            path: path.to_owned(),
            limit: MAX_PACK_SIZE,
        });
    }
    if !Parser::is_component(&bytes) {
        return Err(PackError::NotAComponent {
            path: path.to_owned(),
            module: Parser::is_core_wasm(&bytes),
        });
    }
    Ok(bytes.into())
}

fn split(path: &Path, bytes: &[u8]) -> Result<Sections, PackError> {
    let damaged = |source| PackError::Damaged {
        path: path.to_owned(),
        source,
    };
    let mut sections = Sections {
        manifest: None,
        cfg: Vec::new(),
        imports: Vec::new(),
        code_digest: String::new(),
        own: Vec::new(),
    };
    let mut digest = Sha256::new();
    let (mut offset, mut parser) = (0, Parser::new(0));
    loop {
        let rest = &bytes[offset..];
        let (consumed, payload) = match parser.parse(rest, true).map_err(damaged)? {
            wasmparser::Chunk::Parsed { consumed, payload } => (consumed, payload),
            // All bytes are there already, so the parser never asks for more.
            wasmparser::Chunk::NeedMoreData(_) => break,
        };
        let mut end = offset + consumed;
        let mut own = false;
        match payload {
            Payload::CustomSection(section) if section.name().starts_with(OWN_SECTIONS) => {
                own = true;
                sections.own.push(offset..end);
                sections.take(path, section.name(), section.data())?;
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    let import = import.map_err(damaged)?;
                    // A type gives a pack nothing to call.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        sections.imports.push(import.name.name.to_owned());
                    }
                }
            }
            // A nested module or component is not entered: its range is skipped as a whole.
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                end = unchecked_range.end;
                if end > bytes.len() {
                    return Err(PackError::Cut {
                        path: path.to_owned(),
                    });
                }
            }
            Payload::End(_) => break,
            _ => {}
        }
        if !own {
            digest.update(&bytes[offset..end]);
        }
        offset = end;
    }
    sections.code_digest = hex(&digest.finalize());
    Ok(sections)
}

impl Sections {
    fn take(&mut self, path: &Path, name: &str, data: &[u8]) -> Result<(), PackError> {
        let twice = || PackError::Twice {
            path: path.to_owned(),
            section: name.escape_default().to_string(),
        };
        if name == MANIFEST_SECTION {
            if self.manifest.replace(data.to_vec()).is_some() {
                return Err(twice());
            }
        } else if let Some(file) = name.strip_prefix(CFG_SECTION) {
            let (backend, file) = file.split_once('/').unwrap_or(("", file));
            check_cfg_name(backend)?;
            check_cfg_name(file)?;
            let same = |other: &CfgFile| other.backend == backend && other.name == file;
            if self.cfg.iter().any(same) {
                return Err(twice());
            }
            let text = std::str::from_utf8(data).map_err(|_| PackError::BadCfg {
                path: path.to_owned(),
                file: file.to_owned(),
            })?;
            self.cfg.push(CfgFile {
                backend: backend.to_owned(),
                name: file.to_owned(),
                text: text.to_owned(),
            });
        }
        Ok(())
    }
}

/// Checks the name of a configuration file. It is written into the text that a job parses, and shown as the origin of
/// values, so it is a plain word: a line feed in it would be a line of configuration that nobody wrote.
pub(super) fn check_cfg_name(name: &str) -> Result<(), PackError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=MAX_CFG_NAME).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.')
    {
        return Ok(());
    }
    Err(PackError::BadCfgName {
        name: name.escape_default().to_string(),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
