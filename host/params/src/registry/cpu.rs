//! Keys: processors.

use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, POSITIVE};
use super::objects::{Object, VCPU, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("auto_cpu_model", Kind::Flag, "no", "take the best processor model that the accelerator offers, in place of `cpu_model`"),
    vm("cpu_driver", Kind::Text, "", "the device of the processors of `vcpu_devices`; that of the model if it is not set").of(VM.and(VCPU)).not_yet(),
    vm("cpu_family", COUNT, "", "the family of the processor model").not_yet(),
    vm("cpu_model", Kind::Text, "", "the processor model, as QEMU names it; one that suits the accelerator if it is not set").example("Haswell"),
    vm("cpu_model_flags", Kind::Options, "", "flags added to the processor model").example(",+rdrand"),
    vm("cpu_model_vendor", Kind::Text, "", "the vendor that the processor tells").not_yet(),
    vm("default_cpu_model", Kind::Text, "", "the model where `auto_cpu_model` finds none"),
    vm("smp", POSITIVE, "2", "the number of processors"),
    vm("used_cpus", COUNT, "", "the number of processors that the test counts on").ignored("the reference does not read it either"),
    vm("vcpu_books", Kind::Text, "", "books of the processors' topology; `INVALID` where the machine has none"),
    vm("vcpu_clusters", Kind::Text, "", "clusters in a die; `INVALID` where the machine has none"),
    vm("vcpu_cores", COUNT, "0", "cores in a die or cluster; worked out if it is 0"),
    vm("vcpu_devices", Kind::Names(Object::Vcpu), "", "processors that are plugged into the machine").example("vcpu1 vcpu2").not_yet(),
    vm("vcpu_dies", Kind::Text, "", "dies in a socket; `INVALID` where the machine has none"),
    vm("vcpu_drawers", Kind::Text, "", "drawers of the processors' topology; `INVALID` where the machine has none"),
    vm("vcpu_enable", Kind::Flag, "no", "plug the processor in before the machine runs").of(VM.and(VCPU)).not_yet(),
    vm("vcpu_id", Kind::Text, "", "the id of a processor of `vcpu_devices`").of(VM.and(VCPU)).not_yet(),
    vm("vcpu_maxcpus", COUNT, "", "the most processors that the machine can have, those that can be plugged in among them"),
    vm("vcpu_prefer_sockets", Kind::Flag, "no", "put what is not said into sockets, not into cores").not_yet(),
    vm("vcpu_props", Kind::Text, "", "properties of a processor of `vcpu_devices`").of(VM.and(VCPU)).not_yet(),
    vm("vcpu_sockets", COUNT, "0", "sockets; worked out if it is 0"),
    vm("vcpu_threads", COUNT, "0", "threads of a core; worked out if it is 0"),
    vm("win_max_vcpu_sockets", COUNT, "2", "the most sockets that a Windows guest uses").not_yet(),
];
