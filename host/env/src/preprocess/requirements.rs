//! What a test asks of the host. A host that is not so is no defect: the test is SKIP or CANCEL, with the reason.

use std::env::{split_paths, var_os};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vthost_metadata::Status;
use vthost_params::Params;
use vthost_qemu::accel::{self, Accel};
use vthost_qemu::{Version, VersionInterval};

use super::Task;
use crate::environment::binary;
use crate::{Error, ErrorKind, Unready};

/// The version of the running kernel, with what the distribution put behind it.
const KERNEL: &str = "/proc/sys/kernel/osrelease";

/// `requires_root`, `cmds_installed_host`, `required_kernel`, and of each machine `required_qemu` and `vm_accelerator = kvm`.
pub(super) async fn check(task: &Task<'_>) -> Result<(), Unready> {
    let params = task.params;
    if params.flag("requires_root", false)? && !rustix::process::geteuid().is_root() {
        let text = "the test needs root (requires_root = yes) and vthost runs as another user";
        return Err(Unready::new(Status::Skip, text));
    }
    check_kernel(params)?;
    let missing: Vec<&str> = params
        .objects("cmds_installed_host")
        .into_iter()
        .map(|program| program.trim_matches('"'))
        .filter(|program| !program.is_empty() && !is_installed(program))
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "programs that the test needs on the host are missing (cmds_installed_host): {}",
            missing.join(", ")
        );
        return Err(Unready::new(Status::Skip, text));
    }
    check_supported(params)?;
    for vm in params.objects("vms") {
        check_qemu(vm, &params.object(vm), task)?;
        if params.object(vm).get("vm_accelerator") != Some("kvm") {
            continue;
        }
        let usable = accel::usable();
        if usable.accel != Accel::Kvm {
            let text = format!(
                "{vm} demands KVM (vm_accelerator = kvm), which cannot be used here: {}",
                usable.reason
            );
            return Err(Unready::new(Status::Cancel, text));
        }
    }
    Ok(())
}

/// What the configuration offers and vthost does not make: a test that asks for it would run on something else.
fn check_supported(params: &Params) -> Result<(), Unready> {
    for vm in params.objects("vms") {
        let of_vm = params.object(vm);
        let images = of_vm.objects("images").into_iter();
        let nics = of_vm.objects("nics").into_iter();
        let storage = images.map(|image| ("storage_type", of_vm.object(image), ""));
        let cards = nics.map(|nic| ("pci_assignable", of_vm.object(nic), "no"));
        for (key, of_object, usual) in storage.chain(cards) {
            let value = of_object.get_or(key, usual);
            if !matches!(value, "" | "directory" | "filesystem") && value != usual {
                let text = format!(
                    "the test asks for {key} = {value} ({}), which vthost does not do yet",
                    of_object.object_name()
                );
                return Err(Unready::new(Status::Skip, text));
            }
        }
    }
    Ok(())
}

/// `required_qemu`: whether the version of the machine's QEMU is one of those that the test can run with.
fn check_qemu(vm: &str, params: &Params, task: &Task<'_>) -> Result<(), Unready> {
    let Some(text) = params
        .get("required_qemu")
        .map(str::trim)
        .filter(|text| !text.is_empty())
    else {
        return Ok(());
    };
    let interval = interval(params, "required_qemu", text)?;
    let binary = binary(params, &task.context.binaries)
        .map_err(|error| Error::caused(ErrorKind::NotFound, "there is no QEMU to run", error))?;
    if interval.contains(binary.version()) {
        return Ok(());
    }
    let text = format!(
        "the test needs another QEMU for {vm} (required_qemu = {text}): {} is {}",
        binary.path().display(),
        binary.version()
    );
    Err(Unready::new(Status::Skip, text))
}

/// `required_kernel`: whether the version of the host's kernel is one of those that the test can run with.
fn check_kernel(params: &Params) -> Result<(), Unready> {
    let text = params.get_or("required_kernel", "").trim();
    if text.is_empty() {
        return Ok(());
    }
    let interval = interval(params, "required_kernel", text)?;
    let release = std::fs::read_to_string(KERNEL)
        .map_err(|error| Error::caused(ErrorKind::Other, format!("cannot read {KERNEL}"), error))?;
    if interval.contains(kernel_version(&release)) {
        return Ok(());
    }
    let text = format!(
        "the test needs another kernel on the host (required_kernel = {text}): this one is {}",
        release.trim()
    );
    Err(Unready::new(Status::Skip, text))
}

fn interval(params: &Params, key: &str, text: &str) -> Result<VersionInterval, Error> {
    text.parse().map_err(|_| {
        let rule = "an interval of versions like `[7.1.0, 9.0)`, `(,8.0]` or `[6,)`";
        params.invalid(key, rule).into()
    })
}

/// The version at the beginning of `6.1.0-45-amd64`.
fn kernel_version(release: &str) -> Version {
    let end = release.find(|c: char| c != '.' && !c.is_ascii_digit());
    let mut numbers = release[..end.unwrap_or(release.len())]
        .split('.')
        .map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    Version {
        major: next(),
        minor: next(),
        micro: next(),
    }
}

/// Whether a program is in the search path, or there, if it is named by its path.
fn is_installed(program: &str) -> bool {
    let is_program = |path: &Path| {
        path.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_program(Path::new(program));
    }
    let path = var_os("PATH").unwrap_or_default();
    split_paths(&path).any(|dir| is_program(&dir.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_name_and_by_path() {
        assert!(is_installed("sh") && is_installed("/bin/sh"));
        assert!(!is_installed("no-such-program") && !is_installed("/etc/passwd"));
        assert!(!is_installed("/etc"), "a directory is no program");
    }

    #[test]
    fn a_host_with_another_kernel_skips_the_test() {
        let shown = |release| kernel_version(release).to_string();
        assert_eq!(shown("6.1.0-45-amd64\n"), "6.1.0");
        assert_eq!(
            (shown("5.14.7"), shown("6.8-rc1")),
            ("5.14.7".into(), "6.8.0".into())
        );
        let checked = |text| check_kernel(&Params::from_pairs([("required_kernel", text)]));
        assert_eq!(checked("[3.0,)"), Ok(()));
        let skipped = checked("(,3.0)").unwrap_err();
        assert_eq!(skipped.status, Status::Skip);
        assert!(
            skipped.reason.contains("required_kernel = (,3.0)"),
            "{}",
            skipped.reason
        );
        let wrong = checked("new").unwrap_err();
        assert_eq!(wrong.status, Status::Error);
    }
}
