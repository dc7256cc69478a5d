//! Signing packs and checking signatures, with keys and signatures of the real `ssh-keygen`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vthost_tests::{Printed, output, pack, vthost};

struct Place {
    dir: TempDir,
}

impl Place {
    /// A directory with a pack, `p.wasm`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(pack("fixture-nothing"), dir.path().join("p.wasm")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pack(&self) -> PathBuf {
        self.path("p.wasm")
    }

    /// A key that OpenSSH made.
    fn key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"]);
        assert!(keygen.arg(&path).status().unwrap().success());
        path
    }

    fn sign(&self, key: &Path, args: &[&str]) -> Printed {
        let mut sign = vthost();
        sign.args(["pack", "sign"])
            .arg(self.pack())
            .arg("--key")
            .arg(key);
        sign.env_remove("VTHOST_KEY_PASSPHRASE");
        output(sign.args(args).stdin(Stdio::null()))
    }

    fn verify(&self, key: &Path) -> Printed {
        let mut verify = vthost();
        verify.args(["pack", "verify"]).arg(self.pack());
        output(verify.arg("--key").arg(key.with_extension("pub")))
    }

    /// Whether OpenSSH finds that a signature is one of a file.
    fn ssh_verifies(&self, signature: &Path, file: &Path, key: &Path) -> bool {
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let allowed = self.path("allowed");
        std::fs::write(&allowed, format!("author {public}")).unwrap();
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "author", "-n", "vthost-pack", "-f"])
            .arg(allowed)
            .arg("-s")
            .arg(signature)
            .stdin(std::fs::File::open(file).unwrap())
            .output()
            .unwrap()
            .status
            .success()
    }
}

#[test]
fn a_signed_pack_is_verified_by_its_key_and_by_no_other() {
    let place = Place::new();
    let (key, other) = (
        place.key("key", "ed25519", ""),
        place.key("other", "ed25519", ""),
    );
    let unsigned = place.verify(&key);
    assert!(
        unsigned.code == 1 && unsigned.stderr.contains("is not signed"),
        "{unsigned:?}"
    );
    assert_eq!(place.sign(&key, &[]).code, 0);
    let good = place.verify(&key);
    assert!(
        good.code == 0 && good.stdout.contains("good signature"),
        "{good:?}"
    );
    let bad = place.verify(&other);
    assert!(
        bad.code == 1 && bad.stderr.contains("not trusted"),
        "{bad:?}"
    );

    let mut inspect = vthost();
    inspect.args(["pack", "inspect"]).arg(place.pack());
    let unknown = output(&mut inspect);
    assert!(
        unknown.stdout.contains("(not trusted)"),
        "{}",
        unknown.stdout
    );
    let known = output(inspect.arg("--trusted").arg(place.path("key.pub")));
    assert!(known.stdout.contains("(trusted, key)"), "{}", known.stdout);
    let mut json = vthost();
    json.args(["pack", "verify", "--json"]).arg(place.pack());
    let json = output(&mut json);
    let object: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(
        json.code == 1 && object["signature"]["trusted"] == false,
        "{json:?}"
    );
    // A signed pack runs as before.
    let mut run = vthost();
    run.args(["run", "nothing", "--results"])
        .arg(place.path("results"));
    assert_eq!(output(run.arg("--provider").arg(place.pack())).code, 0);
}

#[test]
fn a_changed_pack_is_noticed() {
    let place = Place::new();
    let key = place.key("key", "ed25519", "");
    place.sign(&key, &[]);
    let mut bytes = std::fs::read(place.pack()).unwrap();
    let old = b"Does nothing.";
    let at = bytes
        .windows(old.len())
        .position(|part| part == old)
        .unwrap();
    bytes[at..at + old.len()].copy_from_slice(b"Does a thing.");
    std::fs::write(place.pack(), bytes).unwrap();
    let told = place.verify(&key);
    assert!(
        told.code == 1 && told.stderr.contains("does not match"),
        "{told:?}"
    );
}

#[test]
fn openssh_and_vthost_check_the_signatures_of_each_other() {
    let place = Place::new();
    let key = place.key("key", "ed25519", "");
    let before = place.path("before");
    std::fs::copy(place.pack(), &before).unwrap();
    let detached = place.path("p.wasm.sig");

    let signed = place.sign(&key, &["--detached"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    assert!(place.ssh_verifies(&detached, &place.pack(), &key));
    assert_eq!(
        std::fs::read(place.pack()).unwrap(),
        std::fs::read(&before).unwrap()
    );
    assert_eq!(place.verify(&key).code, 0);

    // The one inside is the same: what OpenSSH checks is the file from before.
    std::fs::remove_file(&detached).unwrap();
    place.sign(&key, &[]);
    let out = place.path("out");
    let mut extract = vthost();
    extract
        .args(["pack", "extract"])
        .arg(place.pack())
        .arg(&out);
    assert_eq!(output(&mut extract).code, 0);
    assert!(place.ssh_verifies(&out.join("signature.sig"), &before, &key));
    assert!(!place.ssh_verifies(&out.join("signature.sig"), &place.pack(), &key));

    for (namespace, code, told) in [
        ("vthost-pack", 0, "good signature"),
        ("file", 1, "was made for `file`"),
    ] {
        std::fs::copy(&before, place.pack()).unwrap();
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(&key);
        assert!(sign.arg(place.pack()).output().unwrap().status.success());
        let printed = place.verify(&key);
        assert_eq!(printed.code, code, "{printed:?}");
        assert!((printed.stdout + &printed.stderr).contains(told));
        std::fs::remove_file(&detached).unwrap();
    }
}

#[test]
fn a_key_that_does_not_open_or_is_of_another_kind_is_told() {
    let place = Place::new();
    let before = std::fs::read(place.pack()).unwrap();
    let closed = place.key("closed", "ed25519", "secret words");
    let none = place.sign(&closed, &[]);
    assert!(
        none.code == 2 && none.stderr.contains("VTHOST_KEY_PASSPHRASE"),
        "{none:?}"
    );
    let with = |passphrase: &str| {
        let mut sign = vthost();
        sign.args(["pack", "sign"])
            .arg(place.pack())
            .arg("--key")
            .arg(&closed);
        output(sign.env("VTHOST_KEY_PASSPHRASE", passphrase))
    };
    let wrong = with("other words");
    assert!(
        wrong.code == 2 && wrong.stderr.contains("does not open with this passphrase"),
        "{wrong:?}"
    );
    let kind = place.sign(&place.key("rsa", "rsa", ""), &[]);
    assert!(
        kind.code == 2 && kind.stderr.contains("of the kind ssh-rsa"),
        "{kind:?}"
    );
    let public = place.sign(&place.path("rsa.pub"), &[]);
    assert!(
        public.code == 2 && public.stderr.contains("is no key"),
        "{public:?}"
    );
    assert_eq!(
        std::fs::read(place.pack()).unwrap(),
        before,
        "nothing was signed"
    );
    assert_eq!(with("secret words").code, 0);
    assert_eq!(place.verify(&closed).code, 0);
}
