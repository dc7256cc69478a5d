//! The network.

use std::time::Duration;

use super::quote;
use crate::text::loss_ratio;
use crate::{Outcome, Result, Session};

/// The interface that has a hardware address, as `eth0`. Similar to `utils_net.get_linux_ifname()` in Avocado-VT.
///
/// # Errors
/// ERROR if the guest cannot be asked; that none has it is `Ok(None)`.
pub fn interface_of(session: &Session, mac: &str) -> Result<Option<String>> {
    let listed = session.cmd("grep -H . /sys/class/net/*/address")?;
    Ok(find_interface(&listed, mac))
}

fn find_interface(listed: &str, mac: &str) -> Option<String> {
    listed.lines().find_map(|line| {
        let (path, address) = line.split_once("/address:")?;
        let name = path.rsplit('/').next()?;
        address
            .trim()
            .eq_ignore_ascii_case(mac)
            .then(|| name.to_owned())
    })
}

/// The IPv4 addresses of an interface, without the length of their prefix.
///
/// # Errors
/// ERROR if there is no such interface.
pub fn addresses(session: &Session, interface: &str) -> Result<Vec<String>> {
    let listed = session.cmd(&format!("ip -o -4 addr show dev {}", quote(interface)))?;
    Ok(find_addresses(&listed))
}

fn find_addresses(listed: &str) -> Vec<String> {
    let address = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "inet");
        let with_prefix = words.nth(1)?;
        Some(with_prefix.split('/').next()?.to_owned())
    };
    listed.lines().filter_map(address).collect()
}

/// Sends `count` packets to an address, one each second, and gives the share that was lost, in percent.
///
/// # Errors
/// ERROR if `ping` does not say.
pub fn loss_of_ping(session: &Session, address: &str, count: u32) -> Result<f64> {
    let timeout = Duration::from_secs(u64::from(count) + 60);
    let command = format!("ping -c {count} {}", quote(address));
    let printed = session.cmd_status_output_within(&command, timeout)?.output;
    loss_ratio(&printed).ok_or_else(|| {
        Outcome::error(format!("`{command}` does not say what was lost")).with_detail(printed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_found_by_its_address() {
        let listed = "/sys/class/net/eth0/address:52:54:00:12:34:56\n/sys/class/net/lo/address:00:00:00:00:00:00\n";
        assert_eq!(
            find_interface(listed, "52:54:00:12:34:56").as_deref(),
            Some("eth0")
        );
        assert_eq!(find_interface(listed, "9a:00:00:00:00:01"), None);
    }

    #[test]
    fn addresses_are_found() {
        let listed = "2: eth0    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0\\       valid_lft forever\n2: eth0    inet 10.0.3.1/8 scope global eth0\n";
        assert_eq!(find_addresses(listed), ["10.0.2.15", "10.0.3.1"]);
        assert!(find_addresses("").is_empty());
    }
}
