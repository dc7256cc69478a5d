//! Keys: which test a variant runs, and whether it does.

use super::key::{Key, Phase, key};
use super::kind::Kind;
use super::objects::Object;

const fn dispatch(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).at(Phase::Dispatch)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    dispatch("cmds_installed_host", Kind::List, "", "programs that the host must have; without one of them the test is skipped").example("lsusb usb-devices"),
    dispatch("dep", Kind::List, "", "the tests that must have passed before this one; the configuration language makes it of the labels behind a variant"),
    dispatch("depend", Kind::List, "", "the same, written as a parameter").example("install boot"),
    dispatch("main_vm", Kind::Text, "", "the machine that a test means when it names none").example("vm1"),
    dispatch("name", Kind::Text, "", "the full name of the variant; made by the configuration language"),
    dispatch("nested_guest_level", Kind::Text, "L1", "how deep guests run in guests").not_yet(),
    dispatch("other_tests_dirs", Kind::List, "", "directories with more tests").ignored("tests come from providers: `vthost provider add`"),
    dispatch("provider", Kind::Text, "", "the provider that the test comes from; set by vthost"),
    dispatch("required_kernel", Kind::Versions, "", "the versions of the host's kernel that the test can run on").example("[5.14, )"),
    dispatch("required_qemu", Kind::Versions, "", "the versions of QEMU that the test can run with; it is skipped with others").example("[2.6.0, )"),
    dispatch("required_virtio_win", Kind::Versions, "", "the versions of the virtio drivers for Windows that the test can run with").not_yet(),
    dispatch("required_virtiofsd", Kind::Versions, "", "the versions of virtiofsd that the test can run with").not_yet(),
    dispatch("requires_root", Kind::Flag, "no", "skip the test unless vthost runs as root"),
    dispatch("shortname", Kind::Text, "", "the name of the variant without the names of blocks and `@` variants; made by the configuration language"),
    dispatch("skip", Kind::Flag, "no", "skip the test"),
    key("test_timeout", Kind::Seconds, "14400", "seconds that the test may take; the host ends it then (`limit:deadline`)"),
    dispatch("type", Kind::Text, "", "the test in the pack that the variant runs").example("boot"),
    key("unittest_test_list", Kind::List, "", "the unit tests of KVM to run; all if it is not set").not_yet(),
    dispatch("vm_type", Kind::Word(&["qemu"]), "qemu", "the kind of machines").ignored("there is no other; `--vt-type` chooses the tests"),
    dispatch("vms", Kind::Names(Object::Vm), "", "the machines of the test; machines that it does not name are taken away before it").example("vm1 vm2"),
];
