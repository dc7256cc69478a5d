//! What a pack carries for its tests: auxiliary files, and limits.

use vthost_metadata::Status;
use vthost_tests::{output, pack, run, vthost};

#[test]
fn a_test_reads_the_files_of_its_pack_and_cannot_change_them() {
    let job = run(&["fixture-deps"], &[]);
    job.assert_statuses(&[Status::Pass, Status::Pass]);
}

#[test]
fn what_a_pack_carries_is_shown_as_a_machine_reads_it() {
    let printed = output(
        vthost()
            .args(["pack", "inspect", "--json"])
            .arg(pack("fixture-deps")),
    );
    let object: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(object["manifest"]["deps"][1]["path"], "scripts/run.sh");
    assert_eq!(object["manifest"]["limits"]["deadline"], 60);
    assert_eq!(object["signature"], serde_json::Value::Null);
    let run = |export: &serde_json::Value| export == "run";
    assert!(object["exports"].as_array().unwrap().iter().any(run));
}

/// Builds a pack of the code of another one with these limits, runs it, and gives what it printed.
fn limited(code: &str, test: &str, limits: &str, args: &[&str]) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("cfg")).unwrap();
    write(
        "pack.toml",
        &format!("name = \"limited\"\n[limits]\n{limits}\n"),
    );
    write(
        "cfg/tests.cfg",
        &format!("vms =\nmain_vm =\nvariants:\n    - {test}:\n        type = {test}\n"),
    );
    let mut build = vthost();
    build.args(["pack", "build"]).arg(dir.path());
    let built = output(build.arg("--component").arg(pack(code)));
    if built.code != 0 {
        return (built.code, built.stderr);
    }
    let mut run = vthost();
    run.args(["run", "--results"])
        .arg(dir.path().join("results"));
    run.arg("--provider").arg(dir.path().join("limited.wasm"));
    let ran = output(run.args(args));
    (ran.code, ran.stdout)
}

#[test]
fn a_test_gets_what_its_pack_gets_by_with() {
    let told = |limits: &str| limited("fixture-alloc", "alloc", limits, &[]).1;
    let memory = "limit:memory: the test needs more than 8 MiB";
    assert!(
        told("memory-mib = 8").contains(memory),
        "{}",
        told("memory-mib = 8")
    );
    let spin = |args: &[&str]| limited("fixture-spin", "spin", "deadline-seconds = 1", args).1;
    let told = spin(&[]);
    assert!(told.contains("took longer than 1 s"), "{told}");
    // What the operator sets comes first.
    let told = spin(&["--extra-params", "test_timeout=2"]);
    assert!(told.contains("took longer than 2 s"), "{told}");
    let (code, told) = limited("fixture-spin", "spin", "memory-mib = 4096", &[]);
    assert!(
        code == 2 && told.contains("sets memory-mib = 4096; a test can have from 1 to 256"),
        "{told}"
    );
}
