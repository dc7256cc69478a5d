//! Taps: network interfaces of the host that QEMU is the other end of.
//!
//! A tap is made here and handed to QEMU open. It is there for as long as somebody has it open: the kernel removes it when
//! QEMU ends, also if this process was killed before. A tap that the operator made to stay (`ip tuntap add`) is taken as
//! it is, which needs no rights if it belongs to the user.

use std::ffi::c_int;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::spec::{Netdev, Nic};

const TUN: &str = "/dev/net/tun";

/// A name has at most 15 bytes and a zero.
const NAME_SIZE: usize = 16;

// linux/if_tun.h
const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const IFF_TAP: i16 = 0x0002;
const IFF_MULTI_QUEUE: i16 = 0x0100;
const IFF_NO_PI: i16 = 0x1000;
const IFF_VNET_HDR: i16 = 0x4000;

// linux/sockios.h, linux/if.h
const SIOCGIFFLAGS: Opcode = 0x8913;
const SIOCSIFFLAGS: Opcode = 0x8914;
const SIOCSIFMTU: Opcode = 0x8922;
const SIOCGIFINDEX: Opcode = 0x8933;
const SIOCBRADDIF: Opcode = 0x89a2;
const IFF_UP: i16 = 0x0001;

/// What the names of the taps begin with that this process makes; the kernel puts a number behind it.
#[must_use]
pub fn tap_prefix() -> String {
    format!("vthost{:x}-", std::process::id())
}

/// The tap of a network card, open once for each of its queues; none if the card has no tap.
///
/// # Errors
/// What the system said, and what can be done about it.
pub(crate) fn open(nic: &Nic) -> io::Result<Vec<OwnedFd>> {
    let Netdev::Tap { ifname, bridge, .. } = &nic.netdev else {
        return Ok(Vec::new());
    };
    let mut name = match ifname {
        Some(name) => name.clone(),
        None => format!("{}%d", tap_prefix()),
    };
    let mut queues = Vec::new();
    for _ in 0..nic.queues {
        let (file, given) = attach(&name, nic.queues > 1)?;
        queues.push(OwnedFd::from(file));
        name = given;
    }
    set_up(&name, bridge.as_deref(), nic.mtu)?;
    tracing::debug!(nic = nic.id, tap = name, ?bridge, "tap open");
    Ok(queues)
}

/// Opens a queue of a tap, which is made if it is not there; and the name that it got.
fn attach(name: &str, many: bool) -> io::Result<(File, String)> {
    let opened = OpenOptions::new().read(true).write(true).open(TUN);
    let file = opened.map_err(|error| {
        told(
            error,
            &format!("cannot open {TUN} for a tap"),
            "`modprobe tun` loads the driver, and root may use it",
        )
    })?;
    let mut request = Request::new(name)?;
    let queues = if many { IFF_MULTI_QUEUE } else { 0 };
    request.set_flags(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | queues);
    request.send::<TUNSETIFF>(&file).map_err(|error| {
        let next = match error {
            Errno::PERM => {
                "run vthost as root or with CAP_NET_ADMIN; or let root make one for this user, `ip tuntap add dev NAME mode tap user USER`, put it on its bridge, and name it with the parameter ifname"
            }
            Errno::BUSY => "another machine uses it: name another with the parameter ifname, or none",
            _ => "see the kernel's log",
        };
        told(error, &format!("cannot make the tap {name}"), next)
    })?;
    Ok((file, request.name()))
}

/// Starts an interface and puts it on a bridge. What is so already needs no rights.
fn set_up(name: &str, bridge: Option<&str>, mtu: Option<u16>) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    let failed = |what: &str, error: Errno| {
        let what = format!("cannot {what} the tap {name}");
        told(error, &what, "run vthost as root or with CAP_NET_ADMIN")
    };
    if let Some(mtu) = mtu {
        let mut request = Request::new(name)?;
        request.set_number(i32::from(mtu));
        let set = request.send::<SIOCSIFMTU>(&socket);
        set.map_err(|error| failed("set the largest packet of", error))?;
    }
    if let Some(bridge) = bridge.filter(|bridge| !is_on(name, bridge)) {
        let mut request = Request::new(name)?;
        let found = request.send::<SIOCGIFINDEX>(&socket);
        found.map_err(|error| failed("find", error))?;
        let index = request.number();
        let mut request = Request::new(bridge)?;
        request.set_number(index);
        request.send::<SIOCBRADDIF>(&socket).map_err(|error| {
            let next = match error {
                Errno::NODEV | Errno::OPNOTSUPP => {
                    "there is no such bridge: `ip link add NAME type bridge` makes one, and the parameter netdst names another"
                }
                _ => "run vthost as root or with CAP_NET_ADMIN",
            };
            told(error, &format!("cannot put the tap {name} on the bridge {bridge}"), next)
        })?;
    }
    let mut request = Request::new(name)?;
    let asked = request.send::<SIOCGIFFLAGS>(&socket);
    asked.map_err(|error| failed("ask", error))?;
    if request.flags() & IFF_UP == 0 {
        request.set_flags(request.flags() | IFF_UP);
        let started = request.send::<SIOCSIFFLAGS>(&socket);
        started.map_err(|error| failed("start", error))?;
    }
    Ok(())
}

/// Whether an interface is on the bridge already.
fn is_on(name: &str, bridge: &str) -> bool {
    let master = fs::read_link(format!("/sys/class/net/{name}/master"));
    master.is_ok_and(|master| master.file_name() == Path::new(bridge).file_name())
}

fn told(error: impl Into<io::Error>, what: &str, next: &str) -> io::Error {
    let error = error.into();
    io::Error::new(error.kind(), format!("{what}: {error}; {next}"))
}

/// `struct ifreq`: the name of an interface, and what is asked or told of it.
#[repr(C)]
struct Request {
    name: [u8; NAME_SIZE],
    value: [u8; 24],
}

impl Request {
    fn new(name: &str) -> io::Result<Self> {
        let mut request = Self {
            name: [0; NAME_SIZE],
            value: [0; 24],
        };
        if name.is_empty() || name.len() >= NAME_SIZE {
            let text = format!("`{name}` is no name of a network interface: 15 characters at most");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        Ok(request)
    }

    fn name(&self) -> String {
        let end = self.name.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&self.name[..end.unwrap_or(NAME_SIZE)]).into()
    }

    fn flags(&self) -> i16 {
        i16::from_ne_bytes([self.value[0], self.value[1]])
    }

    fn set_flags(&mut self, flags: i16) {
        self.value[..2].copy_from_slice(&flags.to_ne_bytes());
    }

    fn number(&self) -> i32 {
        let [a, b, c, d, ..] = self.value;
        i32::from_ne_bytes([a, b, c, d])
    }

    fn set_number(&mut self, number: i32) {
        self.value[..4].copy_from_slice(&number.to_ne_bytes());
    }

    fn send<const OPCODE: Opcode>(&mut self, to: impl AsFd) -> Result<(), Errno> {
        #[expect(unsafe_code, reason = "an ioctl can do anything with its argument")]
        // SAFETY: each request of this file takes a `struct ifreq`, which this is laid out as and no smaller than, and
        // reads and writes nothing else.
        unsafe {
            ioctl(to, Updater::<OPCODE, Self>::new(self))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::thread::{UnshareFlags, unshare_unsafe};

    use super::*;

    fn card(ifname: Option<&str>, bridge: &str, queues: u16) -> Nic {
        Nic {
            netdev: Netdev::Tap {
                ifname: ifname.map(str::to_owned),
                bridge: Some(bridge.to_owned()),
                vhost: false,
            },
            queues,
            mtu: Some(1400),
            ..Nic::virtio_user("nic1", &[])
        }
    }

    /// What `ip` says in the network of this thread.
    fn ip(args: &str) -> String {
        let output = Command::new("ip").args(args.split(' ')).output().unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A network of its own for this thread; false where this user may not have one, or the host has no taps.
    fn own_network() -> bool {
        #[expect(unsafe_code, reason = "some flags of unshare are a danger to memory")]
        // SAFETY: a network of its own does not touch the memory or the files of this thread.
        let own = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
        let can = own.is_ok() && File::open(TUN).is_ok();
        if !can {
            println!("not tested: that takes root and {TUN}");
        }
        can
    }

    #[test]
    fn a_tap_is_on_its_bridge_for_as_long_as_it_is_open() {
        if !own_network() {
            return;
        }
        ip("link add br7 type bridge");
        let queues = open(&card(None, "br7", 1)).unwrap();
        let name = format!("{}0", tap_prefix());
        let shown = ip("-o link show");
        let line = shown.lines().find(|line| line.contains(&name)).unwrap();
        assert!(line.contains("master br7") && line.contains("UP"), "{line}");
        assert!(line.contains("mtu 1400"), "{line}");
        drop(queues);
        assert!(!ip("-o link show").contains(&name));
        let queues = open(&card(Some("mine"), "br7", 4)).unwrap();
        assert_eq!(queues.len(), 4);
        assert!(ip("-o link show").contains("mine"));
        let error = open(&card(Some("mine"), "br7", 1)).unwrap_err().to_string();
        assert!(error.contains("the tap mine"), "{error}");
    }

    #[test]
    fn a_bridge_that_is_none_is_told() {
        if !own_network() {
            return;
        }
        for bridge in ["br8", "lo"] {
            let error = open(&card(None, bridge, 1)).unwrap_err().to_string();
            assert!(
                error.contains(&format!("on the bridge {bridge}: ")),
                "{error}"
            );
            assert!(error.contains("netdst"), "{error}");
        }
        assert!(!ip("-o link show").contains(&tap_prefix()));
    }

    #[test]
    fn a_name_that_is_none_is_told() {
        let error = open(&card(Some("much-too-long-a-name"), "br7", 1)).unwrap_err();
        assert!(
            error.to_string().contains(if Path::new(TUN).exists() {
                "15 characters"
            } else {
                TUN
            }),
            "{error}"
        );
    }
}
