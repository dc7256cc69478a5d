//! Where a provider comes from, and what of that is refused.

use std::path::{Path, PathBuf};

/// Where a provider comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// As it was written.
    pub text: String,
    /// What it means.
    pub kind: UriKind,
}

/// What a URI means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UriKind {
    /// `file:///DIR`: a directory that is used where it is. A repository without files, or one of which a branch, a
    /// commit or a signature is asked for, is cloned.
    File(PathBuf),
    /// `/DIR`: a repository that is cloned, or else a directory that is used where it is.
    Path(PathBuf),
    /// A pack file: its name ends in `.wasm`.
    Pack(PathBuf),
    /// A repository on another machine.
    Remote(Protocol),
}

/// How git reaches a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// On this machine.
    File,
    /// `https://`
    Https,
    /// `ssh://`, `git@host:path`
    Ssh,
    /// `http://`: whoever is on the way can change what arrives.
    Http,
    /// `git://`: whoever is on the way can change what arrives.
    Git,
}

/// Why a URI is refused. What is shown of it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// There is none.
    #[error("`uri` is empty")]
    Empty,
    /// It holds control characters.
    #[error("the uri `{0}` holds control characters")]
    Control(String),
    /// It would be an option of a program.
    #[error(
        "the uri `{0}` is refused: a name that begins with `-` is an option to the programs that get it"
    )]
    Option(String),
    /// It names a program that is to fetch it.
    #[error("the uri `{0}` is refused: `{1}::` runs a program to fetch it; use file, https or ssh")]
    Helper(String, String),
    /// A scheme that is not supported.
    #[error("the uri `{0}` is refused: `{1}://` is not supported; use file, https or ssh")]
    Scheme(String, String),
    /// A relative path.
    #[error("the uri `{0}` is a relative path; give an absolute one, as `file:///home/me/tests`")]
    Relative(String),
    /// A password stands in it.
    #[error("the uri of {0} holds a password; let a credential helper of git keep it")]
    Password(String),
    /// There is no host.
    #[error("the uri `{0}` names no host")]
    NoHost(String),
    /// A pack on another machine.
    #[error("the uri `{0}` is a pack file on another machine; download it and give its path")]
    RemotePack(String),
}

impl Protocol {
    /// As git calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Https => "https",
            Self::Ssh => "ssh",
            Self::Http => "http",
            Self::Git => "git",
        }
    }

    /// Whether the other end proves who it is, and what arrives cannot be changed on the way.
    pub(crate) fn is_authenticated(self) -> bool {
        !matches!(self, Self::Http | Self::Git)
    }
}

impl Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`UriError`] if it names nothing that a provider can come from, or something that is refused.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Ok(Self {
            text: text.to_owned(),
            kind: kind(text)?,
        })
    }
}

fn kind(text: &str) -> Result<UriKind, UriError> {
    let shown = || text.escape_default().to_string();
    if text.is_empty() {
        return Err(UriError::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(UriError::Control(shown()));
    }
    if text.starts_with('-') {
        return Err(UriError::Option(shown()));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        // In front of the scheme, `ext::` names a program.
        if let Some((helper, _)) = scheme.split_once("::") {
            return Err(UriError::Helper(shown(), helper.to_owned()));
        }
        return match scheme.to_ascii_lowercase().as_str() {
            "file" => Ok(local(&file_path(rest), UriKind::File)),
            "https" => remote(text, rest, Protocol::Https),
            "http" => remote(text, rest, Protocol::Http),
            "git" => remote(text, rest, Protocol::Git),
            "ssh" | "git+ssh" | "ssh+git" => remote(text, rest, Protocol::Ssh),
            _ => Err(UriError::Scheme(
                shown(),
                scheme.escape_default().to_string(),
            )),
        };
    }
    if text.starts_with('/') {
        return Ok(local(Path::new(text), UriKind::Path));
    }
    if let Some((helper, _)) = text.split_once("::") {
        return Err(UriError::Helper(
            shown(),
            helper.escape_default().to_string(),
        ));
    }
    match text.split_once(':') {
        // As scp writes it: a slash before the colon makes it a path.
        Some((host, path)) if !host.contains('/') => {
            remote(text, &format!("{host}/{path}"), Protocol::Ssh)
        }
        _ => Err(UriError::Relative(shown())),
    }
}

/// The path of a `file://` URI. The guide writes `file://usr/share/tests` and means `/usr/share/tests`.
fn file_path(rest: &str) -> PathBuf {
    let path = rest.strip_prefix("localhost/").unwrap_or(rest);
    Path::new("/").join(path.trim_start_matches('/'))
}

fn local(path: &Path, kind: impl FnOnce(PathBuf) -> UriKind) -> UriKind {
    match path.extension() {
        Some(end) if end == "wasm" => UriKind::Pack(path.to_owned()),
        _ => kind(path.to_owned()),
    }
}

fn remote(text: &str, rest: &str, protocol: Protocol) -> Result<UriKind, UriError> {
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let shown = || text.escape_default().to_string();
    if user.contains(':') {
        return Err(UriError::Password(host.escape_default().to_string()));
    }
    if host.is_empty() {
        return Err(UriError::NoHost(shown()));
    }
    if host.starts_with('-') || user.starts_with('-') {
        return Err(UriError::Option(shown()));
    }
    if rest.ends_with(".wasm") {
        return Err(UriError::RemotePack(shown()));
    }
    Ok(UriKind::Remote(protocol))
}

/// Whether this is a whole commit: nobody can put another content under its name.
pub(crate) fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether git takes this as the name of a branch or tag; a commit is such a name, too. The rules are those of
/// `git check-ref-format`, and an option is none.
pub(super) fn is_ref_name(text: &str) -> bool {
    let forbidden =
        |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !text.starts_with('-')
        && !text.chars().any(forbidden)
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && !text.ends_with('.')
        && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_uri_means() {
        let file = |path: &str| UriKind::File(path.into());
        for (text, kind) in [
            ("file:///usr/share/tests", file("/usr/share/tests")),
            ("file://usr/share/tests/", file("/usr/share/tests/")),
            ("file://localhost/srv/t", file("/srv/t")),
            (
                "/my-git-dir/repo.git",
                UriKind::Path("/my-git-dir/repo.git".into()),
            ),
            ("file:///x/tp.wasm", UriKind::Pack("/x/tp.wasm".into())),
            ("/x/tp.wasm", UriKind::Pack("/x/tp.wasm".into())),
            (
                "https://github.com/autotest/tp-qemu.git",
                UriKind::Remote(Protocol::Https),
            ),
            ("http://bla.com/repo.git", UriKind::Remote(Protocol::Http)),
            (
                "git://git-provider.com/repo.git",
                UriKind::Remote(Protocol::Git),
            ),
            ("ssh://git@host:22/repo", UriKind::Remote(Protocol::Ssh)),
            ("git@host:some/repo.git", UriKind::Remote(Protocol::Ssh)),
            ("host:repo.git", UriKind::Remote(Protocol::Ssh)),
        ] {
            assert_eq!(Uri::parse(text).unwrap().kind, kind, "{text}");
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        for (text, told) in [
            ("", "is empty"),
            ("ext::sh -c touch% /tmp/x", "runs a program"),
            ("ext::sh://x", "runs a program"),
            ("fd::17", "runs a program"),
            ("-uevil", "is an option"),
            ("--upload-pack=evil", "is an option"),
            ("ssh://-oProxyCommand=evil/x", "is an option"),
            ("ssh://me@-oProxyCommand=evil/x", "is an option"),
            ("-oProxyCommand=evil:x", "is an option"),
            ("ftp://host/x", "`ftp://` is not supported"),
            ("https:///x", "names no host"),
            ("https://me:secret@host/x", "holds a password"),
            ("tests", "relative path"),
            ("../x:y", "relative path"),
            ("https://host/\u{1b}[2J", "control characters"),
            ("https://host/tp.wasm", "download it"),
        ] {
            let error = Uri::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
            assert!(
                !error.contains("secret") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
    }

    #[test]
    fn names_of_branches_and_tags() {
        for good in [
            "main",
            "v1.0",
            "release/2026-11",
            "e44231e88300131621586d24c07baa8e627de989",
        ] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a:b",
            "/a",
            "a/",
            "a//b",
            "x.lock",
            "@",
            "a@{1}",
            "+a:*",
        ] {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }
}
