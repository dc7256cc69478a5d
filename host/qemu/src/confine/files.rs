//! The files of a machine, by what QEMU may do with them.

use std::path::{Path, PathBuf};

use crate::spec::{Firmware, FsDriver, MachineSpec, MemorySource, Netdev, RngSource, TpmBackend};

/// The files that QEMU only reads.
pub(super) fn read_only_files(spec: &MachineSpec) -> impl Iterator<Item = &Path> {
    let drives = spec.drives.iter().filter(|drive| !drive.writes_image());
    let images = drives
        .filter(|drive| !drive.is_empty())
        .map(|drive| drive.path.as_path());
    let backing = spec
        .drives
        .iter()
        .flat_map(|drive| &drive.backing)
        .map(PathBuf::as_path);
    let kernel = spec.kernel.iter().flat_map(|direct| {
        [Some(direct.kernel.as_path()), direct.initrd.as_deref()]
            .into_iter()
            .flatten()
    });
    let firmware = match &spec.firmware {
        Firmware::Default => None,
        Firmware::Bios(path) | Firmware::Pflash { code: path, .. } => Some(path.as_path()),
    };
    let shared = shared_directories(spec, true);
    let tftp = spec.nics.iter().filter_map(|nic| match &nic.netdev {
        Netdev::User { options, .. } => options.tftp.as_deref(),
        _ => None,
    });
    let roms = spec
        .nics
        .iter()
        .filter_map(|nic| nic.romfile.as_deref().filter(|rom| !rom.is_empty()));
    let random = spec.rngs.iter().filter_map(|rng| match &rng.source {
        RngSource::File(path) => Some(path.as_path()),
        RngSource::Builtin => None,
    });
    let extra = spec.extra_readable.iter().map(PathBuf::as_path);
    let files = images
        .chain(backing)
        .chain(kernel)
        .chain(firmware)
        .chain(shared);
    files
        .chain(tftp)
        .chain(roms.map(Path::new))
        .chain(random)
        .chain(extra)
}

/// The files and directories besides the run directory that QEMU writes.
pub(super) fn written_files(spec: &MachineSpec) -> impl Iterator<Item = &Path> {
    let drives = spec.drives.iter().filter(|drive| drive.writes_image());
    let images = drives.map(|drive| drive.path.as_path());
    let vhost = spec
        .nics
        .iter()
        .any(|nic| matches!(nic.netdev, Netdev::Tap { vhost: true, .. }))
        .then_some(Path::new("/dev/vhost-net"));
    // A listener makes its socket, so the right is on the directory.
    let sockets = spec.nics.iter().filter_map(|nic| match &nic.netdev {
        Netdev::Stream { path, server: true } => path.parent(),
        Netdev::Stream {
            path,
            server: false,
        } => Some(path.as_path()),
        _ => None,
    });
    let vars = match &spec.firmware {
        Firmware::Pflash { vars, .. } => vars.as_deref(),
        _ => None,
    };
    let nodes = spec
        .memory
        .numa
        .iter()
        .filter_map(|node| node.backend.as_ref());
    let devices = spec.memory.devices.iter().map(|device| &device.backend);
    let memory = spec.memory.backend.iter().chain(nodes).chain(devices);
    let memory = memory.filter_map(|backend| match &backend.source {
        MemorySource::File(path) => Some(path.as_path()),
        _ => None,
    });
    let tpms = spec.tpms.iter().filter_map(|tpm| match &tpm.backend {
        TpmBackend::Passthrough(path) => Some(path.as_path()),
        TpmBackend::Emulator { .. } => None,
    });
    let extra = spec.extra_writable.iter().map(PathBuf::as_path);
    let files = images.chain(vhost).chain(sockets).chain(vars).chain(memory);
    files
        .chain(tpms)
        .chain(shared_directories(spec, false))
        .chain(extra)
}

/// The directories that QEMU itself shares with the guest.
fn shared_directories(spec: &MachineSpec, read_only: bool) -> impl Iterator<Item = &Path> {
    spec.filesystems
        .iter()
        .filter(move |fs| matches!(fs.driver, FsDriver::NineP { .. }) && fs.read_only == read_only)
        .map(|fs| fs.source.as_path())
}
