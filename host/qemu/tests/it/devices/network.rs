//! Network cards and memory.

use super::*;

#[tokio::test]
async fn network_cards_of_many_models() {
    let models = [
        "virtio", "e1000", "e1000e", "igb", "rtl8139", "vmxnet3", "pcnet", "usb-net",
    ];
    for machine in ["pc", "q35"] {
        let bench = Bench::new();
        let mut spec = plain(machine);
        spec.usb_controllers = vec![usb("usb1", UsbModel::Xhci)];
        for (number, model) in models.into_iter().enumerate() {
            spec.nics.push(Nic {
                model: model.to_owned(),
                mac: Some(vthost_qemu::spec::Mac::local(number as u32)),
                ..Nic::virtio_user(format!("nic{number}"), &[22])
            });
        }
        spec.nics.push(Nic {
            netdev: Netdev::None,
            mtu: Some(1400),
            romfile: Some(String::new()),
            boot_index: Some(3),
            ..Nic::virtio_user("nic_alone", &[])
        });
        let machine = accepted(&bench, spec).await;
        assert_eq!(machine.forwards().len(), models.len());
        ended(machine).await;
    }
}

/// The cable between two machines is a socket: the second one connects to the first.
#[tokio::test]
async fn two_machines_on_one_cable() {
    let bench = Bench::new();
    let path = bench.path().join("cable.sock");
    let end = |server| {
        let netdev = Netdev::Stream {
            path: path.clone(),
            server,
        };
        vec![Nic {
            netdev,
            ..Nic::virtio_user("nic1", &[])
        }]
    };
    let first = MachineSpec {
        nics: end(true),
        ..plain("q35")
    };
    let second = MachineSpec {
        name: "vm2".to_owned(),
        nics: end(false),
        ..plain("q35")
    };
    let first = accepted(&bench, first).await;
    let second = accepted(&bench, second).await;
    ended(second).await;
    ended(first).await;
}

#[tokio::test]
async fn memory_of_every_kind() {
    let bench = Bench::new();
    let file = bench.path().join("nvdimm.img");
    std::fs::File::create(&file)
        .and_then(|file| file.set_len(128 << 20))
        .expect("a file");
    let backend = |source| MemoryBackend {
        share: true,
        ..MemoryBackend::new(source)
    };
    let node = |cpu: &str| NumaNode {
        memory_mib: Some(64),
        cpus: vec![cpu.to_owned()],
        ..NumaNode::default()
    };
    let device = |id: &str, model, source| MemoryDevice {
        id: id.to_owned(),
        model,
        size_mib: 128,
        backend: backend(source),
        node: Some(0),
        address: None,
    };
    let mut spec = plain("q35");
    spec.memory_mib = 128;
    spec.smp = vthost_qemu::spec::Smp::cpus(2);
    let memfd = MemorySource::Memfd { hugepage_kib: None };
    spec.memory = Memory {
        backend: Some(backend(memfd.clone())),
        max_mib: Some(1024),
        slots: Some(4),
        numa: vec![node("0"), node("1")],
        distances: vec![NumaDistance {
            from: 0,
            to: 1,
            value: 21,
        }],
        devices: vec![
            device("plug1", MemoryModel::Dimm, MemorySource::Ram),
            device(
                "nv1",
                MemoryModel::Nvdimm { label_kib: 128 },
                MemorySource::File(file),
            ),
            device(
                "vm1",
                MemoryModel::VirtioMem {
                    requested_mib: 64,
                    block_mib: None,
                },
                memfd.clone(),
            ),
        ],
        ..Memory::default()
    };
    let machine = accepted(&bench, spec).await;
    let devices = machine
        .qmp()
        .execute("query-memory-devices", Value::Null)
        .await
        .expect("a list");
    let kinds: Vec<_> = devices
        .as_array()
        .expect("a list")
        .iter()
        .map(|device| device["type"].as_str().expect("text").to_owned())
        .collect();
    for kind in ["dimm", "nvdimm", "virtio-mem"] {
        assert!(
            kinds.iter().any(|found| found == kind),
            "{kind} in {devices}"
        );
    }
    ended(machine).await;
    let one = MachineSpec {
        memory: Memory {
            backend: Some(backend(memfd)),
            ..Memory::default()
        },
        ..plain("pc")
    };
    let machine = accepted(&bench, one).await;
    let backends = machine.qmp().execute("query-memdev", Value::Null).await;
    assert_eq!(backends.expect("a list")[0]["id"], "mem-machine_mem");
    ended(machine).await;
}
