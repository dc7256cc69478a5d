//! A virtio port: bytes between host and guest.

use std::time::Duration;

use vthost::prelude::*;

/// How long bytes may be on their way.
const WAY: Duration = Duration::from_secs(60);

/// Sends bytes through a virtio port in both directions (`virtio_serial_file_transfer`, in small).
#[vthost::test]
fn virtio_serial(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let port = test.params().require("virtio_port")?;
    let session = vm.wait_for_login()?;
    let device = format!("/dev/virtio-ports/{port}");
    ensure!(
        session.cmd_status(&format!("test -e {device}"))? == 0,
        "the guest has no port {device}"
    );
    let console = vm.console(&port)?;
    let listener = session.start(&format!("head -c 6 {device} | od -An -c"))?;
    console.send(b"down\n\x00", WAY)?;
    let heard = listener.wait(WAY)?;
    ensure!(
        heard.output.split_whitespace().collect::<String>() == "down\\n\\0",
        "the guest heard {:?}",
        heard.output
    );
    session.cmd(&format!("echo upwards > {device}"))?;
    let found = console.read_until(&["up(wards)"], WAY)?;
    ensure!(found.matched == "upwards", "the host heard {found:?}");
    Ok(())
}
