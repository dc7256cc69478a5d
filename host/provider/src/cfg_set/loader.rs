//! Where the texts of includes come from.

use std::path::Path;

use vthost_cartesian::{LoadError, Loader, OriginKind, Source};

use super::CfgError;
use super::files::{CfgFiles, read};
use super::tests::pack_file;
use crate::layout::inside;
use crate::provider::Source as Kind;
use crate::{Pack, Provider};

/// The name of what a job parses, where nothing else is asked for.
pub(super) const ROOT: &str = "tests.cfg";

/// Files of the set by their names; files of packs as `<provider>:<backend>/<file>`; others by their paths.
pub(super) struct SetLoader<'a>(pub(super) &'a CfgFiles);

impl SetLoader<'_> {
    /// The pack whose file has that name, and its backend.
    fn pack<'n>(&self, name: &'n str) -> Option<(&Provider, &Pack, &'n str)> {
        let (provider, file) = name.split_once(':')?;
        let (backend, _) = file.split_once('/')?;
        let provider = self.0.providers().iter().find(|p| p.name == provider)?;
        match &provider.source {
            Kind::Pack(pack) => Some((provider, pack, backend)),
            Kind::Directory | Kind::Git { .. } => None,
        }
    }

    /// The provider that a path lies in.
    fn provider(&self, path: &str) -> Option<&Provider> {
        self.0.providers().iter().find(|provider| {
            !matches!(provider.source, Kind::Pack(_)) && Path::new(path).starts_with(&provider.root)
        })
    }
}

impl Loader for SetLoader<'_> {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        if let Some((provider, pack, backend)) = self.pack(from) {
            // A pack sees its own files and nothing else.
            let file = pack
                .cfg
                .iter()
                .find(|file| file.backend == backend && file.name == path)
                .ok_or_else(|| {
                    LoadError::new(format!("the pack {} has no file `{path}`", provider.name))
                })?;
            let name = pack_file(&provider.name, backend, path);
            return Ok(Source::new(name, &file.text));
        }
        let directory = Path::new(from).parent().unwrap_or(Path::new(""));
        if let Some(provider) = self.provider(from) {
            let path = inside(&provider.root, &directory.join(path)).map_err(CfgError::from)?;
            return Ok(Source::new(path.display().to_string(), read(&path)?));
        }
        // The operator's own files, wherever they are; then the set.
        let near = directory.join(home(path));
        if Path::new(from).is_absolute() && near.is_file() {
            // By its real name, so that a file of a provider is known as one.
            let near = near.canonicalize().unwrap_or(near);
            return Ok(Source::new(near.display().to_string(), read(&near)?));
        }
        Ok(self.0.source(path)?)
    }

    fn kind(&self, name: &str) -> Option<OriginKind> {
        if let Some(provider) = self.provider(name) {
            return Some(OriginKind::Provider(provider.name.clone()));
        }
        if let Some((provider, ..)) = self.pack(name) {
            return Some(OriginKind::Provider(provider.name.clone()));
        }
        // Files of the set have names without a directory of this machine.
        Some(match Path::new(name).is_absolute() {
            true => OriginKind::Operator,
            false => OriginKind::Default,
        })
    }
}

/// A path with a leading `~` in full.
fn home(path: &str) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}
