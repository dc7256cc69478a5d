//! The real configuration of tp-qemu as a provider, against what the reference makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vthost_cartesian::{JsonWriter, Variant};
use vthost_metadata::{ListEntry, TestKind};
use vthost_provider::{CfgFiles, CfgSet, Dirs, Provider, Selection};
use vthost_tests::{output, tp_qemu, vthost};

/// The part of a name that tells the host that it was made on.
static HOST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"HostCpuFamily\.\S*?Host_arch_\w+").unwrap());

/// Names in any order, as ours differs within a block, and without the host.
fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let names = names.into_iter();
    let mut names: Vec<String> = names
        .map(|name| HOST.replace_all(&name, "HOST").into_owned())
        .collect();
    names.sort();
    names
}

/// The guest in the name of a variant.
fn guest(name: &str) -> &str {
    let (_, rest) = name.split_once("Guest.").unwrap();
    rest.split_once(".HostCpuFamily").unwrap().0
}

/// The provider, and a home of vthost.
pub(crate) struct Lab {
    pub(crate) dir: TempDir,
}

impl Lab {
    /// None, and a word about it, where the corpus is not there.
    pub(crate) fn new() -> Option<Self> {
        if tp_qemu::corpus().is_none() {
            println!("skipped: the corpus is not there");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        tp_qemu::unpack("tp-qemu-cfg.tar.xz", dir.path()).unwrap();
        tp_qemu::unpack("tp-qemu-expected.tar.xz", dir.path()).unwrap();
        let subtests = fs::read_to_string(dir.path().join("tp-qemu/subtests.cfg")).unwrap();
        tp_qemu::lay_out(&subtests, &dir.path().join(tp_qemu::NAME)).unwrap();
        Some(Self { dir })
    }

    /// Makes the reference's own configuration the operator's, but for the tests.
    fn with_the_references_cfg(self) -> Self {
        self.take(|name| name != "subtests.cfg");
        self
    }

    /// Makes files of the reference the operator's.
    pub(crate) fn take(&self, is_wanted: impl Fn(&str) -> bool) {
        let cfg = self.dir.path().join("home/config/cfg");
        fs::create_dir_all(&cfg).unwrap();
        for entry in fs::read_dir(self.dir.path().join("tp-qemu")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if is_wanted(name.to_str().unwrap()) {
                fs::copy(entry.path(), cfg.join(name)).unwrap();
            }
        }
    }

    /// The files that a job reads.
    pub(crate) fn files(&self) -> CfgFiles {
        let provider = Provider::open_dir(&self.dir.path().join(tp_qemu::NAME)).unwrap();
        let dirs = Dirs::below(&self.dir.path().join("home"));
        CfgFiles::new(&dirs, &[provider], "qemu")
    }

    /// What the reference's default run selects.
    pub(crate) fn default_variants(&self) -> Vec<Variant> {
        let set = CfgSet::new(self.files()).unwrap();
        let selection = Selection {
            guest_os: Some("JeOS.27.x86_64".to_owned()),
            ..Selection::default()
        };
        set.select(&selection).unwrap()
    }

    fn list(&self, args: &[&str]) -> Vec<ListEntry> {
        let printed = output(
            vthost()
                .env("VTHOST_HOME", self.dir.path().join("home"))
                .args(["list", "--json", "--provider"])
                .arg(self.dir.path().join(tp_qemu::NAME))
                .args(args),
        );
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let entry = |line| serde_json::from_str(line).unwrap();
        printed.stdout.lines().map(entry).collect()
    }

    /// The names of an expansion of the reference.
    fn expected(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join(file)).unwrap();
        let name = |line: &str| line.split_once(' ').unwrap().1.to_owned();
        text.lines().map(name).collect()
    }
}

#[test]
fn the_generated_configuration_is_the_references() {
    let Some(lab) = Lab::new().map(Lab::with_the_references_cfg) else {
        return;
    };
    let listed = lab.list(&["--guest-os", "JeOS.27.x86_64"]);
    let expected = lab.expected("default.txt");
    assert_eq!(listed.len(), expected.len());
    for (entry, expected) in listed.iter().zip(&expected) {
        assert_eq!(entry.variant, *expected);
    }
    let named = |name: &str| listed.iter().find(|entry| entry.name == name);
    assert!(
        named("type_specific.io-github-autotest-qemu.nvdimm.nvdimm_readonly.unarmed_off").is_some()
    );
    let boot = named("io-github-autotest-qemu.boot").unwrap();
    let source = boot.source.as_ref().unwrap();
    assert!(
        source.contains("/generic/tests/cfg/") && source.contains("boot.cfg:"),
        "{source}"
    );
    assert!(listed.iter().all(|entry| entry.kind == TestKind::NoTest));
    let kinds = listed.iter().fold(BTreeMap::new(), |mut kinds, entry| {
        *kinds.entry(entry.provider.as_str()).or_insert(0) += 1;
        kinds
    });
    assert_eq!(kinds, BTreeMap::from([(tp_qemu::NAME, 4_663)]));
}

#[test]
fn every_key_of_the_generated_configuration_is_the_references() {
    let Some(lab) = Lab::new().map(Lab::with_the_references_cfg) else {
        return;
    };
    let mut writer = JsonWriter::default();
    let variants = lab.default_variants();
    let ours = variants.iter().map(|variant| {
        let digest = Sha256::digest(writer.write(variant));
        let digest = u64::from_be_bytes(digest[..8].try_into().unwrap());
        format!("{digest:016x} {}", variant.name())
    });
    let text = fs::read_to_string(lab.dir.path().join("default.txt")).unwrap();
    for (ours, theirs) in ours.zip(text.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(variants.len(), text.lines().count());
}

/// The names that our own configuration gives, against the reference's.
fn same_names(file: &str, args: &[&str]) {
    let Some(lab) = Lab::new() else {
        return;
    };
    let listed = lab.list(args).into_iter().map(|entry| entry.variant);
    let (ours, theirs) = (sorted(listed), sorted(lab.expected(file)));
    let absent = theirs.iter().find(|name| ours.binary_search(name).is_err());
    let extra = ours.iter().find(|name| theirs.binary_search(name).is_err());
    assert_eq!((absent, extra), (None, None));
    assert_eq!(ours, theirs);
}

#[test]
fn our_configuration_gives_the_same_tests_for_jeos() {
    same_names("default.txt", &["--guest-os", "JeOS.27.x86_64"]);
}

#[test]
fn our_configuration_gives_the_same_tests_for_windows() {
    let hardware = [
        "--machine-type",
        "q35",
        "--only",
        "raw",
        "--only",
        "virtio_scsi",
    ];
    same_names(
        "win10-q35.txt",
        &[&["--guest-os", "Win10.x86_64"], &hardware[..]].concat(),
    );
}

#[test]
fn every_guest_of_both_boots() {
    let Some(lab) = Lab::new() else {
        return;
    };
    let args = [
        "boot",
        "--machine-type",
        "q35",
        "--guest-os",
        "Guest",
        "--only",
        "virtio_scsi",
    ];
    let ours: Vec<String> = lab
        .list(&args)
        .into_iter()
        .map(|entry| entry.variant)
        .collect();
    let theirs = lab.expected("boot-all-guests.txt");
    let both = |names: &[String], others: &[String]| {
        let is_in = |name: &&String| others.iter().any(|other| guest(other) == guest(name));
        sorted(names.iter().filter(is_in).cloned())
    };
    let (mine, other) = (both(&ours, &theirs), both(&theirs, &ours));
    assert!(mine.len() >= 15, "{}", mine.len());
    assert_eq!(mine, other);
}
