//! The names of files that a pack gives to the host: what it sees as `/data` and `/deps`.

use std::path::{Component, Path, PathBuf};

/// Why a name is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It is in no directory that the pack has.
    #[error("`{name}` is neither below /data nor, to read, below /deps")]
    Elsewhere {
        /// The name.
        name: String,
    },
    /// A part of it leads out of the directory, or there is nothing.
    #[error("`{name}` cannot be used: {reason}")]
    Unusable {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Where the directories of a pack are on the host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Local {
    data: Option<PathBuf>,
    deps: Option<PathBuf>,
}

impl Local {
    pub(crate) fn new(data: Option<&Path>, deps: Option<&Path>) -> Self {
        let owned = |dir: Option<&Path>| dir.map(Path::to_owned);
        Self {
            data: owned(data),
            deps: owned(deps),
        }
    }

    /// Where a file is that is read; its last part may be a pattern.
    pub(crate) fn to_read(&self, name: &str) -> Result<PathBuf, Refused> {
        self.resolve(name, true)
    }

    /// Where a file is that is written.
    pub(crate) fn to_write(&self, name: &str) -> Result<PathBuf, Refused> {
        self.resolve(name, false)
    }

    /// The directory that the name is in must be there, and inside, whatever links the pack has made: nothing of the pack
    /// runs while a call of it does. The last part stays as it is; who uses it follows no link.
    fn resolve(&self, name: &str, read: bool) -> Result<PathBuf, Refused> {
        let elsewhere = || Refused::Elsewhere {
            name: name.to_owned(),
        };
        let below = |root: &str| {
            let rest = name.strip_prefix(root)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
        };
        let (root, rest) = match (below("/data"), below("/deps")) {
            (Some(rest), _) => (self.data.as_deref(), rest),
            (None, Some(rest)) if read => (self.deps.as_deref(), rest),
            _ => return Err(elsewhere()),
        };
        let root = root.ok_or_else(elsewhere)?;
        let unusable = |reason: String| Refused::Unusable {
            name: name.to_owned(),
            reason,
        };
        let rest = Path::new(rest.trim_end_matches('/'));
        if rest
            .components()
            .any(|part| !matches!(part, Component::Normal(_)))
        {
            return Err(unusable("it has `.` or `..` in it".to_owned()));
        }
        let Some(last) = rest.file_name() else {
            return Ok(root.to_owned());
        };
        let dir = rest.parent().unwrap_or_else(|| Path::new(""));
        let real = |dir: &Path| {
            dir.canonicalize()
                .map_err(|error| unusable(error.to_string()))
        };
        let (top, dir) = (real(root)?, real(&root.join(dir))?);
        if !dir.starts_with(&top) {
            return Err(unusable(
                "a link in it leads out of the directory".to_owned(),
            ));
        }
        Ok(dir.join(last))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_name_stays_inside() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let (data, deps) = (top.join("data"), top.join("deps"));
        fs::create_dir_all(data.join("a/b")).unwrap();
        fs::create_dir(&deps).unwrap();
        symlink("../..", data.join("a/up")).unwrap();
        symlink("b", data.join("a/inside")).unwrap();
        let local = Local::new(Some(&data), Some(&deps));
        let read = |name: &str| local.to_read(name).ok();
        assert_eq!(read("/data"), Some(data.clone()));
        assert_eq!(read("/data/a/b/new.txt"), Some(data.join("a/b/new.txt")));
        assert_eq!(read("/data/a/inside/x*"), Some(data.join("a/b/x*")));
        assert_eq!(read("/deps/tool/"), Some(deps.join("tool")));
        for bad in [
            "",
            "data/x",
            "/etc/passwd",
            "/database",
            "/data/../deps/x",
            "/data/a/up/x",
            "/data/none/x",
            "/data/./x",
        ] {
            let told = local.to_read(bad);
            assert!(told.is_err() || bad == "/data/./x", "{bad}: {told:?}");
        }
        assert!(matches!(
            local.to_write("/deps/x"),
            Err(Refused::Elsewhere { .. })
        ));
        assert!(local.to_write("/data/x").is_ok());
        assert!(Local::default().to_read("/data/x").is_err());
    }
}
