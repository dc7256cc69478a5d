//! The first pack of an author.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use vthost_tests::{binary, output, vthost};

/// The root of this workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_template_builds_and_runs_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("tp-hello");
    let mut new = vthost();
    new.args(["pack", "new", "--lang", "rust", "tp-hello", "--sdk"])
        .arg(root())
        .current_dir(dir.path());
    let made = output(&mut new);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let twice = output(&mut new);
    assert!(
        twice.code == 2 && twice.stderr.contains("is there already"),
        "{}",
        twice.stderr
    );

    // The versions that this workspace was built with, so that nothing is fetched.
    std::fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    // Not below the temporary directory, so that a second run has its libraries already.
    let target = binary().ancestors().nth(2).unwrap().join("pack-new");
    let mut build = vthost();
    build.args(["pack", "build"]).arg(&package);
    build
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_NET_OFFLINE", "true");
    let built = output(&mut build);
    assert_eq!(built.code, 0, "{}", built.stderr);
    let pack = target.join("packs/tp-hello.wasm");
    assert!(
        built.stderr.contains(&format!("to {}", pack.display())),
        "{}",
        built.stderr
    );

    let mut list = vthost();
    let listed = output(list.args(["list", "--provider"]).arg(&pack));
    assert!(
        listed.stdout.contains("tp-hello.hello.moon") && listed.stdout.contains("2 tests"),
        "{}{}",
        listed.stdout,
        listed.stderr
    );
    let mut run = vthost();
    run.args(["run", "--results"])
        .arg(dir.path().join("results"));
    let ran = output(run.arg("--provider").arg(&pack));
    assert!(
        ran.code == 0 && ran.stdout.contains("tp-hello.hello.world: PASS"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );

    // A mistake in the code is cargo's to tell, and the older pack stays.
    let before = std::fs::read(&pack).unwrap();
    std::fs::write(package.join("src/lib.rs"), "fn broken( {}\n").unwrap();
    let broken = output(&mut build);
    assert!(
        broken.code == 2
            && broken.stderr.contains("src/lib.rs:1")
            && broken
                .stderr
                .contains("error: the package tp-hello does not compile"),
        "{}",
        broken.stderr
    );
    assert_eq!(std::fs::read(&pack).unwrap(), before);
}

#[test]
fn what_cannot_be_begun_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let new = |args: &[&str]| {
        let mut new = vthost();
        new.args(["pack", "new"]).args(args).current_dir(dir.path());
        output(new.env_remove("VTHOST_SDK"))
    };
    for (args, told) in [
        (&["--lang", "cobol", "x"][..], "there is one for rust"),
        (&["--lang", "rst", "x"], "did you mean `rust`?"),
        (&["a b"], "cannot be the name of a pack"),
        (&["1x"], "must begin with a letter"),
        (&["x", "--sdk", "nowhere"], "there is no SDK in nowhere"),
    ] {
        let printed = new(args);
        assert!(
            printed.code == 2 && printed.stderr.contains(told),
            "{args:?}: {}",
            printed.stderr
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_built_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let build = || output(vthost().args(["pack", "build"]).arg(dir.path()));
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    assert!(
        build()
            .stderr
            .contains("neither a Cargo.toml nor a pack.toml")
    );
    write("pack.toml", "componnet = \"x\"\n");
    let told = build();
    assert!(
        told.code == 2
            && told.stderr.contains("pack.toml:1:1: unknown field")
            && told.stderr.contains("did you mean `component`?"),
        "{}",
        told.stderr
    );
    write("pack.toml", "component = \"gone.wasm\"\n");
    let told = build();
    assert!(
        told.code == 2 && told.stderr.contains("gone.wasm"),
        "{}",
        told.stderr
    );
    std::fs::remove_file(dir.path().join("pack.toml")).unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    write("src/lib.rs", "");
    write("Cargo.toml", "[package]\nname = \"x\"\n[workspace]\n");
    let told = build();
    assert!(
        told.code == 2 && told.stderr.contains("crate-type"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_machine_that_cannot_compile_is_told_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("x");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir_all(package.join("src")).unwrap();
    write("x/src/lib.rs", "");
    let toml = "[package]\nname = \"x\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    write("x/Cargo.toml", toml);
    // A compiler that has the libraries of this machine and of no other target.
    write(
        "rustc",
        "#!/bin/sh\ncase \"$*\" in *wasm32*) exec rustc \"$@\" --sysroot /nowhere;; esac\nexec rustc \"$@\"\n",
    );
    let rustc = dir.path().join("rustc");
    std::fs::set_permissions(&rustc, PermissionsExt::from_mode(0o755)).unwrap();
    let build = |key: &str, value: &Path| {
        let mut build = vthost();
        build.args(["pack", "build"]).arg(&package);
        output(build.env(key, value))
    };
    let no_target = build("RUSTC", &rustc);
    assert!(
        no_target.code == 3 && no_target.stderr.contains("rustup target add wasm32-wasip2"),
        "{}",
        no_target.stderr
    );
    let no_cargo = build("CARGO", Path::new("/nowhere/cargo"));
    assert!(
        no_cargo.code == 3 && no_cargo.stderr.contains("cannot run cargo"),
        "{}",
        no_cargo.stderr
    );
}
