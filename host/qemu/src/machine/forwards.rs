//! Ports of the host that lead into the guest.

use super::Forward;
use crate::error::QmpError;
use crate::qmp::Qmp;
use crate::spec::{MachineSpec, Netdev};

/// Asks for the ports that the kernel chose.
pub(super) async fn ask(qmp: &Qmp, spec: &MachineSpec) -> Result<Vec<Forward>, QmpError> {
    let forwarded =
        |netdev: &Netdev| matches!(netdev, Netdev::User { forwards, .. } if !forwards.is_empty());
    let mut found = fixed(spec);
    if spec.nics.iter().any(|nic| forwarded(&nic.netdev)) {
        // There is no QMP command for it.
        let listing = qmp.human("info usernet").await?;
        found.extend(read_forwards(spec, &listing)?);
    }
    Ok(found)
}

/// The ports of daemons, which were told which to take.
fn fixed(spec: &MachineSpec) -> Vec<Forward> {
    let mut found = Vec::new();
    for nic in &spec.nics {
        let Netdev::Passt { forwards, .. } = &nic.netdev else {
            continue;
        };
        found.extend(forwards.iter().map(|forward| Forward {
            nic: nic.id.clone(),
            host: forward.host.unwrap_or(forward.guest),
            guest: forward.guest,
        }));
    }
    found
}

/// Finds the ports of each forward in what `info usernet` prints.
pub(crate) fn read_forwards(spec: &MachineSpec, listing: &str) -> Result<Vec<Forward>, QmpError> {
    let mut listed: Vec<(&str, u16, u16)> = Vec::new();
    let mut netdev = "";
    for line in listing.lines() {
        if let Some((_, rest)) = line.split_once('(')
            && let Some((name, "")) = rest.trim_end().rsplit_once("):")
        {
            netdev = name;
        } else if line.trim_start().starts_with("TCP[HOST_FORWARD]") {
            // Protocol[State]  FD  Source-Address Port  Dest-Address Port  RecvQ SendQ
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = |n: usize| fields.get(n).and_then(|field| field.parse().ok());
            if let (Some(host), Some(guest)) = (port(3), port(5)) {
                listed.push((netdev, host, guest));
            }
        }
    }
    let mut found = Vec::new();
    for nic in &spec.nics {
        let Netdev::User { forwards, .. } = &nic.netdev else {
            continue;
        };
        let id = nic.netdev_id();
        for forward in forwards {
            let matches = |(name, host, guest): &(&str, u16, u16)| {
                *name == id
                    && *guest == forward.guest
                    && forward.host.is_none_or(|wanted| wanted == *host)
            };
            // Taken out, so that two forwards to one port of the guest get one port each.
            let place = listed
                .iter()
                .position(matches)
                .ok_or_else(|| QmpError::Protocol {
                    detail: format!(
                        "`info usernet` does not show the forward to port {} of nic {}",
                        forward.guest, nic.id
                    ),
                })?;
            let (_, host, guest) = listed.remove(place);
            found.push(Forward {
                nic: nic.id.clone(),
                host,
                guest,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{HostForward, Nic, UserNet};

    #[test]
    fn forwards_are_found_per_nic() {
        let listing = "Hub -1 (netdev_nic1):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  \
            TCP[HOST_FORWARD]   8       127.0.0.1 32777       10.0.2.15    22     0     0\r\n  \
            TCP[HOST_FORWARD]   3       127.0.0.1 40129       10.0.2.15    80     0     0\r\n\
            Hub -1 (netdev_nic2):\r\n  \
            TCP[ESTABLISHED]    9       127.0.0.1 50000       10.0.2.15    22     0     0\r\n  \
            TCP[HOST_FORWARD]   4       127.0.0.1  2222       10.0.2.15    22     0     0\r\n";
        let mut spec = MachineSpec::new("vm1");
        let fixed = Netdev::User {
            forwards: vec![HostForward {
                host: Some(2222),
                guest: 22,
            }],
            restrict: false,
            options: UserNet::default(),
        };
        spec.nics = vec![
            Nic::virtio_user("nic1", &[80, 22]),
            Nic {
                netdev: fixed,
                ..Nic::virtio_user("nic2", &[])
            },
        ];
        let forwards = read_forwards(&spec, listing).expect("all are listed");
        let shown: Vec<_> = forwards
            .iter()
            .map(|found| (found.nic.as_str(), found.host, found.guest))
            .collect();
        assert_eq!(
            shown,
            [("nic1", 40129, 80), ("nic1", 32777, 22), ("nic2", 2222, 22)]
        );

        spec.nics = vec![Nic::virtio_user("nic3", &[22])];
        let error = read_forwards(&spec, listing).expect_err("not listed");
        assert!(error.to_string().contains("port 22 of nic nic3"), "{error}");
    }
}
