//! One thing that QEMU makes from properties.
//!
//! A device, a backend or a block node is the same thing whether it stands on the command line or is plugged in later,
//! so it has one form here and two ways out: [`Element::argument`] for the command line, [`Element::qmp`] for the monitor.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::probe::Details;

/// What an element is, which decides about its option and its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `-object`, `object-add`.
    Object,
    /// `-chardev`, `chardev-add`.
    Chardev,
    /// `-blockdev`, `blockdev-add`.
    Blockdev,
    /// `-netdev`, `netdev_add`.
    Netdev,
    /// `-device`, `device_add`.
    Device,
    /// An option without a command, such as `-fsdev`.
    Option(&'static str),
    /// An option whose value is one piece of text, such as `-append`.
    Raw(&'static str),
}

impl Kind {
    /// The key of the property that says which implementation it is. On the command line it comes first.
    fn type_key(self) -> Option<&'static str> {
        match self {
            Self::Object => Some("qom-type"),
            Self::Chardev => Some("backend"),
            Self::Blockdev | Self::Device => Some("driver"),
            Self::Netdev => Some("type"),
            Self::Option(_) | Self::Raw(_) => None,
        }
    }
}

/// One thing with its properties, in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Element {
    kind: Kind,
    /// The word without a key with which an option begins, or the implementation.
    first: Option<String>,
    props: Map<String, Value>,
    /// Properties whose values are text as somebody wrote it, to be given the types that the device wants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loose: Vec<String>,
}

/// How an element stands on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// The option and its value.
    Text(String, String),
    /// A character device on a socket whose descriptor is known only at the start: its id.
    Channel(String),
}

impl Element {
    fn new(kind: Kind, first: Option<&str>) -> Self {
        Self {
            kind,
            first: first.map(str::to_owned),
            props: Map::new(),
            loose: Vec::new(),
        }
    }

    /// A device of this driver.
    #[must_use]
    pub fn device(driver: &str, id: &str) -> Self {
        Self::new(Kind::Device, Some(driver)).with("id", id)
    }

    /// A device of this driver that nobody will ask for by its id.
    #[must_use]
    pub(crate) fn nameless_device(driver: &str) -> Self {
        Self::new(Kind::Device, Some(driver))
    }

    /// An object of this type.
    #[must_use]
    pub fn object(qom_type: &str, id: &str) -> Self {
        Self::new(Kind::Object, Some(qom_type)).with("id", id)
    }

    /// A network backend of this type.
    #[must_use]
    pub fn netdev(backend: &str, id: &str) -> Self {
        Self::new(Kind::Netdev, Some(backend)).with("id", id)
    }

    /// A block node of this driver.
    #[must_use]
    pub fn blockdev(driver: &str, node: &str) -> Self {
        Self::new(Kind::Blockdev, Some(driver)).with("node-name", node)
    }

    /// A character device of this backend.
    #[must_use]
    pub fn chardev(backend: &str, id: &str) -> Self {
        Self::new(Kind::Chardev, Some(backend)).with("id", id)
    }

    /// A character device on one half of a socket pair, whose other half stays with this process.
    #[must_use]
    pub fn channel(id: &str) -> Self {
        Self::new(Kind::Chardev, None).with("id", id)
    }

    /// An option such as `-fsdev`, with the word that it begins with, if any.
    #[must_use]
    pub fn option(name: &'static str, first: Option<&str>) -> Self {
        Self::new(Kind::Option(name), first)
    }

    /// An option whose value QEMU takes as it is.
    #[must_use]
    pub fn raw(name: &'static str, value: &str) -> Self {
        Self::new(Kind::Raw(name), Some(value))
    }

    /// Sets a property.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.props.insert(key.to_owned(), value.into());
        self
    }

    /// Sets a property if there is a value.
    #[must_use]
    pub fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Sets properties as somebody wrote them; [`Element::settle`] gives them their types.
    #[must_use]
    pub fn loosely(mut self, props: &[(String, String)]) -> Self {
        for (key, value) in props {
            self.loose.push(key.clone());
            self.props.insert(key.clone(), value.as_str().into());
        }
        self
    }

    /// Whether it has properties without a type.
    #[must_use]
    pub fn is_loose(&self) -> bool {
        !self.loose.is_empty()
    }

    /// Gives properties that somebody wrote the types that the binary says they have.
    #[must_use]
    pub fn settle(mut self, details: &Details) -> Self {
        for key in std::mem::take(&mut self.loose) {
            let driver = self.first.as_deref().unwrap_or_default();
            let kind = details.property_type(driver, &key);
            if let (Some(kind), Some(Value::String(text))) = (kind, self.props.get(&key)) {
                let typed = typed(text, kind);
                self.props.insert(key, typed);
            }
        }
        self
    }

    /// Sets all these properties.
    #[must_use]
    pub fn extend(mut self, props: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.props.extend(props);
        self
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its driver, type or backend.
    #[must_use]
    pub fn driver(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Its properties, without the driver.
    #[must_use]
    pub fn props(&self) -> &Map<String, Value> {
        &self.props
    }

    /// Its id; of a block node, its name.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let key = if self.kind == Kind::Blockdev {
            "node-name"
        } else {
            "id"
        };
        self.props.get(key).and_then(Value::as_str)
    }

    /// Its form on the command line: JSON where QEMU reads it there (types stay what they are, and no value can end
    /// itself), else `key=value` with doubled commas.
    #[must_use]
    pub fn argument(&self) -> Argument {
        let option = match self.kind {
            Kind::Object => "-object",
            Kind::Chardev => match (&self.first, self.id()) {
                (None, Some(id)) => return Argument::Channel(id.to_owned()),
                _ => "-chardev",
            },
            Kind::Blockdev => "-blockdev",
            Kind::Netdev => "-netdev",
            Kind::Device => "-device",
            Kind::Option(name) | Kind::Raw(name) => name,
        };
        let text = match self.kind {
            Kind::Chardev | Kind::Option(_) => self.key_values(),
            Kind::Raw(_) => self.first.clone().unwrap_or_default(),
            _ => Value::Object(self.flat()).to_string(),
        };
        Argument::Text(option.to_owned(), text)
    }

    /// The command that makes it in a running machine, with its arguments; `None` where there is none. A channel needs
    /// a descriptor that was handed over before (`getfd`) under its own id.
    #[must_use]
    pub fn qmp(&self) -> Option<(&'static str, Value)> {
        let command = match self.kind {
            Kind::Object => "object-add",
            Kind::Chardev => {
                return Some(("chardev-add", self.chardev_add()));
            }
            Kind::Blockdev => "blockdev-add",
            Kind::Netdev => "netdev_add",
            Kind::Device => "device_add",
            Kind::Option(_) | Kind::Raw(_) => return None,
        };
        Some((command, Value::Object(self.flat())))
    }

    /// Driver and properties in one object.
    fn flat(&self) -> Map<String, Value> {
        let driver = self
            .kind
            .type_key()
            .zip(self.first.as_ref())
            .map(|(key, first)| (key.to_owned(), Value::from(first.as_str())));
        driver.into_iter().chain(self.props.clone()).collect()
    }

    /// `first,key=value,...`; a comma in a value is doubled, which is how QEMU reads a plain comma.
    fn key_values(&self) -> String {
        let mut parts: Vec<String> = self.first.iter().map(|first| escape(first)).collect();
        for (key, value) in &self.props {
            flatten(key, value, &mut parts);
        }
        parts.join(",")
    }

    /// `chardev-add` nests what the command line has side by side.
    fn chardev_add(&self) -> Value {
        let mut data = self.props.clone();
        let id = data.shift_remove("id").unwrap_or_default();
        let Some(backend) = &self.first else {
            let addr = json!({"type": "fd", "data": {"str": id}});
            return json!({"id": id, "backend": {"type": "socket", "data": {"addr": addr, "server": false}}});
        };
        if backend == "socket" {
            let addr = match (
                data.shift_remove("path"),
                data.shift_remove("host"),
                data.shift_remove("port"),
            ) {
                (Some(path), _, _) => json!({"type": "unix", "data": {"path": path}}),
                (None, host, port) => {
                    let port = port.map(|port| Value::from(plain(&port)));
                    json!({"type": "inet", "data": {"host": host, "port": port}})
                }
            };
            data.insert("addr".to_owned(), addr);
        }
        if let Some(path) = data.shift_remove("path") {
            data.insert(
                if backend == "file" { "out" } else { "device" }.to_owned(),
                path,
            );
        }
        json!({"id": id, "backend": {"type": backend, "data": data}})
    }
}

/// A value of the command line that is no structure.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => other.to_string(),
    }
}

/// A text as a value of the type that QEMU calls `kind`; as it is if it is none.
fn typed(text: &str, kind: &str) -> Value {
    let number = || match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(Value::from),
        None => text.parse::<i64>().ok().map(Value::from),
    };
    let size = || {
        let unit = text.chars().last()?;
        let power = "kmgt".find(unit.to_ascii_lowercase())? + 1;
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(1 << (10 * power)).map(Value::from)
    };
    let value = match kind {
        "bool" => match text {
            "on" | "yes" | "true" => Some(Value::from(true)),
            "off" | "no" | "false" => Some(Value::from(false)),
            _ => None,
        },
        "size" => number().or_else(size),
        _ if kind.starts_with("int") || kind.starts_with("uint") => number(),
        _ => None,
    };
    value.unwrap_or_else(|| text.into())
}

/// Structures become keys with dots; a key with several values is repeated.
fn flatten(key: &str, value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (inner, value) in object {
                flatten(&format!("{key}.{inner}"), value, parts);
            }
        }
        Value::Array(items) => {
            for value in items {
                flatten(key, value, parts);
            }
        }
        other => parts.push(format!("{key}={}", escape(&plain(other)))),
    }
}

fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

#[cfg(test)]
#[path = "element_tests.rs"]
mod tests;
