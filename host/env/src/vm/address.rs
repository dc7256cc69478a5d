//! Where the guest is reached from the host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use vthost_qemu::spec::Netdev;

use super::Vm;
use crate::{Error, ErrorKind, Result};

impl Vm {
    /// Where the guest's TCP port is reached from the host: a forwarded port, or the address that the parameter `ip` tells
    /// of a card on a bridge.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is neither; [`ErrorKind::Invalid`] if `ip` is no address.
    pub fn address(&self, port: u16) -> Result<SocketAddr> {
        if let Some(host) = self.machine()?.host_port(port) {
            return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, host)));
        }
        if let Some(address) = self.address_on_bridge()? {
            return Ok(SocketAddr::new(address, port));
        }
        let text = format!(
            "port {port} of {} cannot be reached: it is forwarded by no card with `nettype = user` (port {} is, and those of redirs), and no card on a bridge has an `ip`",
            self.name,
            self.login.port()
        );
        Err(Error::new(ErrorKind::NotFound, text))
    }

    /// The address of the first card on a bridge that has one.
    fn address_on_bridge(&self) -> Result<Option<IpAddr>> {
        let on_bridge = |nic: &&vthost_qemu::spec::Nic| matches!(nic.netdev, Netdev::Tap { .. });
        for nic in self.hardware.spec.nics.iter().filter(on_bridge) {
            let params = self.params.object(&nic.id);
            let address = params.get_or("ip", "").trim();
            if !address.is_empty() {
                let address = address.parse();
                let address = address.map_err(|_| params.invalid("ip", "an IP address"))?;
                return Ok(Some(address));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use rustix::thread::{UnshareFlags, unshare_unsafe};

    use crate::Pool;
    use crate::leak::end_all;
    use crate::vm::login::tests::started;

    fn ip(args: &str) -> String {
        let output = Command::new("ip").args(args.split(' ')).output().unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes root, for a network of its own, and `/dev/net/tun`; elsewhere it tests nothing, and says so.
    #[tokio::test]
    async fn a_guest_on_a_bridge_is_logged_in_to_by_its_address() {
        #[expect(unsafe_code, reason = "some flags of unshare are a danger to memory")]
        // SAFETY: a network of its own does not touch the memory or the files of this thread.
        let own = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
        if own.is_err() || std::fs::File::open("/dev/net/tun").is_err() {
            println!("not tested: that takes root and /dev/net/tun");
            return;
        }
        ip("link add br7 type bridge");
        ip("addr add 10.99.0.1/24 dev br7");
        ip("link set br7 up");
        let dir = tempfile::tempdir().unwrap();
        let nic = [
            ("nettype", "bridge"),
            ("netdst", "br7"),
            ("ip_nic1", "10.99.0.2"),
            ("queues", "2"),
        ];
        let (env, vm) = started(dir.path(), &nic).await;
        let time = Duration::from_secs(240);
        let serial = vm.wait_for_serial_login(time).await.expect("a console");
        let up = "ip link set eth0 up && ip addr add 10.99.0.2/24 dev eth0";
        let done = serial
            .cmd_status_output(up, time)
            .await
            .expect("it answers");
        assert_eq!(done.status, 0, "{}", done.output);
        vm.wait_for_login(time).await.expect("over the bridge");

        let tap = format!("{}0", vthost_qemu::tap_prefix());
        let pool = Pool::default();
        pool.keep(vm.clone());
        assert_eq!(end_all(&pool).await, [""; 0], "the machine is kept");
        assert!(ip("-o link show master br7").contains(&tap));
        drop(pool.take("vm1"));
        vm.destroy(false).await.expect("it ends");
        assert!(!ip("-o link show").contains(&tap));
        drop(env);
        ip(&format!("tuntap add dev {tap} mode tap"));
        let problems = end_all(&pool).await;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains(&format!("the tap {tap} was left")),
            "{problems:?}"
        );
    }
}
