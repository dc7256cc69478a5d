//! A component as a file: its outermost sections, read without compiling or executing it.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmparser::{ComponentTypeRef, Parser, Payload};

use super::names::{check_cfg_name, check_deps_path, hex};
use super::{
    CFG_SECTION, DEPS_SECTION, Limit, MANIFEST_SECTION, MAX_FILES, MAX_MANIFEST_SIZE,
    MAX_PACK_SIZE, MAX_SIGNATURE_SIZE, OWN_SECTIONS, PackError, SIGNATURE_SECTION,
};

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

/// An auxiliary file in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepFile {
    /// Its path below `/deps`: relative, with `/` between plain names.
    pub path: String,
    /// Where its bytes stand in the file of the pack.
    pub(super) range: Range<usize>,
}

/// A file that is a component, whether it is a pack already or not.
#[derive(Debug, Clone)]
pub struct Component {
    pub(super) path: PathBuf,
    pub(super) bytes: Arc<[u8]>,
    pub(super) cfg: Vec<CfgFile>,
    pub(super) deps: Vec<DepFile>,
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    pub(super) code_digest: String,
    pub(super) places: Places,
}

/// Where vthost's own sections stand in a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// The text of the manifest.
    pub(super) manifest: Option<Range<usize>>,
    /// The text of the signature.
    pub(super) signature: Option<Range<usize>>,
    /// The section of the signature, header and all.
    signature_section: Option<Range<usize>>,
    /// All sections, header and all, in order.
    own: Vec<Range<usize>>,
}

impl Places {
    /// The pieces of the file that are not vthost's own sections.
    pub(super) fn code<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        without(bytes, &self.own)
    }

    /// The pieces of the file that a signature is for: all but the signature.
    pub(super) fn signed<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        without(bytes, self.signature_section.as_slice())
    }
}

impl Component {
    /// Reads a file and splits it into its outermost sections.
    ///
    /// # Errors
    /// [`PackError`] if it cannot be read, is no component, or is damaged.
    pub fn read(path: &Path) -> Result<Self, PackError> {
        Self::split(path, &read(path)?)
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn split(path: &Path, bytes: &Arc<[u8]>) -> Result<Self, PackError> {
        let damaged = |source| PackError::Damaged {
            path: path.to_owned(),
            source,
        };
        let mut component = Self {
            path: path.to_owned(),
            bytes: Arc::clone(bytes),
            cfg: Vec::new(),
            deps: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            code_digest: String::new(),
            places: Places::default(),
        };
        let (mut offset, mut parser) = (0, Parser::new(0));
        // All bytes are there already, so the parser never asks for more.
        while let wasmparser::Chunk::Parsed { consumed, payload } =
            parser.parse(&bytes[offset..], true).map_err(damaged)?
        {
            let mut end = offset + consumed;
            match payload {
                Payload::CustomSection(section) if section.name().starts_with(OWN_SECTIONS) => {
                    // What a section claims to be is what there is: the parser refuses one that goes past the end.
                    let data = end - section.data().len()..end;
                    component.take(section.name(), data, offset..end)?;
                }
                Payload::ComponentImportSection(imports) => {
                    for import in imports {
                        let import = import.map_err(damaged)?;
                        // A type gives a pack nothing to call.
                        if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                            component.imports.push(import.name.name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(exports) => {
                    for export in exports {
                        let name = export.map_err(damaged)?.name.name;
                        component.exports.push(name.to_owned());
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
            offset = end;
        }
        let mut digest = Sha256::new();
        let code = component.places.code(bytes);
        code.for_each(|piece| digest.update(piece));
        component.code_digest = hex(&digest.finalize());
        Ok(component)
    }

    /// Takes a section of vthost's own. One that this version does not know is no part of the code, and not used.
    fn take(
        &mut self,
        name: &str,
        data: Range<usize>,
        section: Range<usize>,
    ) -> Result<(), PackError> {
        if name == MANIFEST_SECTION {
            self.bound(&data, MAX_MANIFEST_SIZE, Limit::Manifest)?;
            if self.places.manifest.replace(data).is_some() {
                return Err(self.twice(name));
            }
        } else if name == SIGNATURE_SECTION {
            self.bound(&data, MAX_SIGNATURE_SIZE, Limit::Signature)?;
            if self.places.signature.replace(data).is_some() {
                return Err(self.twice(name));
            }
            self.places.signature_section = Some(section.clone());
        } else if let Some(file) = name.strip_prefix(CFG_SECTION) {
            self.take_cfg(name, file, data)?;
        } else if let Some(file) = name.strip_prefix(DEPS_SECTION) {
            check_deps_path(file)?;
            self.deps.push(DepFile {
                path: file.to_owned(),
                range: data,
            });
        }
        if self.places.own.len() >= MAX_FILES {
            return Err(PackError::TooMuch {
                path: self.path.clone(),
                limit: Limit::Files,
            });
        }
        self.places.own.push(section);
        Ok(())
    }

    fn take_cfg(&mut self, name: &str, file: &str, data: Range<usize>) -> Result<(), PackError> {
        let (backend, file) = file.split_once('/').unwrap_or(("", file));
        check_cfg_name(backend)?;
        check_cfg_name(file)?;
        let same = |other: &CfgFile| other.backend == backend && other.name == file;
        if self.cfg.iter().any(same) {
            return Err(self.twice(name));
        }
        let text = std::str::from_utf8(&self.bytes[data]).map_err(|_| PackError::BadCfg {
            path: self.path.clone(),
            file: file.to_owned(),
        })?;
        self.cfg.push(CfgFile {
            backend: backend.to_owned(),
            name: file.to_owned(),
            text: text.to_owned(),
        });
        Ok(())
    }

    fn twice(&self, section: &str) -> PackError {
        PackError::Twice {
            path: self.path.clone(),
            section: section.escape_default().to_string(),
        }
    }

    fn bound(&self, data: &Range<usize>, most: usize, limit: Limit) -> Result<(), PackError> {
        if data.len() <= most {
            return Ok(());
        }
        Err(PackError::TooMuch {
            path: self.path.clone(),
            limit,
        })
    }
}

/// The bytes without these ranges, which are sorted.
fn without<'a>(bytes: &'a [u8], ranges: &'a [Range<usize>]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(ranges.iter().map(|range| range.end));
    let ends = ranges
        .iter()
        .map(|range| range.start)
        .chain(std::iter::once(bytes.len()));
    starts.zip(ends).map(|(start, end)| &bytes[start..end])
}

fn read(path: &Path) -> Result<Arc<[u8]>, PackError> {
    let io = |source| PackError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    };
    // To open a pipe would wait for somebody who writes to it.
    if !path.metadata().map_err(io)?.is_file() {
        return Err(io(std::io::Error::other("it is no regular file")));
    }
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
