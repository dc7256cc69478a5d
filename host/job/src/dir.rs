//! The directory of a job.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::JobError;

/// The longest name of a test's directory, in bytes.
const MAX_NAME: usize = 200;

/// The directory of a job, `job-<time>-<id>`, and the id.
#[derive(Debug, Clone)]
pub struct JobDir {
    /// Forty hexadecimal digits.
    pub id: String,
    /// The directory.
    pub path: PathBuf,
}

impl JobDir {
    /// Makes the directory of a new job below `results` and points the link `latest` to it.
    ///
    /// # Errors
    /// [`JobError`] if the directory cannot be made.
    pub fn create(results: &Path) -> Result<Self, JobError> {
        let mut bytes = [0; 20];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| JobError::Id(error.into()))?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let time = jiff::Zoned::now().strftime("%Y-%m-%dT%H.%M");
        let name = format!("job-{time}-{}", &id[..7]);
        let path = results.join(&name);
        let failed = |path: &Path, source| JobError::Results {
            path: path.to_owned(),
            source,
        };
        let tests = path.join("test-results");
        fs::create_dir_all(&tests).map_err(|error| failed(&tests, error))?;
        point_latest(results, &name).map_err(|error| failed(&results.join("latest"), error))?;
        let path = std::path::absolute(&path).map_err(|error| failed(&path, error))?;
        Ok(Self { id, path })
    }

    /// Makes the directory of a test and gives its path relative to the job's. Numbers are as wide as the last one of
    /// the job, so that names sort.
    pub(crate) fn test(&self, number: usize, total: usize, name: &str) -> Result<String, JobError> {
        let width = total.to_string().len();
        let dir = format!("test-results/{number:0width$}-{}", file_name(name));
        let data = self.path.join(&dir).join("data");
        fs::create_dir_all(&data).map_err(|source| JobError::Results { path: data, source })?;
        Ok(dir)
    }
}

/// Replaces the link at once, so that there is no moment without one.
fn point_latest(results: &Path, name: &str) -> io::Result<()> {
    let new = results.join(format!(".latest-{name}"));
    std::os::unix::fs::symlink(name, &new)?;
    fs::rename(&new, results.join("latest"))
}

/// The name of a test as a file name: nothing but letters, digits and a few signs, and not too long.
fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' | '+' | '=' => c,
            _ => '_',
        })
        .take(MAX_NAME)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_a_directory_and_a_link_to_it() {
        let results = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let job = JobDir::create(results.path()).unwrap();
            assert_eq!(job.id.len(), 40);
            let latest = fs::canonicalize(results.path().join("latest")).unwrap();
            assert_eq!(latest, fs::canonicalize(&job.path).unwrap());
            let dir = job.test(3, 12, "tp/../x:y").unwrap();
            assert_eq!(dir, "test-results/03-tp_.._x_y");
            assert!(job.path.join(dir).join("data").is_dir());
        }
    }
}
