//! Each family of keys.

use super::*;
use vthost_qemu::spec::{
    Arch, Balloon, Cache, Display, DriveFormat, DriveInterface, Firmware, FsDriver, Iommu,
    MemoryModel, MemorySource, MonitorKind, Netdev, RtcBase, ScsiHba, SerialKind, TpmBackend,
    UsbController, UsbModel, UsbVersion, WatchdogAction,
};

fn made(pairs: &[(&str, &str)]) -> MachineSpec {
    let params = params(&[&[("serials", "serial0")], pairs]);
    match machine_spec("vm1", &params, Path::new("/data")) {
        Ok(spec) => spec,
        Err(error) => panic!("{}", error.chain()),
    }
}

fn refused(pairs: &[(&str, &str)]) -> String {
    let made = machine_spec("vm1", &params(&[pairs]), Path::new("/data"));
    made.expect_err("refused").chain()
}

#[test]
fn processors_have_a_topology() {
    let smp = |pairs: &[(&str, &str)]| {
        let smp = made(pairs).smp;
        (smp.cpus, smp.sockets, smp.cores, smp.threads)
    };
    assert_eq!(smp(&[]), (2, 1, 2, 1));
    assert_eq!(smp(&[("smp", "4"), ("vcpu_threads", "2")]), (4, 1, 2, 2));
    assert_eq!(smp(&[("smp", "4"), ("vcpu_sockets", "2")]), (4, 2, 2, 1));
    assert_eq!(smp(&[("smp", "4"), ("vcpu_cores", "1")]), (4, 4, 1, 1));
    assert_eq!(
        smp(&[("smp", "2"), ("vcpu_maxcpus", "8"), ("vcpu_sockets", "4")]),
        (2, 4, 2, 1)
    );
    let cpu = made(&[("cpu_model", "Nehalem"), ("cpu_model_flags", ",+rdrand")]).cpu;
    assert_eq!(cpu.expect("a model").as_str(), "Nehalem,+rdrand");
    let auto = made(&[("cpu_model", "Nehalem"), ("auto_cpu_model", "yes")]).cpu;
    assert_eq!(auto, None);
    assert!(refused(&[("smp", "0")]).contains("`smp` is `0`"));
    assert!(refused(&[("cpu_model", "a b")]).contains("the parameter `cpu_model` cannot be used"));
}

#[test]
fn memory_has_backends_nodes_and_modules() {
    let spec = made(&[
        ("mem", "2G"),
        ("hugepage", "yes"),
        ("hugepage_path", "/mnt/huge"),
        ("mem_devs", "plug1 nv1"),
        ("size_mem", "512M"),
        ("backend_mem_nv1", "memory-backend-file"),
        ("mem-path_nv1", "/dev/shm/nv"),
        ("vm_memdev_model_nv1", "nvdimm"),
        ("node_dimm_plug1", "1"),
        ("slots_mem", "8"),
        ("maxmem_mem", "16G"),
        ("guest_numa_nodes", "node0 node1"),
        ("numa_mem", "1G"),
        ("numa_cpus_node0", "0"),
        ("numa_cpus_node1", "1"),
        ("numa_dist_node0", "[[1, 20]]"),
    ]);
    assert_eq!(spec.memory_mib, 2048);
    let backend = spec.memory.backend.expect("a backend");
    assert_eq!(backend.source, MemorySource::File("/mnt/huge".into()));
    assert!(backend.prealloc);
    assert_eq!(
        (spec.memory.max_mib, spec.memory.slots),
        (Some(16384), Some(8))
    );
    let [plug, nv] = &spec.memory.devices[..] else {
        panic!("two modules: {:?}", spec.memory.devices);
    };
    assert_eq!(
        (plug.model, plug.size_mib, plug.node),
        (MemoryModel::Dimm, 512, Some(1))
    );
    assert_eq!(nv.model, MemoryModel::Nvdimm { label_kib: 0 });
    assert_eq!(nv.backend.source, MemorySource::File("/dev/shm/nv".into()));
    assert_eq!(spec.memory.numa.len(), 2);
    assert_eq!(spec.memory.numa[1].cpus, ["1"]);
    let distance = spec.memory.distances[0];
    assert_eq!((distance.from, distance.to, distance.value), (0, 1, 20));
    assert!(refused(&[("mem", "1000K")]).contains("a size in whole MiB"));
    assert!(refused(&[("mem_devs", "plug1")]).contains("size_mem"));
}

#[test]
fn drives_have_their_keys() {
    let spec = made(&[
        ("images", "image1 stg hot"),
        ("image_name", "images/a"),
        ("image_name_stg", "/dev/sdz"),
        ("image_raw_device_stg", "yes"),
        ("image_format_stg", "raw"),
        ("boot_drive_hot", "no"),
        ("drive_format_stg", "scsi-hd"),
        ("scsi_hba_stg", "lsi53c895a"),
        ("drive_cache_stg", "none"),
        ("drive_serial_stg", "S1"),
        ("drive_port_stg", "3"),
        ("logical_block_size_stg", "4096"),
        ("drive_werror_stg", "stop"),
        ("iothreads", "t1"),
        ("image_iothread_image1", "t1"),
        ("drive_pci_addr_image1", "0x8"),
        ("throttle_groups", "g1"),
        ("throttle_group_parameters_g1", r#"{"x-iops-total": 50}"#),
        ("image_throttle_group_image1", "g1"),
        ("cdroms", "cd1 cd2 cd3"),
        ("cdrom_cd1", "isos/a.iso"),
        ("cd_format_cd1", "usb2"),
        ("cdrom_without_file_cd2", "yes"),
        ("floppies", "fl"),
        ("floppy_name", "images/f.vfd"),
    ]);
    let ids: Vec<_> = spec.drives.iter().map(|drive| drive.id.as_str()).collect();
    assert_eq!(ids, ["image1", "stg", "cd1", "cd2", "fl"]);
    let [image, stg, disc, empty, floppy] = &spec.drives[..] else {
        panic!("five drives");
    };
    assert_eq!(image.path, Path::new("/data/images/a.qcow2"));
    assert_eq!(
        (image.cache, image.iothread.as_deref()),
        (Cache::Unsafe, Some("t1"))
    );
    assert_eq!(image.pci.map(|place| place.slot), Some(8));
    assert_eq!(
        (stg.path.as_path(), stg.format),
        (Path::new("/dev/sdz"), DriveFormat::Raw)
    );
    assert_eq!(stg.interface, DriveInterface::Scsi(ScsiHba::Lsi));
    assert_eq!(
        (stg.cache, stg.unit, stg.logical_block_size),
        (Cache::None, Some(3), Some(4096))
    );
    assert_eq!(disc.interface, DriveInterface::Usb(UsbVersion::Two));
    assert_eq!(disc.path, Path::new("/data/isos/a.iso"));
    assert!(empty.is_empty() && floppy.interface == DriveInterface::Floppy);
    assert_eq!(
        spec.throttle_groups[0].limits,
        [("iops-total".to_owned(), 50)]
    );
    // A stick needs a controller, and the configuration has none.
    assert_eq!(spec.usb_controllers[0].model, UsbModel::Ehci);
    let wrong = refused(&[
        ("images", "a"),
        ("image_name", "x"),
        ("drive_format", "scsi-hdd"),
    ]);
    assert!(wrong.contains("`drive_format` is `scsi-hdd`"), "{wrong}");
    let wrong = refused(&[
        ("throttle_groups", "g"),
        ("throttle_group_parameters", "[1]"),
    ]);
    assert!(wrong.contains("a table of limits in JSON"), "{wrong}");
}

#[test]
fn network_cards_have_their_keys() {
    let spec = made(&[
        ("nics", "a b c d"),
        ("redirs", "remote_shell http"),
        ("guest_port_remote_shell", "22"),
        ("guest_port_http", "80"),
        ("mac_a", "9a:00:00:00:00:01"),
        ("queues_b", "4"),
        ("nettype_b", "bridge"),
        ("ifname_b", "tap7"),
        ("vhost_b", "on"),
        ("nettype_c", "none"),
        ("nic_model_c", "e1000"),
        ("nettype_d", "macvtap"),
        ("device_name_d", "/dev/tap4"),
        ("net_mtu_d", "9000"),
    ]);
    let [a, b, c, d] = &spec.nics[..] else {
        panic!("four cards");
    };
    let Netdev::User {
        forwards, restrict, ..
    } = &a.netdev
    else {
        panic!("{:?}", a.netdev);
    };
    let ports: Vec<_> = forwards
        .iter()
        .map(|forward| (forward.host, forward.guest))
        .collect();
    assert_eq!(ports, [(None, 22), (None, 80)]);
    assert!(*restrict && a.mac.is_some());
    let tap = Netdev::Tap {
        ifname: Some("tap7".to_owned()),
        bridge: Some("virbr0".to_owned()),
        vhost: true,
    };
    assert_eq!((&b.netdev, b.queues), (&tap, 4));
    assert_eq!((&c.netdev, c.model.as_str()), (&Netdev::None, "e1000"));
    assert_eq!(d.mtu, Some(9000));
    assert!(matches!(&d.netdev, Netdev::Macvtap { device } if device == Path::new("/dev/tap4")));
    assert!(refused(&[("nics", "a"), ("nettype", "usr")]).contains("`nettype` is `usr`"));
}

#[test]
fn the_rest_has_its_keys() {
    let spec = made(&[
        ("machine_type", "q35"),
        ("machine_type_extra_params", ",smm=off"),
        ("serials", "serial0 vs"),
        ("serial_type_vs", "virtserialport"),
        ("serial_name_vs", "org.x"),
        ("monitors", "m1 m2 h"),
        ("monitor_type_h", "human"),
        ("rtc_base", "2006-06-17"),
        ("enable_watchdog", "yes"),
        ("watchdog_action", "pause"),
        ("intel_iommu", "yes"),
        ("iommu_caching_mode", "on"),
        ("tpms", "tpm0"),
        ("tpm_version", "1.2"),
        ("filesystems", "fs"),
        ("fs_driver", "virtio-9p"),
        ("fs_source_base_dir", "/srv"),
        ("fs_source_dir", "x"),
        ("inputs", "i1 i2"),
        ("input_dev_bus_type_i2", "usb"),
        ("soundcards", "hda"),
        ("display", "nographic"),
        ("kernel", "images/vmlinuz"),
        ("kernel_params", "quiet"),
        ("ovmf_path", "/fw"),
        ("ovmf_code_filename", "CODE.fd"),
        ("ovmf_vars_filename", "VARS.fd"),
        ("balloon", "balloon0"),
        ("enable_pvpanic", "no"),
    ]);
    assert_eq!(spec.machine_options, [("smm".to_owned(), "off".to_owned())]);
    let port = SerialKind::VirtioPort {
        name: Some("org.x".to_owned()),
        number: None,
    };
    assert_eq!(spec.serials[1].kind, port);
    // The first one of QMP is the machine's own.
    let monitors: Vec<_> = spec
        .monitors
        .iter()
        .map(|m| (m.name.as_str(), m.kind))
        .collect();
    assert_eq!(
        monitors,
        [("m2", MonitorKind::Qmp), ("h", MonitorKind::Human)]
    );
    assert!(
        matches!(spec.rtc.base, RtcBase::At(time) if time.to_string() == "2006-06-17T00:00:00")
    );
    assert_eq!(
        spec.watchdog.expect("a watchdog").action,
        WatchdogAction::Pause
    );
    let caching = Iommu::Intel(vec![("caching-mode".to_owned(), "on".to_owned())]);
    assert_eq!(spec.iommu, Some(caching));
    assert!(matches!(
        &spec.tpms[0].backend,
        TpmBackend::Emulator {
            version2: false,
            ..
        }
    ));
    assert_eq!(spec.filesystems[0].source, Path::new("/srv/x"));
    assert!(matches!(spec.filesystems[0].driver, FsDriver::NineP { .. }));
    assert_eq!((spec.inputs.len(), spec.usb_devices.len()), (1, 1));
    assert_eq!(
        (spec.sound, spec.display),
        (vec!["intel-hda".to_owned()], Display::None)
    );
    assert_eq!(
        spec.kernel.expect("a kernel").kernel,
        Path::new("/data/images/vmlinuz")
    );
    assert!(
        matches!(&spec.firmware, Firmware::Pflash { vars: Some(vars), .. } if vars == Path::new("/fw/VARS.fd"))
    );
    assert_eq!(
        (spec.balloon, spec.pvpanic),
        (Some(Balloon::default()), false)
    );
    for (key, value) in [
        ("ovmf_code_filename", "/etc/shadow"),
        ("ovmf_vars_filename", "../../etc/shadow"),
    ] {
        let mut pairs = vec![("ovmf_path", "/fw"), ("ovmf_code_filename", "CODE.fd")];
        pairs.retain(|(set, _)| *set != key);
        pairs.push((key, value));
        let complaint = refused(&pairs);
        assert!(complaint.contains("the name of a file in"), "{complaint}");
    }
    let arm = made(&[("vm_arch_name", "aarch64")]);
    assert_eq!(
        (arm.machine.arch(), arm.machine.name()),
        (Arch::Aarch64, "virt")
    );
    assert!(refused(&[("vm_arch_name", "vax")]).contains("`vm_arch_name` is `vax`"));
    assert!(refused(&[("machine_type", "q36")]).contains("machine type is \"q36\""));
    assert!(refused(&[("vga", "cirus")]).contains("cirrus"));
}

#[test]
fn options_of_devices_have_their_keys() {
    let spec = made(&[
        ("balloon", "balloon0"),
        ("balloon_opt_deflate_on_oom_balloon0", "yes"),
        ("balloon_opt_free_page_reporting", "off"),
        ("ioport_pvpanic", "0x506"),
        ("usbs", "usb1 usb2"),
        ("usb_type_usb1", "qemu-xhci"),
        ("usb_max_port_usb1", "6"),
        ("9p_export_dir", "/mnt"),
        ("9p_immediate_writeout", "yes"),
        ("9p_readonly", "yes"),
        ("nics", "nic1"),
        ("netdev_extra_params", ",ipv6=off"),
    ]);
    let balloon = Balloon {
        deflate_on_oom: Some(true),
        free_page_reporting: Some(false),
    };
    assert_eq!((spec.balloon, spec.pvpanic_port), (Some(balloon), 0x506));
    let ports: Vec<_> = spec
        .usb_controllers
        .iter()
        .map(UsbController::port_count)
        .collect();
    assert_eq!(ports, [6, 6]);
    let export = &spec.filesystems[0];
    let driver = FsDriver::NineP {
        security_model: "mapped".to_owned(),
        immediate: true,
    };
    assert_eq!((&export.driver, export.read_only), (&driver, true));
    let extra = [("ipv6".to_owned(), "off".to_owned())];
    assert_eq!(spec.nics[0].netdev_extra, extra);
    assert!(refused(&[("ioport_pvpanic", "0x12345")]).contains("ioport_pvpanic"));
    assert!(refused(&[("9p_export_dir", "mnt")]).contains("9p_export_dir"));
}

#[test]
fn huge_pages_need_no_mount() {
    let spec = made(&[
        ("hugepage", "yes"),
        ("extra_params", "-no-user-config -mem-path /mnt/huge -S"),
    ]);
    let source = MemorySource::Memfd {
        hugepage_kib: Some(0),
    };
    assert_eq!(spec.memory.backend.expect("a backend").source, source);
    assert_eq!(spec.extra_args, ["-no-user-config", "-S"]);
    let spec = made(&[("extra_params", "-mem-path /mnt/huge")]);
    assert_eq!(spec.extra_args, ["-mem-path", "/mnt/huge"]);
}

#[test]
fn further_screens_and_the_devices_of_unit_tests() {
    let spec = made(&[("vga", "qxl"), ("qxl_dev_nr", "3")]);
    assert_eq!(spec.more_screens, 2);
    assert_eq!(made(&[("qxl_dev_nr", "3")]).more_screens, 0);
    assert!(refused(&[("vga", "qxl"), ("qxl_dev_nr", "0")]).contains("qxl_dev_nr"));
    let spec = made(&[("testdev", "yes"), ("isa_debugexit", "yes")]);
    assert!(spec.test_device && spec.exit_port);
}

#[test]
fn a_module_is_the_memory_of_a_node() {
    let spec = made(&[
        ("mem_devs", "mem0 plug"),
        ("size_mem", "512M"),
        ("backend_mem_mem0", "memory-backend-memfd"),
        ("guest_numa_nodes", "node0"),
        ("numa_memdev_node0", "mem-mem0"),
    ]);
    let node = &spec.memory.numa[0];
    assert_eq!(node.memory_mib, Some(512));
    let source = MemorySource::Memfd { hugepage_kib: None };
    assert_eq!(node.backend.as_ref().expect("a backend").source, source);
    let ids: Vec<_> = spec
        .memory
        .devices
        .iter()
        .map(|device| &*device.id)
        .collect();
    assert_eq!(ids, ["plug"], "what belongs to a node is not plugged in");
    let wrong = [("guest_numa_nodes", "n"), ("numa_memdev", "mem-none")];
    assert!(refused(&wrong).contains("numa_memdev"));
}

#[test]
fn drives_are_in_the_order_of_their_places() {
    let spec = made(&[
        ("images", "image1 stg"),
        ("image_name", "images/a"),
        ("drive_index_stg", "0"),
        ("drive_index_image1", "2"),
        ("cdroms", "cd1"),
        ("cdrom", "a.iso"),
        ("drive_index_cd1", "1"),
    ]);
    let ids: Vec<_> = spec.drives.iter().map(|drive| &*drive.id).collect();
    assert_eq!(ids, ["stg", "cd1", "image1"]);
}
