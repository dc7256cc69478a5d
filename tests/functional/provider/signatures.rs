//! Signatures: real keys, good ones and all the others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::fixture::{Place, Repository};

/// A directory of keys of gpg. Its agent ends with it.
struct Keys {
    home: PathBuf,
}

impl Keys {
    fn new(place: &Place, name: &str) -> Self {
        let home = place.path(name);
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        Self { home }
    }

    fn gpg(&self, args: &[&str]) -> String {
        let output = Command::new("gpg")
            .env("GNUPGHOME", &self.home)
            .args(["--batch", "--quiet", "--passphrase", ""])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key, and gives the text of its public part.
    fn make(&self, more: &[&str], user: &str, expires: &str) -> String {
        let generate = ["--quick-generate-key", user, "ed25519", "sign", expires];
        self.gpg(&[more, &generate].concat());
        self.gpg(&["--armor", "--export", user])
    }

    fn sign(&self, repository: &Repository, args: &[&str]) {
        repository.git_with(args, &[("GNUPGHOME", &self.home)]);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .env("GNUPGHOME", &self.home)
            .args(["--kill", "all"])
            .status();
    }
}

const KEY: &str = "user.signingKey=signer@example.org";

#[test]
fn a_tag_is_good_if_exactly_the_key_of_the_definition_signed_it() {
    let place = Place::new();
    let keys = Keys::new(&place, "g");
    let other = Keys::new(&place, "h");
    place.write("key.pub", &keys.make(&[], "signer@example.org", "never"));
    other.make(&[], "signer@example.org", "never");
    let up = place.repository("up");
    keys.sign(&up, &["-c", KEY, "tag", "--sign", "--message=m", "good"]);
    other.sign(&up, &["-c", KEY, "tag", "--sign", "--message=m", "other"]);
    up.git(&["tag", "--annotate", "--message=m", "unsigned"]);
    up.git(&["tag", "light"]);
    // The signature of one tag under the name of another, and one whose content was changed.
    up.git(&["update-ref", "refs/tags/renamed", "refs/tags/good"]);
    let forged = up
        .git(&["cat-file", "tag", "good"])
        .replace("\nm\n", "\nforged\n")
        + "\n";
    let forged = place.write("forged", &forged.replace("tag good", "tag forged"));
    let forged = up.git(&["hash-object", "-t", "tag", "-w", forged.to_str().unwrap()]);
    up.git(&["update-ref", "refs/tags/forged", &forged]);

    let uri = up.uri();
    let add = |tag: &'static str| {
        [
            "add", &uri, "--name", tag, "--ref", tag, "--pubkey", "key.pub",
        ]
        .map(str::to_owned)
    };
    let run = |tag| {
        let args = add(tag);
        place.run(&args.each_ref().map(String::as_str))
    };
    let printed = run("good");
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let fingerprint = place.status("good")["signed_by"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        keys.gpg(&["--with-colons", "--list-keys"])
            .contains(&fingerprint)
    );
    let printed = place.good(&["verify", "good"]);
    assert!(
        printed.stderr.contains(&format!("signed by {fingerprint}")),
        "{}",
        printed.stderr
    );
    for (tag, told) in [
        ("other", "it was signed by"),
        ("unsigned", "it is not signed"),
        ("light", "it is a lightweight tag"),
        ("renamed", "it was signed as the tag `good`"),
        ("forged", "does not fit its content"),
    ] {
        let printed = run(tag);
        assert_eq!(printed.code, 2, "{tag}: {}", printed.stderr);
        let refused = format!("the tag `{tag}` is refused");
        assert!(
            printed.stderr.contains(&refused) && printed.stderr.contains(told),
            "{tag}: {}",
            printed.stderr
        );
        assert!(place.clones(tag).is_empty(), "{tag}");
        assert!(
            !place
                .path(&format!("home/config/test-providers.d/{tag}.ini"))
                .exists()
        );
    }
}

#[test]
fn an_update_to_what_is_not_signed_leaves_what_there_was() {
    let place = Place::new();
    let keys = Keys::new(&place, "g");
    place.write("key.pub", &keys.make(&[], "signer@example.org", "never"));
    let up = place.repository("up");
    up.write("x", "");
    up.git(&["add", "--all"]);
    keys.sign(
        &up,
        &[
            "-c",
            KEY,
            "commit",
            "--quiet",
            "--gpg-sign",
            "--message=signed",
        ],
    );
    let signed = up.head();
    place.good(&[
        "add",
        &up.uri(),
        "--name",
        "p",
        "--branch",
        "main",
        "--pubkey",
        "key.pub",
    ]);
    assert_eq!(place.status("p")["commit"], signed);
    up.write("y", "");
    let unsigned = up.commit("unsigned");
    place.bad(
        &["update", "p"],
        2,
        &[&format!(
            "the commit {unsigned} is refused: it is not signed"
        )],
    );
    let status = place.status("p");
    assert_eq!(
        (&status["commit"], &status["state"]),
        (&signed.into(), &"ready".into())
    );
    // Another key is another definition.
    place.write(
        "key.pub",
        &Keys::new(&place, "h").make(&[], "signer@example.org", "never"),
    );
    assert_eq!(place.status("p")["state"], "changed");
}

#[test]
fn a_key_that_has_expired_is_refused() {
    let place = Place::new();
    let keys = Keys::new(&place, "g");
    let long_ago = ["--faked-system-time", "20200101T000000"];
    place.write("key.pub", &keys.make(&long_ago, "signer@example.org", "1d"));
    let up = place.repository("up");
    let gpg = place.write(
        "gpg",
        "#!/bin/sh\nexec gpg --faked-system-time 20200101T120000 \"$@\"\n",
    );
    fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
    let program = format!("gpg.program={}", gpg.display());
    keys.sign(
        &up,
        &[
            "-c",
            KEY,
            "-c",
            &program,
            "tag",
            "--sign",
            "--message=m",
            "old",
        ],
    );
    place.bad(
        &[
            "add",
            &up.uri(),
            "--name",
            "p",
            "--ref",
            "old",
            "--pubkey",
            "key.pub",
        ],
        2,
        &["the tag `old` is refused: the key that signed it has expired"],
    );
}

#[test]
fn ssh_keys_sign_too() {
    let place = Place::new();
    for name in ["mine", "other"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(place.path(name))
            .status()
            .unwrap();
        assert!(made.success());
    }
    let up = place.repository("up");
    for (tag, key) in [("good", "mine"), ("bad", "other")] {
        let key = format!("user.signingKey={}", place.path(key).display());
        up.git(&[
            "-c",
            "gpg.format=ssh",
            "-c",
            &key,
            "tag",
            "--sign",
            "--message=m",
            tag,
        ]);
    }
    let uri = up.uri();
    let add = |tag| {
        [
            "add", &uri, "--name", tag, "--ref", tag, "--pubkey", "mine.pub",
        ]
    };
    place.good(&add("good"));
    let status = place.status("good");
    assert!(
        status["signed_by"].as_str().unwrap().starts_with("SHA256:"),
        "{status}"
    );
    place.good(&["verify", "good"]);
    place.bad(
        &add("bad"),
        2,
        &["the tag `bad` is refused: it was signed by SHA256:"],
    );
    // A signature of the other kind is none.
    let keys = Keys::new(&place, "g");
    place.write("mine.pub", &keys.make(&[], "signer@example.org", "never"));
    place.bad(
        &[
            "add", &uri, "--name", "p", "--ref", "good", "--pubkey", "mine.pub",
        ],
        2,
        &["the tag `good` is refused"],
    );
}

#[test]
fn what_is_no_single_public_key_is_refused() {
    let place = Place::new();
    let up = place.repository("up");
    up.git(&["tag", "--annotate", "--message=m", "v1"]);
    let keys = Keys::new(&place, "g");
    keys.make(&[], "one@example.org", "never");
    keys.make(&[], "two@example.org", "never");
    for (text, told) in [
        (keys.gpg(&["--armor", "--export"]), "holds 2 keys"),
        (
            keys.gpg(&["--armor", "--export-secret-keys", "one@example.org"]),
            "is a private key",
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(),
            "is a private key",
        ),
        ("hello\n".to_owned(), "is no public key"),
        (String::new(), "is no public key"),
        ("ssh-ed25519 nonsense\n".to_owned(), "is no public key"),
    ] {
        place.write("key.pub", &text);
        place.bad(
            &[
                "add",
                &up.uri(),
                "--name",
                "p",
                "--ref",
                "v1",
                "--pubkey",
                "key.pub",
            ],
            2,
            &["key.pub", told],
        );
    }
    place.bad(
        &["add", &up.uri(), "--name", "p", "--pubkey", "gone.pub"],
        2,
        &["cannot find gone.pub"],
    );
}
