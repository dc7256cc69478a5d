//! A pack names files, images, devices and machines that are not its own.

use vthost_metadata::Status;
use vthost_tests::run;

#[test]
fn nothing_is_reached_by_a_name() {
    let job = run(
        &["fixture-reach"],
        &[
            "reach_images",
            "reach_machines",
            "reach_files",
            "reach_devices",
        ],
    );
    job.assert_statuses(&[Status::Pass; 4]);
    job.assert_clean(2);
}
