//! Definitions: written by hand, written by `add`, mistaken.

use std::fs;
use std::os::unix::fs::symlink;

use super::fixture::Place;
use vthost_tests::pack;

#[test]
fn a_file_as_in_the_guide_uses_a_checkout_where_it_is() {
    let place = Place::new();
    let repository = place.repository("code/tp-libvirt");
    repository.write("libvirt/tests/cfg/a.cfg", "- a:\n");
    // As the guide writes it: some of the directories are not there.
    place.define(
        "user-libvirt",
        &format!(
            "[provider]\nuri: {}\n[libvirt]\nsubdir: libvirt/\n[lvsb]\nsubdir: lvsb/\n",
            repository.uri()
        ),
    );
    let status = place.status("user-libvirt");
    assert_eq!(status["kind"], "directory");
    assert_eq!(status["state"], "ready");
    assert_eq!(status["backends"][0]["name"], "libvirt");
    assert_eq!(
        status["warnings"][0],
        "backend `lvsb` has no tests: there is no directory `lvsb`"
    );
    // What is edited counts at once, without a commit and without an update.
    repository.write("libvirt/tests/cfg/b.cfg", "- b:\n");
    let shown = place.good(&["show", "user-libvirt", "--json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["files"][0]["tests"].as_array().unwrap().len(), 2);
    assert!(place.clones("user-libvirt").is_empty());
}

#[test]
fn the_guides_two_slashes_mean_the_root() {
    let place = Place::new();
    let repository = place.repository("tests");
    let without_slash = repository.uri().replace("file:///", "file://");
    place.define(
        "local",
        &format!("[provider]\nuri: {without_slash}\n[qemu]\nsubdir: qemu/\n"),
    );
    assert_eq!(place.status("local")["state"], "ready");
}

#[test]
fn a_broken_definition_hides_no_other_and_names_its_line() {
    let place = Place::new();
    let repository = place.repository("good");
    place.define(
        "good",
        &format!(
            "[provider]\nuri: {}\n[qemu]\nsubdir: qemu\n",
            repository.uri()
        ),
    );
    place.define("bad", "[provider]\nuri: file:///t\nbrnch: main\n[qemu]\n");
    place.define("gone", "[provider]\nuri: file:///nowhere/at/all\n[qemu]\n");
    let listed = place.good(&["list"]).stdout;
    assert!(
        listed.contains("bad.ini:3: `brnch` is no key of `[provider]`; did you mean `branch`?"),
        "{listed}"
    );
    assert!(listed.contains("is not there: /nowhere/at/all"), "{listed}");
    assert_eq!(place.status("good")["state"], "ready");
    assert_eq!(place.status("bad")["state"], "broken");
    let printed = place.bad(&["update"], 2, &["bad.ini:3"]);
    assert!(printed.stderr.contains("Fresh good"), "{}", printed.stderr);
    place.bad(&["show", "godo"], 4, &["did you mean `gone` or `good`?"]);
}

#[test]
fn an_operators_definition_wins_and_removing_it_brings_the_other_back() {
    let place = Place::new();
    let (one, two) = (place.repository("one"), place.repository("two"));
    let text = |uri: &str| format!("[provider]\nuri: {uri}\n[qemu]\nsubdir: qemu\n");
    place.write("home/data/test-providers.d/p.ini", &text(&one.uri()));
    place.define("p", &text(&two.uri()));
    assert_eq!(place.status("p")["uri"], two.uri());
    let printed = place.good(&["remove", "p"]);
    assert!(
        printed
            .stderr
            .contains("data/test-providers.d/p.ini defines p"),
        "{}",
        printed.stderr
    );
    assert_eq!(place.status("p")["uri"], one.uri());
    assert!(two.path.join("qemu").is_dir(), "the directory itself stays");
}

#[test]
fn add_finds_name_and_backends() {
    let place = Place::new();
    let repository = place.repository("tp-mine");
    let printed = place.good(&["add", "tp-mine"]);
    assert_eq!(printed.stdout, "tp-mine\n");
    let written =
        fs::read_to_string(place.path("home/config/test-providers.d/tp-mine.ini")).unwrap();
    assert_eq!(
        written,
        format!(
            "[provider]\nuri: {}\n\n[generic]\nsubdir: generic/\n\n[qemu]\nsubdir: qemu/\n",
            repository
                .path
                .canonicalize()
                .map(|path| format!("file://{}", path.display()))
                .unwrap()
        )
    );
    place.bad(
        &["add", "tp-mine"],
        2,
        &["there is a provider `tp-mine` already", "--name"],
    );
    place.good(&[
        "add",
        "tp-mine",
        "--name",
        "other",
        "--backend",
        "my_own=qemu",
    ]);
    assert_eq!(place.status("other")["backends"][0]["name"], "my_own");
    place.bad(
        &["add", "tp-mine/qemu", "--name", "inner"],
        2,
        &[
            "has no directory that is named after a backend",
            "--backend qemu=SUBDIR",
        ],
    );
    place.good(&[
        "add",
        "tp-mine/qemu",
        "--name",
        "inner",
        "--backend",
        "qemu=",
    ]);
    assert_eq!(place.status("inner")["state"], "ready");
    place.bad(
        &["add", "home/config/test-providers.d/inner.ini"],
        2,
        &["is a definition; copy it to"],
    );
}

#[test]
fn a_pack_is_a_provider() {
    let place = Place::new();
    let tp_qemu = pack("tp-qemu");
    let printed = place.good(&["add", tp_qemu.to_str().unwrap(), "--json"]);
    let status: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(
        (status["name"].as_str(), status["kind"].as_str()),
        (Some("tp-qemu"), Some("pack"))
    );
    let porting = place
        .good(&["show", "tp-qemu", "--porting", "--json"])
        .stdout;
    let porting: serde_json::Value = serde_json::from_str(&porting).unwrap();
    assert_eq!(porting["ported"], porting["variants"]);
    let text = place.write("text.wasm", "no pack");
    place.bad(
        &["add", text.to_str().unwrap()],
        2,
        &["is not a WebAssembly component"],
    );
    assert!(!place.path("home/config/test-providers.d/text.ini").exists());
}

#[test]
fn what_would_run_a_program_or_an_option_is_refused() {
    let place = Place::new();
    let repository = place.repository("up");
    let touched = place.path("touched");
    let evil = format!("ext::sh -c touch% {}", touched.display());
    place.bad(
        &["add", &evil, "--name", "p"],
        2,
        &["`ext::` runs a program"],
    );
    place.bad(
        &["add", "fd::3", "--name", "p"],
        2,
        &["`fd::` runs a program"],
    );
    let upload = format!("--upload-pack=touch {}", touched.display());
    place.bad(&["add", "--name", "p", "--", &upload], 2, &["is an option"]);
    for key in ["--branch", "--ref"] {
        let value = format!("{key}={upload}");
        place.bad(
            &["add", &repository.uri(), "--name", "p", &value],
            2,
            &["cannot be a"],
        );
    }
    let ssh = format!("ssh://-oProxyCommand=touch% {}/x", touched.display());
    place.bad(&["add", &ssh, "--name", "p"], 2, &["is an option"]);
    place.bad(
        &["add", "http://127.0.0.1:9/x.git", "--name", "p"],
        2,
        &["without proof of who sent it"],
    );
    place.bad(
        &[
            "add",
            &repository.uri(),
            "--name",
            "p",
            "--backend",
            "qemu=../..",
        ],
        2,
        &["leads out of the provider"],
    );
    assert!(!touched.exists());
    assert!(!place.path("home/config/test-providers.d/p.ini").exists());
}

#[test]
fn links_out_of_a_provider_are_refused() {
    let place = Place::new();
    let repository = place.repository("up");
    let secret = place.write("secret/cfg/s.cfg", "secret");
    symlink(&secret, repository.path.join("qemu/tests/cfg/s.cfg")).unwrap();
    symlink(place.path("secret"), repository.path.join("v2v")).unwrap();
    repository.commit("links");
    let uri = repository.uri();
    place.good(&[
        "add",
        &uri,
        "--name",
        "p",
        "--branch",
        "main",
        "--backend",
        "qemu=qemu",
    ]);
    // It is there to be looked at, and not to be used.
    let shown = place.good(&["show", "p"]);
    let told = "qemu/tests/cfg/s.cfg leads out of the provider";
    assert!(
        shown.stdout.contains("broken") && shown.stdout.contains(told),
        "{}",
        shown.stdout
    );
    place.bad(
        &[
            "add",
            &uri,
            "--name",
            "q",
            "--branch",
            "main",
            "--backend",
            "v2v=v2v",
        ],
        2,
        &["v2v leads out of the provider"],
    );
    assert!(place.clones("q").is_empty(), "nothing is left of it");
}
