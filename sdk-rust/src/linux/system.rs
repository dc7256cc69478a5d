//! Processors, memory, time, the kernel's log.

use std::time::Duration;

use crate::text::field;
use crate::{Outcome, Result, Session};

/// The id that the kernel drew at this boot.
///
/// # Errors
/// ERROR if the guest cannot be asked.
pub fn boot_id(session: &Session) -> Result<String> {
    let id = session.cmd("cat /proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}

/// How long the guest has been up.
///
/// # Errors
/// ERROR if the guest does not tell.
pub fn uptime(session: &Session) -> Result<Duration> {
    let printed = session.cmd("cat /proc/uptime")?;
    let seconds = printed.split_whitespace().next();
    let seconds: Option<f64> = seconds.and_then(|seconds| seconds.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Outcome::error(format!("`{}` is no uptime", printed.trim())))
}

/// How many processors are online. Similar to `vm.get_cpu_count()` in Avocado-VT.
///
/// # Errors
/// ERROR if the guest does not tell.
pub fn online_cpus(session: &Session) -> Result<u32> {
    let printed = session.cmd("getconf _NPROCESSORS_ONLN")?;
    printed
        .trim()
        .parse()
        .map_err(|_| Outcome::error(format!("`{}` is no number of processors", printed.trim())))
}

/// A line of `/proc/meminfo` in bytes: `meminfo(session, "MemTotal")`. Similar to `utils_misc.get_mem_info()`.
///
/// # Errors
/// ERROR if there is no such line.
pub fn meminfo(session: &Session, name: &str) -> Result<u64> {
    let printed = session.cmd("cat /proc/meminfo")?;
    let kib = field(&printed, name).and_then(|value| value.strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok())
        .map(|kib| kib << 10)
        .ok_or_else(|| {
            Outcome::error(format!("/proc/meminfo has no size {name}")).with_detail(printed)
        })
}

/// What the kernel has logged after its first `lines` lines.
///
/// # Errors
/// ERROR if the guest cannot be asked.
pub fn dmesg_since(session: &Session, lines: usize) -> Result<String> {
    let printed = session.cmd("dmesg")?;
    Ok(printed
        .lines()
        .skip(lines)
        .map(|line| format!("{line}\n"))
        .collect())
}
