//! The whole way of an asset: wait for others, download, check, uncompress, give it its name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::checksum::Digest;
use super::definition::{Asset, Checksum};
use super::download::{Part, Stop, download};
use super::error::{AssetError, Trouble};
use super::http::{Answer, Client, Problem};
use super::uncompress::{Compression, uncompress};
use super::usable;
use crate::Dirs;
use crate::lock::Lock;

/// How large a file of checksums may be, in bytes.
const LIST_LIMIT: u64 = 1 << 20;

/// How long and how often something is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long making a connection may take.
    pub connect: Duration,
    /// How long a server may be silent.
    pub stall: Duration,
    /// How often a place is tried in a row without bringing anything.
    pub tries: u32,
    /// The pause after the first failure; it doubles with each.
    pub backoff: Duration,
    /// How many bytes an uncompressed file may have.
    pub uncompressed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            tries: 4,
            backoff: Duration::from_millis(500),
            uncompressed: 1 << 40,
        }
    }
}

/// What a fetch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchEvent<'a> {
    /// Another process fetches the same asset; this one waits.
    Waiting {
        /// The other.
        holder: &'a str,
    },
    /// A server is asked for the file, from that byte on.
    Contacting {
        /// The place.
        url: &'a str,
        /// What is there already, in bytes.
        from: u64,
    },
    /// The server does not go on where the download ended: it begins anew.
    StartedOver,
    /// Something came.
    Received {
        /// What is there, in bytes.
        bytes: u64,
        /// The size of the whole file in bytes, if the server told it.
        total: Option<u64>,
    },
    /// Something went wrong; it is tried again.
    Retry {
        /// What went wrong.
        why: &'a str,
        /// After that time.
        wait: Duration,
    },
    /// A place is of no use; the next one is tried if there is one.
    GivenUp {
        /// The place.
        url: &'a str,
        /// Why.
        why: &'a str,
    },
    /// The digest is computed.
    Verifying,
    /// The file is uncompressed: so many bytes of it are there.
    Uncompressing {
        /// Bytes written.
        bytes: u64,
    },
}

/// An asset that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// It was there before.
    pub fresh: bool,
}

/// What a file was made of: kept in the directory `downloads`.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    digest: Digest,
}

type Tell<'a> = &'a mut dyn FnMut(FetchEvent<'_>);

/// Makes sure that the file of an asset is there. A file that is there stays as it is, unless `force` is set or it
/// came from a download with another digest than the definition now gives. Blocks while another process fetches it.
///
/// # Errors
/// [`AssetError`] with each place and what was wrong there. What was there before still is.
pub fn fetch(
    dirs: &Dirs,
    asset: &Asset,
    force: bool,
    limits: &Limits,
    tell: Tell<'_>,
) -> Result<Fetched, AssetError> {
    let downloads = dirs.data.join("downloads");
    let file = dirs.data.join(&asset.destination);
    let result = dirs.data.join(asset.result());
    for dir in [Some(downloads.as_path()), file.parent(), result.parent()]
        .into_iter()
        .flatten()
    {
        fs::create_dir_all(dir).map_err(AssetError::io("make", dir))?;
    }
    // Of what is written: an asset of another name, or from another definition, may write the same.
    let written = BTreeSet::from([&*asset.destination, asset.result()]);
    let mut locks = Vec::new();
    for path in written {
        let name = path.to_string_lossy().replace('/', "%");
        let lock = downloads.join(format!(".{name}.lock"));
        locks.push(
            Lock::acquire(&lock, &mut |holder| tell(FetchEvent::Waiting { holder }))
                .map_err(AssetError::io("lock", &lock))?,
        );
    }

    let stamp = downloads.join(format!("{}.json", asset.name));
    let is_there = usable(&result).map_err(AssetError::io("use", &result))?;
    if !force && is_there && !is_outdated(asset, &stamp) {
        return Ok(Fetched {
            path: result,
            fresh: true,
        });
    }
    let client = Client::new(limits);
    let part = Part::of(&file);
    let mut troubles = Vec::new();
    let expected = match expected(&client, limits, asset, tell) {
        Ok(expected) => Some(expected),
        Err(trouble) => {
            troubles.push(trouble);
            None
        }
    };
    let places = asset.urls.iter().zip(std::iter::repeat(expected.as_ref()));
    for (url, expected) in places.filter_map(|(url, expected)| Some((url, expected?))) {
        match from_place(&client, limits, asset, expected, url, &part, tell) {
            Ok(()) => {
                install(limits, asset, &part, &result, tell)?;
                write_stamp(&stamp, expected.clone())?;
                return Ok(Fetched {
                    path: result,
                    fresh: false,
                });
            }
            Err(Stop::Machine(error)) => return Err(error),
            Err(Stop::Place(why)) => {
                let url = url.as_str();
                tell(FetchEvent::GivenUp { url, why: &why });
                troubles.push(Trouble {
                    url: url.to_owned(),
                    why,
                });
            }
        }
    }
    Err(AssetError::NoSource {
        name: asset.name.clone(),
        troubles,
        defined: asset.defined.clone(),
        file: result,
    })
}

/// Whether the file came from a download that is not the one of the definition. Of a file without a stamp nothing is
/// known: the operator put it there.
fn is_outdated(asset: &Asset, stamp: &Path) -> bool {
    let Checksum::Known(expected) = &asset.checksum else {
        return false;
    };
    let stamp: Option<Stamp> = fs::read(stamp)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok());
    stamp.is_some_and(|stamp| stamp.digest != *expected)
}

fn write_stamp(path: &Path, digest: Digest) -> Result<(), AssetError> {
    let json = serde_json::to_vec(&Stamp { digest }).map_err(io::Error::from);
    json.and_then(|json| fs::write(path, json))
        .map_err(AssetError::io("write", path))
}

/// Has the part whole and checked, from one place.
fn from_place(
    client: &Client,
    limits: &Limits,
    asset: &Asset,
    expected: &Digest,
    url: &Url,
    part: &Part,
    tell: Tell<'_>,
) -> Result<(), Stop> {
    let mut resumed = part.len() > 0;
    loop {
        download(client, limits, &asset.name, url, part, tell)?;
        tell(FetchEvent::Verifying);
        let found = Digest::of_file(expected.algorithm, &part.path)
            .map_err(AssetError::io("read", &part.path))?;
        if found == *expected {
            return Ok(());
        }
        part.remove()?;
        if !resumed {
            return Err(Stop::Place(format!(
                "what it sends has the {found}, and {} wants {}; it was removed",
                asset.defined, expected.hex
            )));
        }
        // What was there before may have been of another file. Now nothing is.
        resumed = false;
        tell(FetchEvent::StartedOver);
    }
}

/// What the digest must be; asked for if the definition says where, as often as the limits say.
fn expected(
    client: &Client,
    limits: &Limits,
    asset: &Asset,
    tell: Tell<'_>,
) -> Result<Digest, Trouble> {
    let (algorithm, url) = match &asset.checksum {
        Checksum::Known(digest) => return Ok(digest.clone()),
        Checksum::At { algorithm, url } => (*algorithm, url),
    };
    let failed = |why: String| Trouble {
        url: url.to_string(),
        why: format!("no checksum: {why}"),
    };
    let mut failures = 0;
    let list = loop {
        match list(client, url) {
            Ok(list) => break list,
            Err(Problem::Lasting(why)) => return Err(failed(why)),
            Err(Problem::Passing(why)) => {
                failures += 1;
                if failures >= limits.tries {
                    return Err(failed(format!("{why} ({failures} tries)")));
                }
                let wait = limits.backoff * 2_u32.pow(failures - 1);
                tell(FetchEvent::Retry { why: &why, wait });
                std::thread::sleep(wait);
            }
        }
    };
    let name = asset
        .urls
        .first()
        .and_then(|url| url.path_segments()?.next_back());
    Digest::find(algorithm, &list, name.unwrap_or_default())
        .ok_or_else(|| failed(format!("there is no {algorithm} digest of the file in it")))
}

/// A list of checksums.
fn list(client: &Client, url: &Url) -> Result<String, Problem> {
    let content = match client.get(url, 0, None)? {
        Answer::Content(content) => content,
        Answer::Complete | Answer::Shorter => {
            return Err(Problem::Lasting("it is empty".to_owned()));
        }
    };
    let mut list = String::new();
    content
        .body
        .take(LIST_LIMIT)
        .read_to_string(&mut list)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Problem::Lasting(error.to_string()),
            _ => Problem::Passing(error.to_string()),
        })?;
    Ok(list)
}

/// Makes the final file of a part that was checked.
fn install(
    limits: &Limits,
    asset: &Asset,
    part: &Part,
    result: &Path,
    tell: Tell<'_>,
) -> Result<(), AssetError> {
    let whole = match &asset.uncompressed {
        None => part.path.clone(),
        Some((_, compression)) => {
            let name = result.file_name().unwrap_or_default().display();
            let new = result.with_file_name(format!(".{name}.new"));
            let made = unpack(limits, asset, *compression, part, &new, tell);
            if made.is_err() {
                // It is of no use, and large.
                let _ = fs::remove_file(&new);
            }
            made?;
            new
        }
    };
    // Tests write to overlays; nothing may change what is below them.
    fs::set_permissions(&whole, fs::Permissions::from_mode(0o444))
        .map_err(AssetError::io("protect", &whole))?;
    fs::rename(&whole, result).map_err(AssetError::io("replace", result))?;
    part.remove()
}

fn unpack(
    limits: &Limits,
    asset: &Asset,
    compression: Compression,
    part: &Part,
    new: &Path,
    tell: Tell<'_>,
) -> Result<(), AssetError> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(AssetError::io("remove", new)(error));
        }
        _ => {}
    }
    let mut out = BufWriter::new(File::create(new).map_err(AssetError::io("make", new))?);
    uncompress(
        compression,
        &part.path,
        &mut out,
        limits.uncompressed,
        &mut |bytes| {
            tell(FetchEvent::Uncompressing { bytes });
        },
    )
    .map_err(|error| match error.raw_os_error() {
        // The disk's fault, not the file's.
        Some(_) => AssetError::io("write", new)(error),
        None => AssetError::Uncompress {
            name: asset.name.clone(),
            why: error.to_string(),
            defined: asset.defined.clone(),
        },
    })?;
    let file = out
        .flush()
        .and_then(|()| out.into_inner().map_err(|error| error.into_error()));
    file.and_then(|file| file.sync_all())
        .map_err(AssetError::io("write", new))
}
