//! Processors.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::is_word;
use crate::error::SpecError;

/// A processor model with its features: `Nehalem,+rdrand`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CpuModel(String);

impl CpuModel {
    /// The text for `-cpu`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The model alone.
    #[must_use]
    pub fn model(&self) -> &str {
        self.0.split(',').next().unwrap_or_default()
    }

    /// The processor of the host, as far as KVM can pass it on.
    pub(crate) fn host() -> Self {
        Self("host".to_owned())
    }

    /// The x86 model with which guests start fastest under TCG; without `rdrand` they wait for entropy.
    pub(crate) fn fast_tcg() -> Self {
        Self("Nehalem,+rdrand".to_owned())
    }

    /// Everything that the accelerator can do.
    pub(crate) fn max() -> Self {
        Self("max".to_owned())
    }
}

impl fmt::Display for CpuModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CpuModel {
    type Err = SpecError;

    /// Takes a model, then features `+name`, `-name` or `name=value`, separated by commas.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let model_ok = parts.next().is_some_and(is_word);
        let features_ok = parts.all(|feature| match feature.split_once('=') {
            Some((name, value)) => is_word(name) && is_word(value),
            None => feature.strip_prefix(['+', '-']).is_some_and(is_word),
        });
        if model_ok && features_ok {
            return Ok(Self(text.to_owned()));
        }
        Err(SpecError::Value {
            field: "cpu model".to_owned(),
            value: text.to_owned(),
            rule: "it has to be a model, then features as +name, -name or name=value, separated by commas".to_owned(),
        })
    }
}

/// Processors and their topology. The product of all parts is what can be plugged in; `cpus` of them are there at start.
/// Parts of 1 are not given to QEMU, since not every machine type knows all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Smp {
    /// Processors at start.
    pub cpus: u32,
    /// Cores per cluster, or per die or socket where there are no clusters.
    pub cores: u32,
    /// Threads per core.
    pub threads: u32,
    /// Sockets, per book on IBM Z.
    pub sockets: u32,
    /// Dies per socket (x86).
    pub dies: u32,
    /// Clusters per die (ARM).
    pub clusters: u32,
    /// Books per drawer (IBM Z).
    pub books: u32,
    /// Drawers (IBM Z).
    pub drawers: u32,
}

impl Smp {
    /// `count` cores in one socket.
    #[must_use]
    pub fn cpus(count: u32) -> Self {
        Self {
            cpus: count,
            cores: count,
            threads: 1,
            sockets: 1,
            dies: 1,
            clusters: 1,
            books: 1,
            drawers: 1,
        }
    }

    /// How many processors the machine can have; `None` if the product is beyond any number.
    #[must_use]
    pub fn max(self) -> Option<u32> {
        [
            self.drawers,
            self.books,
            self.sockets,
            self.dies,
            self.clusters,
            self.cores,
            self.threads,
        ]
        .into_iter()
        .try_fold(1_u32, u32::checked_mul)
    }
}

/// A processor that is plugged into its own place at the start (or later), instead of being counted by `-smp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vcpu {
    /// Its id.
    pub id: String,
    /// The device: `<model>-<arch>-cpu`, as `query-hotpluggable-cpus` names it.
    pub driver: String,
    /// Its place in the topology (`socket-id`, `core-id`, ...), as the same query tells.
    pub place: Vec<(String, u32)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_models_take_features_and_nothing_else() {
        for good in [
            "host",
            "Nehalem,+rdrand",
            "EPYC-v1,-svm,xlevel=0x8000000a",
            "qemu64,hv_relaxed=on",
        ] {
            assert_eq!(good.parse::<CpuModel>().expect("valid").as_str(), good);
        }
        for bad in [
            "",
            "host,",
            "host,rdrand",
            "host +x",
            "a=b",
            ",+x",
            "host,+",
            "-host",
            "host,a=",
            "max,a=b=c",
        ] {
            let error = bad.parse::<CpuModel>().expect_err(bad);
            assert!(error.to_string().starts_with("cpu model is "), "{error}");
        }
    }

    #[test]
    fn a_topology_has_a_product() {
        let smp = Smp {
            sockets: 2,
            dies: 2,
            threads: 2,
            ..Smp::cpus(4)
        };
        assert_eq!(smp.max(), Some(32));
        let beyond = Smp {
            cores: u32::MAX,
            sockets: 2,
            ..smp
        };
        assert_eq!(beyond.max(), None);
    }
}
