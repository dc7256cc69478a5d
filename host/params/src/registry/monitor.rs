//! Keys: monitors of QEMU.

use super::key::{Key, Phase, key};
use super::kind::Kind;
use super::objects::{MONITOR, Object, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("catch_monitor", Kind::Names(Object::Monitor), "", "a monitor of its own for watching").ignored("vthost hands every event to everybody who waits for it"),
    vm("debugonly", Kind::Flag, "no", "a monitor that nothing but the log uses").of(VM.and(MONITOR)).not_yet(),
    vm("main_monitor", Kind::Text, "", "the monitor that a test means when it names none; the first one if it is not set").example("qmpmonitor1").ignored("what a test asks goes through the monitor that vthost has for itself"),
    vm("monitor_type", Kind::Word(&["qmp", "human"]), "qmp", "the protocol of a monitor").of(VM.and(MONITOR)),
    vm("monitors", Kind::Names(Object::Monitor), "", "the monitors of a machine; vthost has one of its own beside them").example("qmpmonitor1"),
];
