//! The clocks of the guest.

use std::time::{Duration, Instant};

use vthost::prelude::*;

/// The clock of the hardware can be set and read, and goes on (`hwclock`).
#[vthost::test]
fn hwclock(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd("hwclock --utc --set --date '2000-03-01 12:34:56'")?;
    let read = session.cmd("hwclock --utc --show")?;
    ensure!(
        read.contains("2000-03-01 12:3") || read.contains("Mar  1 12:3"),
        "the clock was set to 2000-03-01 12:34:56 and shows {}",
        read.trim()
    );
    session.cmd("hwclock --utc --systohc")?;
    Ok(())
}

/// Compares how fast the guest's clock goes with that of the host (`timedrift`).
#[vthost::test]
fn timedrift(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let span = Duration::from_secs(params.parse_or("drift_time", 20)?);
    let allowed: f64 = params.parse_or("drift_threshold", 10.0)?;
    let session = vm.wait_for_login()?;
    // The answer itself takes time: each reading is put between two of the host.
    let read = || -> Result<(f64, f64)> {
        let before = Instant::now();
        let printed = session.cmd("cut -d ' ' -f 1 /proc/uptime")?;
        let took = before.elapsed().as_secs_f64();
        let guest = printed
            .trim()
            .parse()
            .map_err(|_| Outcome::error(format!("`{}` is no time", printed.trim())))?;
        Ok((guest, took))
    };
    let begun = Instant::now();
    let (first, first_took) = read()?;
    std::thread::sleep(span);
    let (last, last_took) = read()?;
    let (host, guest) = (begun.elapsed().as_secs_f64(), last - first);
    let uncertain = first_took + last_took;
    let drift = ((guest - host).abs() - uncertain).max(0.0) / host * 100.0;
    info!(
        "{guest:.2} s in the guest are {host:.2} s outside, give or take {uncertain:.2}: {drift:.1} %"
    );
    ensure!(
        drift <= allowed,
        "the guest's clock drifts by {drift:.1} %, more than {allowed} %"
    );
    Ok(())
}

/// Lists the sources of time of the kernel and switches to each of them (`clocksource`).
#[vthost::test]
fn clocksource(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let dir = "/sys/devices/system/clocksource/clocksource0";
    let current = session.cmd(&format!("cat {dir}/current_clocksource"))?;
    let available = session.cmd(&format!("cat {dir}/available_clocksource"))?;
    for source in available.split_whitespace().chain([current.trim()]) {
        session.cmd(&format!("echo {source} > {dir}/current_clocksource"))?;
        let now = session.cmd(&format!("cat {dir}/current_clocksource"))?;
        ensure!(
            now.trim() == source,
            "the kernel takes {} and not {source}",
            now.trim()
        );
        session.cmd("sleep 0.2")?;
        info!("{source} works");
    }
    Ok(())
}
