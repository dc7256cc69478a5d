//! What a pack sees of the host, and a guest.

use std::io::Write;
use std::net::TcpListener;

use vthost_metadata::Status;
use vthost_tests::run;

#[test]
fn a_pack_has_its_own_directory_and_nothing_else() {
    let job = run(&["fixture-nothing"], &["sandbox"]);
    job.assert_statuses(&[Status::Pass]);
    assert_eq!(
        job.file("test-results/1-fixture-nothing.sandbox/data/note"),
        "kept"
    );
    assert!(job.log().contains("a line on standard output"));
}

#[test]
fn a_guest_does_not_reach_the_host() {
    // A service of the host's loopback, which QEMU's own network would show to the guest as 10.0.2.2.
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in service.incoming().flatten() {
            let _ = (&stream).write_all(b"secret");
        }
    });
    let host_port = format!("host_port={port}");
    let args = ["network", "--extra-params", &host_port];
    let job = run(&["fixture-guest"], &args);
    job.assert_statuses(&[Status::Pass]);
    // The same guest without the restriction reaches it: the test above can fail.
    let open = run(
        &["fixture-guest"],
        &[&args[..], &["--extra-params", "net_restrict=no"]].concat(),
    );
    open.assert_statuses(&[Status::Fail]);
}

#[test]
fn qemu_is_confined() {
    let job = run(&["tp-qemu"], &["qmp_basic"]);
    assert!(
        job.log().contains("is confined: seccomp true"),
        "{}",
        job.log()
    );
    let command = job.file("test-results/1-tp-qemu.qmp_basic/qemu-avocado-vt-vm1.cmdline");
    assert!(command.contains("spawn=deny"), "{command}");
}
