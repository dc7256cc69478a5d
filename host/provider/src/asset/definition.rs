//! Definitions of assets: what there is to download, from where, and what it must be.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use url::Url;
use vthost_cartesian::{did_you_mean, nearest};

use super::checksum::{Algorithm, Digest};
use super::ini::{self, Key, Section};
use super::uncompress::Compression;

/// The keys of a definition.
const KEYS: &[&str] = &[
    "title",
    "url",
    "sha1",
    "sha256",
    "sha1_url",
    "sha256_url",
    "destination",
    "destination_uncompressed",
    "uncompress",
];

/// A file that can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its name: of its section.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// Where it is, in the order in which the places are tried.
    pub urls: Vec<Url>,
    /// What it must be, as it comes over the network.
    pub checksum: Checksum,
    /// The file, relative to the data directory, as it comes over the network.
    pub destination: PathBuf,
    /// What to make of it: the file, relative to the data directory, and how.
    pub uncompressed: Option<(PathBuf, Compression)>,
    /// Where it is defined, as `FILE:LINE`.
    pub defined: String,
}

impl Asset {
    /// The file that is there in the end, relative to the data directory.
    pub fn result(&self) -> &Path {
        self.uncompressed
            .as_ref()
            .map_or(&self.destination, |(path, _)| path)
    }
}

/// What is known about the digest of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// The digest.
    Known(Digest),
    /// Where the digest is to be read.
    At {
        /// How it is computed.
        algorithm: Algorithm,
        /// The file of checksums.
        url: Url,
    },
}

/// A mistake in a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {what}", .file)]
pub struct DefinitionError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// The assets that a file defines, one a section. `file` is what errors call it.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Asset>, DefinitionError> {
    let error = |line, column, what| DefinitionError {
        file: file.to_owned(),
        line,
        column,
        what,
    };
    let sections =
        ini::parse(text).map_err(|mistake| error(mistake.line, mistake.column, mistake.what))?;
    if sections.is_empty() {
        return Err(error(
            1,
            1,
            "no asset is defined here; begin with [name]".to_owned(),
        ));
    }
    sections
        .iter()
        .map(|section| {
            asset(file, section).map_err(|wrong| match wrong.key {
                Some(key) => error(key.line, key.column, wrong.what),
                None => error(section.line, 1, wrong.what),
            })
        })
        .collect()
}

/// What is wrong with a key, or with the section as a whole.
struct Wrong<'a> {
    key: Option<&'a Key>,
    what: String,
}

fn wrong<'a>(key: impl Into<Option<&'a Key>>, what: impl fmt::Display) -> Wrong<'a> {
    Wrong {
        key: key.into(),
        what: what.to_string(),
    }
}

fn asset<'a>(file: &str, section: &'a Section) -> Result<Asset, Wrong<'a>> {
    let name = &section.name;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.chars().all(plain) || name.starts_with(['.', '-']) {
        return Err(wrong(
            None,
            format_args!("`{name}` is no name of an asset; use letters, digits, `.`, `_` and `-`"),
        ));
    }
    for key in &section.keys {
        if key.name.starts_with("uncompress_c") {
            return Err(wrong(
                key,
                "vthost runs no commands of definitions; write `uncompress = xz` (or zst, gz, 7z)",
            ));
        }
        if !KEYS.contains(&key.name.as_str()) {
            let near = nearest(&key.name, KEYS.iter().copied());
            let hint =
                did_you_mean(&near).unwrap_or_else(|| format!("there are {}", KEYS.join(", ")));
            return Err(wrong(
                key,
                format_args!("unknown key `{}`; {hint}", key.name),
            ));
        }
    }
    let get = |wanted: &str| section.keys.iter().find(|key| key.name == wanted);
    let require = |wanted: &str| {
        get(wanted).ok_or_else(|| wrong(None, format_args!("the asset `{name}` has no `{wanted}`")))
    };
    let url_key = require("url")?;
    let urls = url_key
        .value
        .split_whitespace()
        .map(|text| url(url_key, text))
        .collect::<Result<Vec<_>, _>>()?;
    if urls.is_empty() {
        return Err(wrong(url_key, "`url` is empty"));
    }
    let destination = path(require("destination")?)?;
    Ok(Asset {
        name: name.clone(),
        title: get("title").map_or_else(|| name.clone(), |key| key.value.clone()),
        urls,
        checksum: checksum(section)?,
        uncompressed: uncompressed(section, &destination)?,
        destination,
        defined: format!("{file}:{}", section.line),
    })
}

fn url<'a>(key: &'a Key, text: &str) -> Result<Url, Wrong<'a>> {
    let url = Url::parse(text)
        .map_err(|error| wrong(key, format_args!("`{text}` is no URL: {error}")))?;
    if !matches!(url.scheme(), "https" | "http" | "file") {
        let scheme = url.scheme();
        return Err(wrong(
            key,
            format_args!("a download goes over https, http or file, not over {scheme}"),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(key, "a URL here holds no user and no password"));
    }
    Ok(url)
}

/// The path of a file below the data directory.
fn path(key: &Key) -> Result<PathBuf, Wrong<'_>> {
    let path = Path::new(&key.value);
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".")));
    if !inside || path.components().count() < 2 {
        return Err(wrong(
            key,
            format_args!(
                "`{}` is no place for an asset; write a path below the data directory, as images/{}",
                key.value,
                path.file_name().unwrap_or_default().display()
            ),
        ));
    }
    Ok(path.to_owned())
}

fn checksum(section: &Section) -> Result<Checksum, Wrong<'_>> {
    let mut given = section
        .keys
        .iter()
        .filter(|key| key.name.starts_with("sha"));
    let Some(key) = given.next() else {
        return Err(wrong(
            None,
            format_args!(
                "the asset `{}` has no checksum; add `sha256 = ...` (`sha256sum FILE` prints it), sha1, sha256_url or sha1_url",
                section.name
            ),
        ));
    };
    if let Some(second) = given.next() {
        return Err(wrong(
            second,
            format_args!("there is `{}` already; one checksum is enough", key.name),
        ));
    }
    let algorithm = match key.name.starts_with("sha1") {
        true => Algorithm::Sha1,
        false => Algorithm::Sha256,
    };
    if key.name.ends_with("_url") {
        let url = url(key, &key.value)?;
        return Ok(Checksum::At { algorithm, url });
    }
    Digest::new(algorithm, &key.value)
        .map(Checksum::Known)
        .ok_or_else(|| {
            wrong(
                key,
                format_args!("this is no {algorithm} digest in hexadecimal"),
            )
        })
}

fn uncompressed<'a>(
    section: &'a Section,
    destination: &Path,
) -> Result<Option<(PathBuf, Compression)>, Wrong<'a>> {
    let get = |wanted: &str| section.keys.iter().find(|key| key.name == wanted);
    let Some(key) = get("destination_uncompressed") else {
        return match get("uncompress") {
            None => Ok(None),
            Some(key) => Err(wrong(
                key,
                "`uncompress` needs `destination_uncompressed`, the file to make",
            )),
        };
    };
    let target = path(key)?;
    if target == destination {
        return Err(wrong(key, "this is the same file as `destination`"));
    }
    let compression = match get("uncompress") {
        Some(key) => Compression::named(&key.value).ok_or_else(|| {
            wrong(
                key,
                format_args!("`{}` is no way to uncompress; there are xz, zst, gz and 7z", key.value),
            )
        })?,
        None => destination
            .extension()
            .and_then(|ending| Compression::named(ending.to_str()?))
            .ok_or_else(|| {
                wrong(
                    key,
                    "the ending of `destination` does not say how to uncompress it; add `uncompress = xz` (or zst, gz, 7z)",
                )
            })?,
    };
    Ok(Some((target, compression)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn a_definition_in_the_form_of_the_guide() {
        let text = format!(
            "[jeos]\ntitle = JeOS\nurl = https://a/j.xz\n  http://b/j.xz\nsha1 = {SHA1}\n\
             destination = images/j.qcow2.xz\ndestination_uncompressed = images/j.qcow2\n"
        );
        let asset = parse("j.ini", &text).unwrap().remove(0);
        assert_eq!(asset.title, "JeOS");
        assert_eq!(asset.urls.len(), 2);
        assert_eq!(asset.result(), Path::new("images/j.qcow2"));
        assert_eq!(asset.uncompressed.unwrap().1, Compression::Xz);
        assert_eq!(asset.defined, "j.ini:1");
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        let base = "[a]\nurl = https://a/b\ndestination = images/b\n";
        for (text, told) in [
            ("", "j.ini:1:1: no asset is defined here"),
            (base, "j.ini:1:1: the asset `a` has no checksum"),
            (
                "[a]\nurl = ftp://a/b\n",
                "j.ini:2:1: a download goes over https, http or file, not over ftp",
            ),
            ("[a]\nurl = a/b\n", "j.ini:2:1: `a/b` is no URL"),
            (
                "[a]\nurl = https://me:secret@a/b\n",
                "no user and no password",
            ),
            (
                "[a]\nurl = https://a/b\n",
                "j.ini:1:1: the asset `a` has no `destination`",
            ),
            (
                "[a]\nurl = https://a/b\ndestination = ../b\n",
                "j.ini:3:1: `../b` is no place for an asset",
            ),
            (
                "[a]\nurl = https://a/b\ndestination = /etc/b\n",
                "is no place for an asset",
            ),
            (
                "[a]\nurl = https://a/b\ndestination = images/.lock\n",
                "is no place for an asset",
            ),
            (
                "[a]\nurl = https://a/b\ndestination = b\n",
                "write a path below the data directory, as images/b",
            ),
            (
                "[a]\nurls = https://a/b\n",
                "j.ini:2:1: unknown key `urls`; did you mean `url`",
            ),
            ("[a]\nuncompress_cmd = xz -d\n", "runs no commands"),
            ("[../a]\nurl = https://a/b\n", "is no name of an asset"),
            (
                &format!("{base}sha1 = 12\n"),
                "j.ini:4:1: this is no sha1 digest",
            ),
            (
                &format!("{base}sha1 = {SHA1}\nsha256_url = https://a/c\n"),
                "j.ini:5:1: there is `sha1` already",
            ),
            (
                &format!("{base}sha1 = {SHA1}\nuncompress = xz\n"),
                "needs `destination_uncompressed`",
            ),
            (
                &format!("{base}sha1 = {SHA1}\ndestination_uncompressed = images/c\n"),
                "add `uncompress = xz`",
            ),
            (
                &format!("{base}sha1 = {SHA1}\ndestination_uncompressed = images/b\n"),
                "the same file",
            ),
            (
                &format!(
                    "{base}sha1 = {SHA1}\ndestination_uncompressed = images/c\nuncompress = rar\n"
                ),
                "there are xz, zst, gz and 7z",
            ),
        ] {
            let error = parse("j.ini", text).unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}
