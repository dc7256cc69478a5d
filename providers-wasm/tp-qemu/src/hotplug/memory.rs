//! Memory.

use vthost::linux::meminfo;
use vthost::prelude::*;
use vthost::wait_for;

use super::SEEN;

/// Plugs memory in and checks that the guest has it (`hotplug_mem`).
#[vthost::test(tags = ["hotplug"])]
fn hotplug_mem(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let before = meminfo(&session, "MemTotal")?;
    let device = vm.plug_memory("plug1", &[])?;
    info!("plugged {device}");
    let size = test
        .params()
        .object("plug1")
        .get("size_mem")
        .unwrap_or_else(|| "128M".to_owned());
    let Some(size) = vthost::text::parse_size(&size, 1 << 20) else {
        bail_error!("size_mem is `{size}`, which is no size");
    };
    let seen = wait_for(SEEN, || {
        session.cmd_output("for f in /sys/devices/system/memory/memory*/state; do echo online > $f; done 2>/dev/null")?;
        let now = meminfo(&session, "MemTotal")?;
        Ok::<_, Outcome>((now >= before + size / 10 * 9).then_some(now))
    })?;
    let Some(now) = seen else {
        bail_fail!(
            "the guest has {} bytes of memory; it had {before}, and {size} were plugged in",
            meminfo(&session, "MemTotal")?
        );
    };
    info!("the guest has {now} bytes");
    vm.verify_kernel_crash()?;
    Ok(())
}
