//! Network interfaces.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::PciAddress;
use crate::error::SpecError;

/// One network interface. Its device is `<id>`, its backend `netdev_<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nic {
    /// Its id: a letter, then letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// QEMU's device: `virtio-net-pci`, `e1000`, `rtl8139` and so on; `virtio` is short for the first.
    pub model: String,
    /// Hardware address. Default: QEMU's own (the same in every machine).
    pub mac: Option<Mac>,
    /// What it is connected to.
    pub netdev: Netdev,
    /// Place in the boot order; 0 is first. Default: none.
    pub boot_index: Option<u32>,
    /// Pairs of queues (virtio, on a tap with several descriptors or vhost-user). Default: one.
    pub queues: u16,
    /// Interrupt vectors of a virtio interface. Default: QEMU's own; with several queues two for each pair and two more.
    pub vectors: Option<u16>,
    /// Boot ROM: a file, or empty for none. Default: QEMU's own.
    pub romfile: Option<String>,
    /// MTU that a virtio interface tells its guest. Default: none.
    pub mtu: Option<u16>,
    /// Place on the PCI bus. Default: the next free one.
    pub pci: Option<PciAddress>,
    /// Further properties of the device, by QEMU's names.
    pub extra: Vec<(String, String)>,
    /// Further properties of what it is connected to, by QEMU's names. Default: none.
    pub netdev_extra: Vec<(String, String)>,
}

impl Nic {
    /// A virtio interface on the user-mode network, with these ports of the guest reachable from the host.
    #[must_use]
    pub fn virtio_user(id: impl Into<String>, guest_ports: &[u16]) -> Self {
        let forwards = guest_ports
            .iter()
            .map(|&guest| HostForward { host: None, guest })
            .collect();
        Self {
            id: id.into(),
            model: "virtio-net-pci".to_owned(),
            mac: None,
            netdev: Netdev::User {
                forwards,
                restrict: false,
                options: UserNet::default(),
            },
            boot_index: None,
            queues: 1,
            vectors: None,
            romfile: None,
            mtu: None,
            pci: None,
            extra: Vec::new(),
            netdev_extra: Vec::new(),
        }
    }

    /// Whether it is a virtio interface, whatever its bus.
    #[must_use]
    pub fn is_virtio(&self) -> bool {
        matches!(
            self.model.as_str(),
            "virtio" | "virtio-net-pci" | "virtio-net-device" | "virtio-net-ccw"
        )
    }
}

/// What a network interface is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Netdev {
    /// QEMU's own NAT; needs no rights.
    User {
        /// TCP ports of 127.0.0.1 that lead to ports of the guest.
        forwards: Vec<HostForward>,
        /// Cut the guest off from everything but the forwarded ports. Without it the guest reaches the network of the
        /// host and, as 10.0.2.2, the host's own loopback services.
        restrict: bool,
        /// The rest.
        options: UserNet,
    },
    /// A tap interface of the host. It is made when the machine starts, unless there is one of its name, and handed over.
    Tap {
        /// Its name, at most 15 characters. Default: one that the kernel chooses, behind [`crate::tap_prefix`].
        ifname: Option<String>,
        /// The bridge of the host that it is put on. Default: none.
        bridge: Option<String>,
        /// Let the kernel move the packets (`vhost=on`).
        vhost: bool,
    },
    /// A macvtap interface of the host. Its device is opened before QEMU starts, and handed over.
    Macvtap {
        /// The device: `/dev/tap<index>`.
        device: PathBuf,
    },
    /// The `passt` daemon, started with the machine.
    Passt {
        /// The program. Default: `passt` from `PATH`.
        program: Option<PathBuf>,
        /// TCP ports of 127.0.0.1 that lead to ports of the guest; both have to be given.
        forwards: Vec<HostForward>,
    },
    /// One side of a stream over a UNIX socket: a cable between two machines.
    Stream {
        /// The socket.
        path: PathBuf,
        /// Listen on it; the other side connects.
        server: bool,
    },
    /// Nothing: the interface has no cable.
    None,
}

/// The rarer options of the user-mode network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct UserNet {
    /// The guest's network: `192.168.76.0/24`. Default: `10.0.2.0/24`.
    pub net: Option<String>,
    /// The directory that is served by TFTP. Default: none.
    pub tftp: Option<PathBuf>,
    /// The file that BOOTP names. Default: none.
    pub bootfile: Option<String>,
}

/// A TCP port of the host's 127.0.0.1 that leads to a port of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HostForward {
    /// Port on the host. Default: the kernel chooses a free one when QEMU binds it, so that no two machines can race
    /// for it; [`crate::Machine::forwards`] tells which.
    pub host: Option<u16>,
    /// Port in the guest.
    pub guest: u16,
}

/// A unicast Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// A locally administered address (QEMU's `52:54:00` prefix) made of the low 24 bits of `number`.
    #[must_use]
    pub fn local(number: u32) -> Self {
        let [_, a, b, c] = number.to_be_bytes();
        Self([0x52, 0x54, 0x00, a, b, c])
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Mac {
    type Err = SpecError;

    /// Takes six hexadecimal bytes separated by colons; multicast addresses are refused.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |rule: &str| SpecError::Value {
            field: "mac address".to_owned(),
            value: text.to_owned(),
            rule: rule.to_owned(),
        };
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|part| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit()));
            *byte = part
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(|| wrong("it has to be six bytes like 52:54:00:12:34:56"))?;
        }
        if parts.next().is_some() {
            return Err(wrong("it has to be six bytes like 52:54:00:12:34:56"));
        }
        if bytes[0] & 1 == 1 {
            return Err(wrong(
                "it has to be a unicast address: the first byte has to be even",
            ));
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_read_and_shown() {
        assert_eq!(
            "9A:37:00:0b:0c:0d"
                .parse::<Mac>()
                .expect("valid")
                .to_string(),
            "9a:37:00:0b:0c:0d"
        );
        assert_eq!(Mac::local(0x0102_0304).to_string(), "52:54:00:02:03:04");
        for bad in [
            "",
            "52:54:00:12:34",
            "52:54:00:12:34:56:78",
            "+2:54:00:12:34:56",
            "5:54:00:12:34:56",
            "01:00:5e:00:00:01",
        ] {
            let error = bad.parse::<Mac>().expect_err(bad);
            assert!(error.to_string().starts_with("mac address is "), "{error}");
        }
    }
}
