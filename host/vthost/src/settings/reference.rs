//! The settings of Avocado-VT, and what became of them.

/// A setting of Avocado-VT.
#[derive(Debug)]
pub(crate) struct ReferenceSetting {
    /// Section and key, as `vt.qemu.qemu_bin`.
    pub(crate) name: &'static str,
    pub(crate) now: Now,
}

/// What to use instead.
#[derive(Debug)]
pub(crate) enum Now {
    /// The setting that does the same.
    Setting(&'static str),
    /// Another way, or why there is nothing to set.
    Words(&'static str),
}

use Now::{Setting, Words};

const fn old(name: &'static str, now: Now) -> ReferenceSetting {
    ReferenceSetting { name, now }
}

/// All that the reference reads, and what it documents without reading it.
#[rustfmt::skip]
pub(crate) const REFERENCE: &[ReferenceSetting] = &[
    old("vt.config", Setting("run.config-file")),
    old("vt.save_config", Words("nothing to set: it belongs to one run")),
    old("vt.short_names_when_config", Words("nothing to set: it belongs to one run")),
    old("vt.type", Setting("run.vt-type")),
    old("vt.guest_os", Setting("guest.os")),
    old("vt.no_filter", Setting("filters.no")),
    old("vt.only_filter", Setting("filters.only")),
    old("vt.extra_params", Words("the section `[params]`, a key each")),
    old("vt.list_guests", Words("`vthost list-guests`")),
    old("vt.list_archs", Words("`vthost list-archs`")),
    old("vt.list_guests.guest_os", Words("`vthost list-guests --guest-os FILTER`")),
    old("vt.omit_data_loss", Words("nothing to set: tests write to overlays, so that no image loses data")),
    old("vt.setup.backup_image_before_test", Words("nothing to set: tests write to overlays")),
    old("vt.setup.restore_image_after_test", Words("nothing to set: tests write to overlays")),
    old("vt.setup.keep_guest_running", Words("`kill_vm = no` in the section `[params]`")),
    old("vt.common.data_dir", Words("the environment variable `VTHOST_HOME`; Avocado-VT never read it")),
    old("vt.common.tmp_dir", Words("the environment variable `TMPDIR`")),
    old("vt.common.type_specific_only", Words("nothing to set: Avocado-VT never read it; `filters.only` does it")),
    old("vt.common.mem", Setting("machine.mem")),
    old("vt.common.arch", Setting("machine.arch")),
    old("vt.common.machine_type", Setting("machine.type")),
    old("vt.common.nettype", Words("`nettype` in the section `[params]`")),
    old("vt.common.netdst", Words("`netdst` in the section `[params]`")),
    old("vt.qemu.qemu_bin", Setting("qemu.binary")),
    old("vt.qemu.qemu_dst_bin", Words("`qemu_dst_binary` in the section `[params]`")),
    old("vt.qemu.accel", Setting("qemu.accel")),
    old("vt.qemu.vhost", Words("`vhost` in the section `[params]`")),
    old("vt.qemu.monitor", Words("nothing to set: vthost always speaks QMP")),
    old("vt.qemu.smp", Setting("machine.smp")),
    old("vt.qemu.image_type", Setting("machine.image-type")),
    old("vt.qemu.nic_model", Setting("machine.nic-model")),
    old("vt.qemu.disk_bus", Setting("machine.disk-bus")),
    old("vt.qemu.sandbox", Words("nothing to set: vthost always confines QEMU")),
    old("vt.qemu.defconfig", Words("nothing to set: Avocado-VT never applied it")),
    old("vt.qemu.malloc_perturb", Words("nothing to set; a test that reads `malloc_perturb` gets it from the section `[params]`")),
    old("vt.libvirt.connect_uri", Words("nothing to set: vthost runs QEMU only")),
    old("vt.debug.no_cleanup", Words("nothing to set: Avocado-VT never read it")),
    old("vt.filter.default_filters", Setting("filters.default-filters-off")),
    old("plugins.vtjoblock.dir", Words("nothing to set: jobs do not exclude each other")),
    old("run.max_parallel_tasks", Words("nothing to set: tests run one after the other")),
];

/// What to do about a key that Avocado-VT has: by its whole name, or else by its last part.
pub(crate) fn hint(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let named = |setting: &&ReferenceSetting| setting.name == name;
    let mut alike = REFERENCE
        .iter()
        .filter(|setting| setting.name.rsplit('.').next() == Some(last));
    let found = REFERENCE.iter().find(named).or_else(|| alike.next())?;
    Some(match found.now {
        Setting(now) => {
            let (section, key) = now.split_once('.').unwrap_or_default();
            format!(
                "Avocado-VT's `{}` is `{key}` in the section `[{section}]`",
                found.name
            )
        }
        Words(words) => format!("instead of Avocado-VT's `{}`: {words}", found.name),
    })
}
