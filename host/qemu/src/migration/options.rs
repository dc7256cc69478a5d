//! How to migrate.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What carries the data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Transport {
    /// A UNIX socket in the run directory.
    #[default]
    Unix,
    /// A TCP port of 127.0.0.1 that the kernel chooses. Other users of the host can connect to it, too.
    Tcp,
    /// A pair of connected sockets, of which each side is handed one.
    Fd,
    /// A pipe through commands, each a program with its arguments, as a shell joins them by `|`. They run with the
    /// rights of this process, not in QEMU's confinement.
    Exec(Vec<Vec<String>>),
}

/// How to migrate. The default is precopy over a UNIX socket with QEMU's own limits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MigrationOptions {
    /// What carries the data.
    pub transport: Transport,
    /// Allow [`super::Migration::start_postcopy`].
    pub postcopy: bool,
    /// Send memory through so many connections at once. Needs a socket.
    pub multifd: Option<u8>,
    /// Send differences of pages rather than pages.
    pub xbzrle: bool,
    /// Slow the guest down if it writes faster than can be sent.
    pub auto_converge: bool,
    /// Other capabilities to be switched on or off on both sides, by QEMU's names.
    pub capabilities: BTreeMap<String, bool>,
    /// Bytes per second. Default: QEMU's 128 MiB.
    pub max_bandwidth: Option<u64>,
    /// How long the guest may stand still, in milliseconds. Default: QEMU's 300.
    pub downtime_limit: Option<u64>,
    /// Other parameters to be set on both sides, by QEMU's names.
    pub parameters: Map<String, Value>,
}

impl MigrationOptions {
    /// The arguments of `migrate-set-capabilities`.
    pub(super) fn capabilities(&self) -> Value {
        let mut all = BTreeMap::from([("events", true)]);
        let own = [
            ("postcopy-ram", self.postcopy),
            ("multifd", self.multifd.is_some()),
            ("xbzrle", self.xbzrle),
            ("auto-converge", self.auto_converge),
        ];
        all.extend(own);
        all.extend(
            self.capabilities
                .iter()
                .map(|(name, on)| (name.as_str(), *on)),
        );
        let list: Vec<Value> = all
            .into_iter()
            .map(|(name, on)| json!({ "capability": name, "state": on }))
            .collect();
        json!({ "capabilities": list })
    }

    /// The arguments of `migrate-set-parameters`, if there are any.
    pub(super) fn parameters(&self) -> Option<Value> {
        let mut all = self.parameters.clone();
        let own = [
            ("max-bandwidth", self.max_bandwidth),
            ("downtime-limit", self.downtime_limit),
            ("multifd-channels", self.multifd.map(u64::from)),
        ];
        for (name, value) in own {
            if let Some(value) = value {
                all.insert(name.to_owned(), value.into());
            }
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_by_name_goes_beside_what_is_said_by_field() {
        let mut options = MigrationOptions {
            multifd: Some(4),
            ..MigrationOptions::default()
        };
        options.capabilities.insert("return-path".to_owned(), true);
        options.capabilities.insert("events".to_owned(), false);
        let capabilities = options.capabilities().to_string();
        assert!(capabilities.contains(r#"{"capability":"multifd","state":true}"#));
        assert!(capabilities.contains(r#"{"capability":"return-path","state":true}"#));
        assert!(capabilities.contains(r#"{"capability":"events","state":false}"#));
        assert_eq!(options.parameters(), Some(json!({ "multifd-channels": 4 })));
        assert_eq!(MigrationOptions::default().parameters(), None);
    }
}
