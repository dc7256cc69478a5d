//! Deny by default: told up front, skipped, and nothing started.

use vthost_metadata::Status;
use vthost_tests::run;

#[test]
fn an_ungranted_interface_is_refused_before_any_machine_starts() {
    let job = run(
        &["fixture-denied", "fixture-nothing"],
        &["interface", "fixture-nothing.nothing"],
    );
    job.assert_statuses(&[Status::Skip, Status::Pass]);
    let told = "denied: the import of vthost:host/raw-qmp@0.1.0 by pack fixture-denied (rule ungranted-interface); to allow it: --grant raw-qmp";
    assert_eq!(job.reasons()[0], told);
    assert!(
        job.stderr.contains(told),
        "it is told up front: {}",
        job.stderr
    );
    job.assert_clean(0);
}

#[test]
fn a_grant_links_the_interface() {
    let job = run(&["fixture-denied"], &["interface", "--grant", "raw-qmp"]);
    job.assert_statuses(&[Status::Pass]);
    job.assert_clean(1);
}

#[test]
fn the_configuration_of_a_pack_is_trusted_as_little_as_the_pack() {
    let grant = ["--grant", "raw-qmp"];
    let job = run(
        &["fixture-denied"],
        &[&["key", "outside"][..], &grant].concat(),
    );
    job.assert_statuses(&[Status::Skip, Status::Skip]);
    let reasons = job.reasons();
    assert!(
        reasons[0].starts_with(
            "denied: the setting of `extra_params` by fixture-denied:generic/tests.cfg:7"
        ) && reasons[0].ends_with("to allow it: --grant qemu-args"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].ends_with("to allow it: --grant host-files"),
        "{reasons:?}"
    );
    job.assert_clean(0);
    assert_eq!(
        job.code, 4,
        "a job in which everything is denied is not a good job"
    );
}

#[test]
fn names_do_not_lead_out_of_their_directories() {
    let args = [
        "climbing",
        "climbing_image",
        "--grant",
        "raw-qmp",
        "--extra-params",
        "image_name=images/jeos-12-x86_64",
    ];
    let job = run(&["fixture-denied"], &args);
    job.assert_statuses(&[Status::Error, Status::Error]);
    for reason in job.reasons() {
        assert!(
            reason.contains("`../../../tmp/vthost-climbed` cannot be the name"),
            "{reason}"
        );
    }
    job.assert_clean(0);
}

#[test]
fn what_the_operator_sets_is_allowed() {
    let job = run(
        &["tp-qemu"],
        &[
            "qmp_basic",
            "--extra-params",
            "extra_params=-device pci-testdev",
        ],
    );
    job.assert_statuses(&[Status::Pass]);
    assert!(
        job.file("test-results/1-tp-qemu.qmp_basic/qemu-avocado-vt-vm1.cmdline")
            .contains("pci-testdev")
    );
}
