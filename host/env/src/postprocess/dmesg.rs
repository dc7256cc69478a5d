//! What the kernels of guests complain of.

use std::fs;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use vthost_params::Params;

use super::{After, Problems};
use crate::{Environment, Result, Vm, VmState};

/// How long the login and the command may take.
const LOGIN: Duration = Duration::from_secs(30);
/// How many lines are quoted.
const QUOTED: usize = 10;
/// A compiled expression takes at most this many bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Reads the kernel log of each guest with `verify_guest_dmesg = yes` into `guest_dmesg.<vm>.log`, and reports its lines
/// of `guest_dmesg_level` (3, `err`) and worse, but for those that `expected_guest_dmesg` matches; with
/// `guest_dmesg_ignore = yes` they are only logged. A guest that nobody logged in to is not asked: to wait for it to boot
/// would take longer than many a test.
pub(super) async fn check(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for vm in &env.vms {
        let params = after.params.object(vm.name());
        match check_one(vm, &params, after).await {
            Ok(None) => {}
            Ok(Some(complaint)) if matches!(ignore(&params), Ok(true)) => {
                after.context.log.warn(complaint);
            }
            Ok(Some(complaint)) => problems.push(complaint),
            Err(error) => problems.push(error.chain()),
        }
    }
    problems
}

fn ignore(params: &Params) -> Result<bool> {
    Ok(params.flag("guest_dmesg_ignore", false)?)
}

async fn check_one(vm: &Vm, params: &Params, after: &After<'_>) -> Result<Option<String>> {
    if !params.flag("verify_guest_dmesg", false)? {
        return Ok(None);
    }
    ignore(params)?;
    let level: u8 = params.number("guest_dmesg_level", 3)?;
    let expected = match params.get_or("expected_guest_dmesg", "") {
        "" => None,
        pattern => {
            let built = RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build();
            Some(
                built
                    .map_err(|_| params.invalid("expected_guest_dmesg", "a regular expression"))?,
            )
        }
    };
    if !vm.can_answer() {
        return Ok(None);
    }
    if let Err(crash) = vm.verify_kernel_crash().await {
        // A guest that has crashed lets nobody in to see its log.
        let told = crash.chain();
        let is_expected = expected.is_some_and(|expected| expected.is_match(&told));
        return Ok((!is_expected).then_some(told));
    }
    if !vm.was_logged_in() || !matches!(vm.state().await, Ok(VmState::Running)) {
        return Ok(None);
    }
    let log = &after.context.log;
    let printed = match read(vm).await {
        Ok(Some(printed)) => printed,
        // A guest that has no such command, or does not let this user see.
        Ok(None) => {
            log.debug(format!("{} does not show its kernel log", vm.name()));
            return Ok(None);
        }
        // A guest that is down because the test left it so.
        Err(error) => {
            let text = format!("the kernel log of {} cannot be read", vm.name());
            log.warn(format!("{text}: {}", error.chain()));
            return Ok(None);
        }
    };
    let file = format!("guest_dmesg.{}.log", vm.name());
    let path = after.context.log_dir.join(&file);
    if let Err(error) = fs::write(&path, &printed) {
        log.warn(format!("{} cannot be written: {error}", path.display()));
    }
    let bad: Vec<&str> = complaints(&printed, level, expected.as_ref()).collect();
    Ok((!bad.is_empty()).then(|| {
        let quoted = bad[..bad.len().min(QUOTED)].join("\n");
        let count = bad.len();
        let name = vm.name();
        let lines = if count == 1 { "line" } else { "lines" };
        format!("the kernel of {name} complains in {count} {lines} (verify_guest_dmesg; {file}):\n{quoted}")
    }))
}

async fn read(vm: &Vm) -> Result<Option<String>> {
    let session = vm.wait_for_login(LOGIN).await?;
    let ran = session.cmd_status_output("dmesg -r", LOGIN).await;
    session.close().await;
    let ran = ran?;
    Ok((ran.status == 0).then_some(ran.output))
}

/// The lines of `dmesg -r` (`<level and facility>text`) that are of this level or worse and not expected.
fn complaints<'p>(
    printed: &'p str,
    level: u8,
    expected: Option<&'p Regex>,
) -> impl Iterator<Item = &'p str> {
    printed.lines().filter_map(move |line| {
        let (priority, text) = line.strip_prefix('<')?.split_once('>')?;
        let priority: u32 = priority.parse().ok()?;
        // The facility stands in the higher bits; 0 is the kernel's own.
        let is_bad = priority >> 3 == 0 && priority & 7 <= u32::from(level);
        let is_expected = expected.is_some_and(|expected| expected.is_match(text));
        (is_bad && !is_expected).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_level_and_worse_are_complaints() {
        let printed = "<6>[ 0.0] Linux version\n<3>[ 1.0] ata1: failed\n no level\n<0>[ 2.0] panic\n\
                       <30>[ 3.0] systemd[1]: error\n<4>[ 4.0] warning\n<3>[ 5.0] known trouble";
        let all: Vec<_> = complaints(printed, 3, None).collect();
        assert_eq!(
            all,
            [
                "[ 1.0] ata1: failed",
                "[ 2.0] panic",
                "[ 5.0] known trouble"
            ]
        );
        let known = Regex::new("known|ata").unwrap();
        let left: Vec<_> = complaints(printed, 3, Some(&known)).collect();
        assert_eq!(left, ["[ 2.0] panic"]);
        assert_eq!(complaints(printed, 4, Some(&known)).count(), 2);
    }
}
