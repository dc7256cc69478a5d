//! Devices that come and go in a real guest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vthost_qemu::migration::MigrationOptions;
use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{DriveInterface, Netdev, Nic, Serial, SerialKind};

use crate::common::{Bench, LONG, binary};
use crate::guest::{Shell, linux};
use crate::plug::{dimm, drive, free_vcpu};

/// How long a guest may take to let a device go.
const LET_GO: Duration = Duration::from_secs(120);

/// The whole way with a real guest: it sees what comes, uses it, lets it go, and keeps it in a migration.
#[tokio::test(flavor = "multi_thread")]
async fn a_linux_guest_takes_and_gives_devices() {
    let bench = Bench::new();
    let begun = Instant::now();
    let machine = bench.started(linux(&bench, "vm1")).await;
    machine.cont().await.expect("runs");
    let shell = Shell::login(&machine).await;
    println!("logged in after {:?}", begun.elapsed());
    let machine = Arc::new(machine);

    let mut disk = drive(&bench, "disk2", DriveInterface::VirtioBlk);
    disk.serial = Some("HOT2".to_owned());
    let step = Instant::now();
    machine.plug(disk.clone()).await.expect("plugged");
    shell.until("[ -b /dev/vdb ]").await;
    println!("disk after {:?}", step.elapsed());
    let text = "dd if=/dev/zero bs=1M count=4 2>/dev/null | tr '\\0' 'x' | dd of=/dev/vdb conv=fsync 2>/dev/null";
    shell.run(text).await;
    assert_eq!(shell.run("cat /sys/block/vdb/serial").await.trim(), "HOT2");

    let step = Instant::now();
    let nic = machine
        .plug(Nic::virtio_user("nic2", &[22]))
        .await
        .expect("plugged");
    shell.until("ip -4 addr show dev eth1 | grep -q inet").await;
    println!("nic with an address after {:?}", step.elapsed());
    assert_eq!(nic.forwards.len(), 1);

    let step = Instant::now();
    let before = shell.run("nproc").await;
    let vcpu = free_vcpu(&machine, "vcpu1").await;
    machine.plug(vcpu).await.expect("plugged");
    shell
        .until("[ -d /sys/devices/system/cpu/cpu1 ] && { [ $(cat /sys/devices/system/cpu/cpu1/online) = 1 ] || echo 1 > /sys/devices/system/cpu/cpu1/online; }")
        .await;
    shell.until("[ $(nproc) = 2 ]").await;
    assert_eq!(before.trim(), "1");
    println!("processor after {:?}", step.elapsed());

    let step = Instant::now();
    machine.plug(dimm("mem1", 128)).await.expect("plugged");
    shell
        .until("ls /sys/devices/system/memory/ | grep -q memory32")
        .await;
    println!("memory after {:?}", step.elapsed());

    let port = Serial {
        name: "port2".to_owned(),
        kind: SerialKind::VirtioPort {
            name: Some("org.test.2".to_owned()),
            number: None,
        },
    };
    machine.plug(port).await.expect("plugged");
    shell
        .until("grep -qx org.test.2 /sys/class/virtio-ports/*/name")
        .await;
    // The name comes a moment after the port, so that the guest's own link may be missing.
    let port = "/dev/$(grep -lx org.test.2 /sys/class/virtio-ports/*/name | cut -d/ -f5)";
    let mut output = machine
        .console("port2")
        .expect("a port")
        .subscribe(Replay::All);
    shell
        .run(&format!("echo hello from the guest > {port}"))
        .await;
    output
        .wait_for_bytes(b"hello from the guest", LONG)
        .await
        .expect("heard");

    // The balloon is of the specification.
    machine.balloon(320, LET_GO).await.expect("the guest lends");
    machine.balloon(384, LET_GO).await.expect("and takes back");

    // A machine that takes over has the same devices in the same places.
    let step = Instant::now();
    machine
        .unplug("port1", LET_GO)
        .await
        .expect("one of the specification");
    let target = match machine.start_destination(&binary()).await {
        Ok(target) => Arc::new(target),
        Err(error) => panic!("the destination did not start: {error:#?}"),
    };
    let options = MigrationOptions::default();
    let migration = machine.migrate(&target, &options).await.expect("begins");
    let machine = match migration.finish(LET_GO).await {
        Ok((machine, status)) => {
            println!(
                "migrated after {:?}: {status}, downtime {:?} ms",
                step.elapsed(),
                status.downtime
            );
            machine
        }
        Err(error) => panic!("{error}"),
    };
    let shell = Shell::of(&machine);
    assert_eq!(shell.run("nproc").await.trim(), "2");
    let read = shell
        .run("dd if=/dev/vdb bs=1M count=4 iflag=direct 2>/dev/null | tr -d 'x' | wc -c")
        .await;
    assert_eq!(read.trim(), "0");
    let ids = |plugged: &[vthost_qemu::plug::Plugged]| -> Vec<String> {
        plugged.iter().map(|plugged| plugged.id.clone()).collect()
    };
    let plugged = machine.plugged().await;
    assert_eq!(
        ids(&plugged),
        ["disk2", "nic2", "vcpu1", "dimm-mem1", "port2"]
    );
    let moved = plugged[1].forwards[0].host;
    std::net::TcpStream::connect(("127.0.0.1", moved)).expect("QEMU listens");
    let mut output = machine
        .console("port2")
        .expect("a port")
        .subscribe(Replay::All);
    shell.run(&format!("echo hello again > {port}")).await;
    output
        .wait_for_bytes(b"hello again", LONG)
        .await
        .expect("heard");

    let step = Instant::now();
    for id in ["port2", "disk2", "nic2"] {
        machine.unplug(id, LET_GO).await.expect(id);
    }
    println!("three unplugged after {:?}", step.elapsed());
    shell.until("[ ! -e /dev/vdb ]").await;
    // QEMU would abort.
    let error = machine.unplug("vcpu1", LET_GO).await.expect_err("refused");
    assert!(error.to_string().contains("under TCG"), "{error}");
    assert_eq!(ids(&machine.plugged().await), ["vcpu1", "dimm-mem1"]);
    machine.plug(disk).await.expect("plugged again");
    shell.until("[ -b /dev/vdb ]").await;
    machine.verify_kernel_crash().expect("the guest is well");
    assert!(matches!(machine.spec().nics[0].netdev, Netdev::User { .. }));
}
