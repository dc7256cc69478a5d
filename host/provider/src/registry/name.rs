//! The name of a provider that is given none.

use crate::definition::{Uri, UriKind};

/// The name that follows from where a provider comes from: of a repository on another machine the host backwards, the
/// owner and the repository without `tp-`, as the reference names its own (`io-github-autotest-qemu`); of a path its
/// last part. `None` if nothing is left of it.
pub(super) fn derived(uri: &Uri) -> Option<String> {
    let parts: Vec<String> = match &uri.kind {
        UriKind::File(path) | UriKind::Path(path) => {
            let name = path.file_name()?.to_string_lossy();
            vec![name.trim_end_matches(".git").to_owned()]
        }
        UriKind::Pack(path) => vec![path.file_stem()?.to_string_lossy().into_owned()],
        UriKind::Remote(_) => remote(&uri.text)?,
    };
    let name: String = parts
        .join("-")
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' => c,
            _ => '-',
        })
        .collect();
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

fn remote(text: &str) -> Option<Vec<String>> {
    let (host, path) = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => text.split_once(':')?,
    };
    let host = host.rsplit('@').next()?;
    let host = host.split(':').next()?;
    // Pages and repositories of GitHub share a name in the reference.
    let host = match host.trim_start_matches("www.") {
        "github.com" => "github.io",
        host => host,
    };
    let mut parts: Vec<String> = host.rsplit('.').map(str::to_owned).collect();
    let path = path.trim_matches('/').trim_end_matches(".git");
    let mut path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let last = path.pop()?;
    parts.extend(path.into_iter().map(str::to_owned));
    parts.push(last.strip_prefix("tp-").unwrap_or(last).to_owned());
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_where_a_provider_comes_from() {
        for (uri, name) in [
            (
                "https://github.com/autotest/tp-qemu.git",
                "io-github-autotest-qemu",
            ),
            (
                "git@github.com:autotest/tp-libvirt.git",
                "io-github-autotest-libvirt",
            ),
            (
                "https://www.example.org:8443/a/b/tests/",
                "org-example-a-b-tests",
            ),
            ("ssh://git@gitlab.com/o/tp-x", "com-gitlab-o-x"),
            ("file:///home/user/code/tp-libvirt", "tp-libvirt"),
            ("/srv/my.tests.git", "my-tests"),
            ("file:///x/tp-qemu.wasm", "tp-qemu"),
        ] {
            assert_eq!(
                derived(&Uri::parse(uri).unwrap()).as_deref(),
                Some(name),
                "{uri}"
            );
        }
        assert_eq!(derived(&Uri::parse("file:///").unwrap()), None);
    }
}
