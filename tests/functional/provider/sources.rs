//! Repositories: branches, tags, commits, updates, and no network.

use std::fs;

use super::fixture::Place;

#[test]
fn the_pinned_commit_is_used_until_an_update() {
    let place = Place::new();
    let up = place.repository("up");
    let one = up.head();
    place.good(&["add", &up.uri(), "--name", "p", "--branch", "main"]);
    up.write("qemu/tests/cfg/two.cfg", "- two:\n");
    let two = up.commit("two");
    assert_eq!(place.status("p")["commit"], one);
    let printed = place.run(&["update", "--check"]);
    assert_eq!(printed.code, 1, "{}", printed.stderr);
    assert_eq!(place.status("p")["commit"], one, "a check changes nothing");
    place.good(&["update", "p"]);
    let status = place.status("p");
    assert_eq!(status["commit"], two);
    assert!(
        fs::exists(place.path(&format!(
            "home/data/providers/p/{two}/qemu/tests/cfg/two.cfg"
        )))
        .unwrap()
    );
    place.good(&["update", "--check"]);
    // A job that began before the last update still has its files; the ones before that are gone.
    up.write("three", "");
    let three = up.commit("three");
    place.good(&["update"]);
    let mut left = [two, three];
    left.sort();
    assert_eq!(place.clones("p"), left);
}

#[test]
fn a_clone_is_shallow_and_brings_no_hooks() {
    let place = Place::new();
    let up = place.repository("up");
    up.write("x", "");
    let two = up.commit("two");
    place.good(&["add", &up.uri(), "--name", "p", "--branch", "main"]);
    let clone = place.path(&format!("home/data/providers/p/{two}"));
    assert!(clone.join(".git/shallow").exists());
    assert!(!clone.join(".git/hooks").exists());
}

#[test]
fn what_is_fetched_is_used_without_its_origin_and_without_git() {
    let place = Place::new();
    let up = place.repository("up");
    let bare = place.path("up.git");
    up.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let uri = format!("file://{}", bare.display());
    place.good(&["add", &uri, "--name", "p"]);
    assert_eq!(
        place.status("p")["kind"],
        "git",
        "a bare repository has no files to use in place"
    );
    fs::rename(&bare, place.path("elsewhere.git")).unwrap();
    let mut command = place.command(&["show", "p", "--json"]);
    command.env("PATH", "/nonexistent");
    let printed = vthost_tests::output(&mut command);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let shown: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(shown["state"], "ready");
    assert_eq!(shown["files"][0]["tests"].as_array().unwrap().len(), 1);
    let commit = shown["commit"].clone();
    place.bad(
        &["update"],
        2,
        &["cannot take provider `p`", "git cannot ask"],
    );
    assert_eq!(
        place.status("p")["commit"],
        commit,
        "a failed update changes nothing"
    );
    let mut command = place.command(&["update"]);
    command.env("PATH", "/nonexistent");
    let printed = vthost_tests::output(&mut command);
    assert_eq!(printed.code, 3, "the machine is not ready");
    assert!(
        printed.stderr.contains("cannot run `git`; install it"),
        "{}",
        printed.stderr
    );
}

#[test]
fn tags_and_commits_win_over_the_branch() {
    let place = Place::new();
    let up = place.repository("up");
    let one = up.head();
    up.git(&["tag", "v1"]);
    up.git(&["tag", "--annotate", "--message=annotated", "v1a"]);
    up.write("x", "");
    let two = up.commit("two");
    up.git(&["branch", "side"]);
    let uri = up.uri();
    for (name, args, commit) in [
        ("tag", &["--ref", "v1"][..], &one),
        ("annotated", &["--branch", "main", "--ref", "v1a"], &one),
        ("sha", &["--branch", "side", "--ref", &one], &one),
        ("short", &["--ref", &two[..10]], &two),
        ("branch", &["--branch", "side"], &two),
    ] {
        place.good(&[&["add", &uri, "--name", name], args].concat());
        assert_eq!(place.status(name)["commit"], **commit, "{name}");
    }
    place.bad(
        &["add", &uri, "--name", "x", "--ref", "v2"],
        2,
        &["has no tag and no commit `v2`; did you mean `v1`"],
    );
    place.bad(
        &["add", &uri, "--name", "x", "--ref", "side"],
        2,
        &["write `branch: side`"],
    );
    place.bad(
        &["add", &uri, "--name", "x", "--branch", "mian"],
        2,
        &["has no branch `mian`; did you mean `main`?"],
    );
    let nowhere = "f".repeat(40);
    place.bad(
        &["add", &uri, "--name", "x", "--ref", &nowhere],
        2,
        &[&nowhere],
    );
    assert!(place.clones("x").is_empty());
}

#[test]
fn a_commit_that_a_server_does_not_give_alone_comes_with_the_history() {
    let place = Place::new();
    let up = place.repository("up");
    let one = up.head();
    up.write("x", "");
    up.commit("two");
    // Version 0 of the protocol gives only what a name points to.
    let config = place.write("gitconfig", "[protocol]\nversion = 0\n");
    let mut command = place.command(&["add", &up.uri(), "--name", "p", "--ref", &one]);
    command.env("GIT_CONFIG_GLOBAL", &config);
    let printed = vthost_tests::output(&mut command);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(place.status("p")["commit"], one);
    let clone = place.path(&format!("home/data/providers/p/{one}"));
    assert!(
        !clone.join(".git/shallow").exists(),
        "the whole history was needed"
    );
}

#[test]
fn a_changed_definition_waits_for_an_update() {
    let place = Place::new();
    let up = place.repository("up");
    up.git(&["branch", "side"]);
    place.good(&["add", &up.uri(), "--name", "p", "--branch", "main"]);
    let text = format!(
        "[provider]\nuri: {}\nbranch: side\n[qemu]\nsubdir: qemu\n",
        up.uri()
    );
    place.define("p", &text);
    let status = place.status("p");
    assert_eq!(status["state"], "changed");
    assert!(
        status["reason"]
            .as_str()
            .unwrap()
            .contains("`branch` of provider `p` changed"),
        "{status}"
    );
    place.bad(
        &["verify", "p"],
        2,
        &["`vthost provider update p` fetches it anew"],
    );
    place.good(&["update", "p"]);
    assert_eq!(place.status("p")["state"], "ready");
}

#[test]
fn a_clone_that_somebody_changed_is_found_and_mended() {
    let place = Place::new();
    let up = place.repository("up");
    let one = up.head();
    place.good(&["add", &up.uri(), "--name", "p", "--branch", "main"]);
    place.good(&["verify"]);
    let changed = format!("home/data/providers/p/{one}/qemu/tests/cfg/boot.cfg");
    place.write(&changed, "changed\n");
    place.bad(
        &["verify", "p"],
        2,
        &[
            "was changed since it was fetched",
            "qemu/tests/cfg/boot.cfg",
        ],
    );
    place.good(&["update", "p"]);
    place.good(&["verify", "p"]);
    assert_eq!(fs::read_to_string(place.path(&changed)).unwrap(), "# one\n");
}

#[test]
fn the_environment_of_a_hook_does_not_lead_git_astray() {
    let place = Place::new();
    let (up, other) = (place.repository("up"), place.repository("other"));
    let mut command = place.command(&["add", &up.uri(), "--name", "p", "--branch", "main"]);
    command
        .env("GIT_DIR", other.path.join(".git"))
        .env("GIT_WORK_TREE", &other.path)
        .env("GIT_INDEX_FILE", other.path.join("index"));
    let printed = vthost_tests::output(&mut command);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(
        other.git(&["status", "--porcelain"]),
        "",
        "the other repository is as it was"
    );
    assert_eq!(
        other.git(&["for-each-ref", "--format=%(refname)"]),
        "refs/heads/main"
    );
    place.good(&["remove", "p"]);
    assert!(place.clones("p").is_empty());
    let pins = fs::read_to_string(place.path("home/data/providers/providers.lock")).unwrap();
    assert!(!pins.contains("\"p\""), "{pins}");
}

#[test]
fn a_damaged_lock_file_is_told() {
    let place = Place::new();
    place.write("home/data/providers/providers.lock", "{ \"version\": 1, ");
    place.bad(&["list"], 2, &["providers.lock is damaged; remove it"]);
    place.write(
        "home/data/providers/providers.lock",
        "{ \"version\": 9, \"providers\": {} }",
    );
    place.bad(&["list"], 2, &["later version of vthost"]);
}

#[test]
fn a_clone_is_what_was_committed_and_stays_so() {
    let place = Place::new();
    let repository = place.repository("up");
    // Attributes would have programs run and ends of lines changed; a submodule is not fetched.
    repository.write(".gitattributes", "*.cfg filter=evil\n*.txt text eol=crlf\n");
    repository.write("notes.txt", "one\ntwo\n");
    let commit = repository.commit("attributes");
    let link = format!("160000,{commit},qemu/tests/sub");
    repository.git(&["update-index", "--add", "--cacheinfo", &link]);
    repository.git(&["commit", "--quiet", "--message=link"]);
    let head = repository.head();
    place.good(&["add", &repository.uri(), "--name", "p", "--branch", "main"]);
    place.good(&["verify", "p"]);
    let clone = place.path("home/data/providers/p").join(&head);
    assert_eq!(
        fs::read_to_string(clone.join("notes.txt")).unwrap(),
        "one\ntwo\n"
    );
    // What lies in the place of the submodule was put there.
    let sub = clone.join("qemu/tests/sub");
    fs::create_dir_all(&sub).unwrap();
    fs::write(sub.join("evil.cfg"), "- z:\n    type = nothing\n").unwrap();
    place.bad(&["verify", "p"], 2, &["qemu/tests/sub"]);
}

#[test]
fn a_failed_addition_takes_back_only_its_own() {
    let place = Place::new();
    let repository = place.repository("up");
    let uri = repository.uri();
    place.good(&["add", &uri, "--name", "p", "--branch", "main"]);
    let definition = place.path("home/config/test-providers.d/p.ini");
    let text = fs::read_to_string(&definition).unwrap();
    fs::remove_file(&definition).unwrap();
    place.bad(
        &["add", &uri, "--name", "p", "--branch", "nope"],
        2,
        &["nope"],
    );
    // The definition that was set aside finds its clone again.
    fs::write(&definition, text).unwrap();
    assert_eq!(place.status("p")["state"], "ready");
}
