//! Files of a job.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use crate::{BoxError, ReportError, text};

/// Writes the whole file aside and puts it in its place at once: a reader never sees half a report.
pub(crate) fn replace(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), BoxError>,
) -> Result<(), ReportError> {
    let write = || -> Result<(), BoxError> {
        let aside = tempfile::Builder::new()
            .prefix(".vthost-")
            // Less the umask, like every other file of the job.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
        let mut out = BufWriter::new(aside);
        fill(&mut out)?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .persist(path)?;
        Ok(())
    };
    write().map_err(ReportError::write(path))
}

/// Makes a log anew. A pack may leave anything in the directory of its test: a link is not followed.
pub(crate) fn create_log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)
}

/// The directory of a test, below the job's.
pub(crate) fn test_dir(job_dir: &Path, number: usize, dir: &str) -> Result<PathBuf, ReportError> {
    let inside = !dir.contains('\0')
        && Path::new(dir).file_name().is_some()
        && Path::new(dir)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if inside {
        Ok(job_dir.join(dir))
    } else {
        Err(ReportError::OutsideJob {
            number,
            dir: text::line(dir),
        })
    }
}

/// At most `head` bytes from the begin of a file and `tail` bytes from its end, made safe to show.
pub(crate) fn excerpt(path: &Path, head: usize, tail: usize) -> io::Result<String> {
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= (head + tail) as u64 {
        // Limited all the same: the file may still grow.
        file.take((head + tail) as u64).read_to_end(&mut bytes)?;
        return Ok(text::block(&String::from_utf8_lossy(&bytes)));
    }
    (&mut file).take(head as u64).read_to_end(&mut bytes)?;
    let begin = text::block(&String::from_utf8_lossy(&bytes));
    bytes.clear();
    file.seek(SeekFrom::Start(size - tail as u64))?;
    file.take(tail as u64).read_to_end(&mut bytes)?;
    let end = String::from_utf8_lossy(&bytes);
    // A line that is cut is better left out.
    let end = end.split_once('\n').map_or(&*end, |(_, rest)| rest);
    Ok(format!(
        "{begin}\n--[ {} bytes cut ]--\n{}",
        size - (head + tail) as u64,
        text::block(end)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_replaced_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.tap");
        replace(&path, |out| Ok(out.write_all(b"old")?)).unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"half")?;
            Err("no more".into())
        });
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .starts_with("cannot write /")
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_test_stays_in_its_job() {
        let job = Path::new("/job");
        assert_eq!(
            test_dir(job, 1, "test-results/1-a").unwrap(),
            Path::new("/job/test-results/1-a")
        );
        for dir in ["", ".", "..", "/etc", "a/../../b", "./a", "a\0b"] {
            assert!(test_dir(job, 1, dir).is_err(), "{dir}");
        }
    }

    #[test]
    fn an_excerpt_is_bounded_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("debug.log");
        std::fs::write(&path, "first\nsecond\nthird\nfourth\n").unwrap();
        assert_eq!(
            excerpt(&path, 50, 50).unwrap(),
            "first\nsecond\nthird\nfourth\n"
        );
        assert_eq!(
            excerpt(&path, 5, 10).unwrap(),
            "first\n--[ 11 bytes cut ]--\nfourth\n"
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(excerpt(&link, 50, 50).is_err());
        assert!(create_log(&link).is_err());
    }
}
