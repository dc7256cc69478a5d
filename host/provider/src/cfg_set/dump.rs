//! The set as a directory of files, for other programs and for people.
//!
//! `subtests.cfg` and `guest-os.cfg` hold lines of other files, and such a line may include what lies beside the file that
//! it was taken from: in a pack, in a provider, in the operator's directory. Where the text stands alone, nothing lies
//! beside it, so what is meant stands in the place of the line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vthost_cartesian::{Loader, Source, normalize};

use super::loader::SetLoader;
use super::paste::indent_of;
use super::{CfgError, CfgFiles};

/// Includes inside of includes; the parser follows no more.
const MAX_DEPTH: usize = 32;
/// Includes in one file; the parser follows no more in a whole configuration.
const MAX_INCLUDES: usize = 4096;
/// A configuration has no more text, in bytes.
const MAX_TEXT: usize = 64 << 20;

/// Why the set is not written.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file of the set cannot be read.
    #[error(transparent)]
    File(#[from] CfgError),
    /// What is there would be lost.
    #[error("{} is not empty; name a new directory", .0.display())]
    NotEmpty(PathBuf),
    /// Whoever works in it would be left in a directory that is gone.
    #[error("{} is the current directory; name one below it", .0.display())]
    Current(PathBuf),
    /// Something cannot be written.
    #[error("cannot write {}", .path.display())]
    Io {
        /// What cannot be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl CfgFiles {
    /// Writes all files to a directory that is empty or not there yet, and says how many there are. The directory appears
    /// whole or not at all.
    ///
    /// # Errors
    /// [`DumpError`]; then the directory is as it was.
    pub fn dump(&self, dir: &Path) -> Result<usize, DumpError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DumpError::Io { path, source }
        };
        let absolute = std::path::absolute(dir).map_err(io(dir))?;
        let target = match fs::read_dir(&absolute).map(|entries| entries.count()) {
            // A link stays, and what it leads to is replaced.
            Ok(0) => absolute.canonicalize().map_err(io(dir))?,
            Ok(_) => return Err(DumpError::NotEmpty(dir.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => absolute,
            Err(error) => return Err(io(dir)(error)),
        };
        if std::env::current_dir().is_ok_and(|current| current == target) {
            return Err(DumpError::Current(dir.to_owned()));
        }
        let parent = target.parent().unwrap_or(&target);
        fs::create_dir_all(parent).map_err(io(parent))?;
        let aside = tempfile::Builder::new()
            .prefix(".vthost-dump-")
            .tempdir_in(parent)
            .map_err(io(parent))?;
        let set = aside.path().join("set");
        let names = self.names()?;
        for name in &names {
            let path = set.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&set)).map_err(io(&path))?;
            fs::write(&path, self.alone(name)?).map_err(io(&path))?;
        }
        fs::rename(&set, &target).map_err(io(dir))?;
        Ok(names.len())
    }

    /// The text of a file for a directory with all files of [`names`](Self::names): what it includes is one of them, or
    /// stands in it. A line that includes what is not there stays, for whoever parses it to tell.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    fn alone(&self, name: &str) -> Result<String, CfgError> {
        let mut writer = Writer {
            files: self,
            text: String::new(),
            includes: 0,
        };
        writer.write(&self.source(name)?, 0, 0);
        Ok(writer.text)
    }
}

/// A file in the making.
struct Writer<'a> {
    files: &'a CfgFiles,
    text: String,
    includes: usize,
}

impl Writer<'_> {
    fn write(&mut self, source: &Source, indent: usize, depth: usize) {
        let text = normalize(source.text.clone());
        let mut parts = source.parts.iter().peekable();
        let mut from = source.name.as_str();
        for (number, line) in (1..).zip(text.lines()) {
            while let Some(part) = parts.next_if(|part| part.line <= number) {
                from = &part.name;
            }
            let goes_on =
                depth < MAX_DEPTH && self.includes < MAX_INCLUDES && self.text.len() < MAX_TEXT;
            match goes_on.then(|| self.beside(from, line)).flatten() {
                Some(source) => {
                    self.includes += 1;
                    self.write(&source, indent + indent_of(line), depth + 1);
                }
                None => {
                    self.text.extend(std::iter::repeat_n(' ', indent));
                    self.text.push_str(line);
                    self.text.push('\n');
                }
            }
        }
    }

    /// What a line includes, unless that is the file of the set that everybody gets by this name.
    fn beside(&self, from: &str, line: &str) -> Option<Source> {
        let path = line.trim_start().strip_prefix("include ")?.trim();
        let source = SetLoader(self.files).load(from, path).ok()?;
        let of_the_set = self
            .files
            .source(path)
            .is_ok_and(|of| of.name == source.name);
        (!of_the_set).then_some(source)
    }
}

#[cfg(test)]
mod tests {
    use vthost_cartesian::{Config, NoIncludes, OriginKind};

    use super::*;
    use crate::{Dirs, Provider};

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_lies_beside_a_providers_file_stands_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let tests = dir.path().join("tp/qemu/tests");
        let test = "- boot:\n    type = boot\n    variants:\n        - a:\n            include more/a.inc\n        - b:\n";
        write(&tests.join("boot.cfg"), test);
        write(&tests.join("more/a.inc"), "x = 1\ninclude b.inc\n");
        write(&tests.join("more/b.inc"), "y = 2\n");
        let provider = Provider::open_dir(&dir.path().join("tp")).unwrap();
        let files = CfgFiles::shipped(&[provider], "qemu");
        let text = files.alone("subtests.cfg").unwrap();
        let source = Source::new("subtests.cfg", text);
        let config = Config::parse(source, OriginKind::Default, &NoIncludes).unwrap();
        let variants: Vec<_> = config.variants().map(Result::unwrap).collect();
        assert_eq!(variants.len(), 2);
        assert_eq!(variants[0].get("x"), Some("1"));
        assert_eq!(variants[0].get("y"), Some("2"));
        assert_eq!(variants[1].get("x"), None);
    }

    #[test]
    fn nothing_is_replaced_and_nothing_is_half_there() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(dir.path());
        let files = CfgFiles::new(&dirs, &[], "qemu");
        let full = dir.path().join("full");
        write(&full.join("mine"), "mine");
        let error = files.dump(&full).unwrap_err();
        assert!(matches!(error, DumpError::NotEmpty(_)), "{error}");
        let error = files.dump(&full.join("mine")).unwrap_err();
        assert!(matches!(error, DumpError::Io { .. }), "{error}");
        // The last file of the set cannot be read.
        write(&dirs.cfg().join("zzz.cfg"), "");
        fs::write(dirs.cfg().join("zzz.cfg"), [0xff]).unwrap();
        let new = dir.path().join("a/new");
        let error = files.dump(&new).unwrap_err();
        assert!(matches!(error, DumpError::File(_)), "{error}");
        let left = fs::read_dir(dir.path().join("a")).unwrap().count();
        assert_eq!(left, 0);
        fs::write(dirs.cfg().join("zzz.cfg"), "z = 1\n").unwrap();
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let count = files.dump(&empty).unwrap();
        assert_eq!(count, files.names().unwrap().len());
        let shared = fs::read_to_string(empty.join("tests-shared.cfg")).unwrap();
        assert_eq!(shared, files.source("tests-shared.cfg").unwrap().text);
    }

    #[test]
    fn files_of_the_set_stay_includes_and_a_circle_ends() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(dir.path());
        write(&dirs.cfg().join("base.cfg"), "include round.inc\n");
        write(&dirs.cfg().join("round.inc"), "include round.inc\n");
        // Each of these includes the next one twice.
        let doubled = |at: usize| format!("include d{0}.inc\ninclude d{0}.inc\n", at + 1);
        for at in 0..40 {
            write(&dirs.cfg().join(format!("d{at}.inc")), &doubled(at));
        }
        write(&dirs.cfg().join("machines.cfg"), "include d0.inc\n");
        let files = CfgFiles::new(&dirs, &[], "qemu");
        let text = files.alone("machines.cfg").unwrap();
        assert!(text.lines().count() <= 2 * MAX_INCLUDES, "{}", text.len());
        let root = files.alone("tests.cfg").unwrap();
        assert!(root.contains("\ninclude tests-shared.cfg\n"), "{root}");
        assert_eq!(files.alone("base.cfg").unwrap(), "include round.inc\n");
    }
}
