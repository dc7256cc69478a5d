//! The auxiliary files of a pack, as its tests see them.

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
