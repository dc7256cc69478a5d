//! From a place to a file that grows, with as many tries as it takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::error::AssetError;
use super::fetch::{FetchEvent, Limits};
use super::http::{Answer, Client, Content, Problem, is_timeout};

/// A try that brought less than this, in bytes, was none.
const PROGRESS: u64 = 64 << 10;

/// What is there of a file so far, and a note from where it came.
pub(super) struct Part {
    pub(super) path: PathBuf,
    note: PathBuf,
}

/// From where a part came.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    url: String,
    validator: Option<String>,
    total: Option<u64>,
}

impl Part {
    /// The part of a file: it lies beside the file, hidden.
    pub(super) fn of(file: &Path) -> Self {
        let name = file.file_name().unwrap_or_default().display();
        Self {
            path: file.with_file_name(format!(".{name}.part")),
            note: file.with_file_name(format!(".{name}.part.json")),
        }
    }

    /// Its length in bytes; 0 if it is not there.
    pub(super) fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |data| data.len())
    }

    /// Removes it with its note.
    pub(super) fn remove(&self) -> Result<(), AssetError> {
        for path in [&self.path, &self.note] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(AssetError::io("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn note(&self) -> Option<Note> {
        serde_json::from_slice(&fs::read(&self.note).ok()?).ok()
    }

    fn write_note(&self, note: &Note) -> Result<(), AssetError> {
        let json = serde_json::to_vec(note).map_err(io::Error::from);
        json.and_then(|json| fs::write(&self.note, json))
            .map_err(AssetError::io("write", &self.note))
    }
}

/// Why a download from a place ended early.
pub(super) enum Stop {
    /// The place is of no use.
    Place(String),
    /// This machine is.
    Machine(AssetError),
}

impl From<AssetError> for Stop {
    fn from(error: AssetError) -> Self {
        Self::Machine(error)
    }
}

/// Downloads from one place into the part until it is whole, going on where an earlier download ended. Tries again
/// as often as the limits say; a try that brought something does not count.
pub(super) fn download(
    client: &Client,
    limits: &Limits,
    name: &str,
    url: &Url,
    part: &Part,
    tell: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), Stop> {
    let mut failures = 0;
    loop {
        let before = part.len();
        let why = match attempt(client, name, url, part, tell) {
            Ok(()) => return Ok(()),
            Err(Ended::Machine(error)) => return Err(Stop::Machine(error)),
            Err(Ended::Problem(Problem::Lasting(why))) => return Err(Stop::Place(why)),
            Err(Ended::Problem(Problem::Passing(why))) => why,
        };
        if part.len() >= before.saturating_add(PROGRESS) {
            failures = 0;
        }
        failures += 1;
        if failures >= limits.tries {
            return Err(Stop::Place(format!("{why} ({failures} tries)")));
        }
        let wait = limits.backoff * 2_u32.pow(failures - 1);
        tell(FetchEvent::Retry { why: &why, wait });
        std::thread::sleep(wait);
    }
}

/// How a try ended.
enum Ended {
    Problem(Problem),
    Machine(AssetError),
}

impl From<AssetError> for Ended {
    fn from(error: AssetError) -> Self {
        Self::Machine(error)
    }
}

fn attempt(
    client: &Client,
    name: &str,
    url: &Url,
    part: &Part,
    tell: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), Ended> {
    let have = part.len();
    let note = part.note().unwrap_or_default();
    if have > 0 && note.total == Some(have) {
        return Ok(());
    }
    // A tag of one place says nothing at another. The checksum decides in the end anyway.
    let validator = note.validator.filter(|_| note.url == url.as_str());
    tell(FetchEvent::Contacting {
        url: url.as_str(),
        from: have,
    });
    match client
        .get(url, have, validator.as_deref())
        .map_err(Ended::Problem)?
    {
        Answer::Complete => Ok(()),
        Answer::Shorter => {
            part.remove()?;
            let why = "the file there is shorter than what was received of it".to_owned();
            Err(Ended::Problem(Problem::Passing(why)))
        }
        Answer::Content(content) => {
            if content.start < have {
                tell(FetchEvent::StartedOver);
            }
            part.write_note(&Note {
                url: url.to_string(),
                validator: content.validator.clone(),
                total: content.total,
            })?;
            receive(content, name, part, tell)
        }
    }
}

fn receive(
    mut content: Content,
    name: &str,
    part: &Part,
    tell: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), Ended> {
    let mut file = open(part, content.start)?;
    if let Some(total) = content.total {
        check_space(name, &part.path, total.saturating_sub(content.start))?;
    }
    let mut bytes = content.start;
    let mut buffer = vec![0; 1 << 16];
    let broken = |error: &io::Error| {
        let why = match is_timeout(error) {
            true => "nothing comes any more".to_owned(),
            false => format!("the connection broke: {error}"),
        };
        Ended::Problem(Problem::Passing(why))
    };
    loop {
        let read = match content.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(&error)),
        };
        file.write_all(&buffer[..read])
            .map_err(AssetError::io("write", &part.path))?;
        bytes += read as u64;
        tell(FetchEvent::Received {
            bytes,
            total: content.total,
        });
    }
    file.sync_all()
        .map_err(AssetError::io("write", &part.path))?;
    match content.total {
        Some(total) if bytes != total => {
            let why = format!("the connection ended after {bytes} of {total} bytes");
            Err(Ended::Problem(Problem::Passing(why)))
        }
        _ => Ok(()),
    }
}

/// The part, ready to be written from byte `start` on. What was behind it goes.
fn open(part: &Part, start: u64) -> Result<File, AssetError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&part.path)
        .map_err(AssetError::io("open", &part.path))?;
    file.set_len(start)
        .map_err(AssetError::io("shorten", &part.path))?;
    Ok(file)
}

/// Whether so many bytes fit beside the file.
pub(super) fn check_space(name: &str, file: &Path, needed: u64) -> Result<(), AssetError> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let free = rustix::fs::statvfs(dir)
        .map(|about| about.f_bavail.saturating_mul(about.f_frsize))
        .map_err(|error| AssetError::io("look at", dir)(error.into()))?;
    if free < needed {
        return Err(AssetError::NoSpace {
            name: name.to_owned(),
            dir: dir.to_owned(),
            free,
            needed,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_downloaded() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image");
        check_space("image", &file, 1).unwrap();
        let error = check_space("image", &file, u64::MAX)
            .unwrap_err()
            .to_string();
        assert!(error.contains("MiB free, and `image` needs"), "{error}");
    }
}
