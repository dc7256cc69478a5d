//! Keys: the host.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::Kind;

const fn host(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).at(Phase::Preprocess)
}

const fn end(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).at(Phase::Postprocess)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    end("enable_guest_sosreport", Kind::Flag, "no", "collect a report of the guest's system").not_yet(),
    end("enable_host_sosreport", Kind::Flag, "no", "collect a report of the host's system").needs("exec", When::Not(NO)).not_yet(),
    host("enable_strace", Kind::Flag, "no", "trace the system calls of QEMU").needs("exec", When::Not(NO)).not_yet(),
    end("env_cleanup", Kind::Flag, "no", "forget all machines after the test").ignored("nothing of an environment outlives its job"),
    end("expected_host_dmesg", Kind::Regex, "", "lines of the host's kernel log that are no failure").not_yet(),
    host("firewalld_service", Kind::Word(&["enable", "disable"]), "", "start or stop the host's firewall").needs("network", When::Set).not_yet(),
    end("gcov_qemu", Kind::Flag, "no", "measure which parts of QEMU the test reaches").needs("exec", When::Not(NO)).not_yet(),
    end("gcov_qemu_reset", Kind::Flag, "yes", "forget what was reached before the test").needs("exec", When::Not(NO)).not_yet(),
    end("host_dmesg_ignore", Kind::Flag, "no", "report lines of the host's kernel log and let the test pass").not_yet(),
    end("host_dmesg_level", Kind::Number { min: 0, max: 7 }, "3", "the least severe level of the host's kernel log that is a failure").not_yet(),
    host("load_modules", Kind::Flag, "no", "load the modules of KVM").needs("kernel", When::Not(NO)).not_yet(),
    host("local_ip", Kind::Text, "", "the address of this host to other hosts").ignored("tests read it themselves"),
    host("local_pwd", Kind::Text, "", "the password of this host").secret().ignored("tests read it themselves"),
    host("module_list", Kind::List, "", "the modules of `load_modules`").needs("kernel", When::Set).not_yet(),
    host("network_proxies", Kind::Text, "", "proxies of the host").not_yet(),
    host("qemu_img_binary", Kind::Program, "qemu-img", "the qemu-img to run").needs("qemu-binary", When::Not(&["qemu-img"])),
    host("qemu_io_binary", Kind::Program, "qemu-io", "the qemu-io to run").needs("qemu-binary", When::Not(&["qemu-io"])).not_yet(),
    host("qemu_nbd_binary", Kind::Program, "qemu-nbd", "the qemu-nbd to run").needs("qemu-binary", When::Not(&["qemu-nbd"])).not_yet(),
    host("remote_ip", Kind::Text, "", "the address of another host").ignored("tests read it themselves"),
    host("remote_pwd", Kind::Text, "", "the password of another host").secret().ignored("tests read it themselves"),
    host("remote_user", Kind::Text, "root", "the user of another host").ignored("tests read it themselves"),
    host("save_results", Kind::Flag, "no", "keep what unit tests wrote").ignored("a job keeps all results"),
    host("server_pwd", Kind::Text, "", "the password of another host").secret().ignored("tests read it themselves"),
    host("set_sebool_local", Kind::Flag, "no", "change SELinux on the host").needs("kernel", When::Not(NO)).not_yet(),
    host("test_pre_hook", Kind::Text, "", "Python code that is run before the test").ignored("vthost runs no Python"),
    end("verify_host_dmesg", Kind::Flag, "no", "fail the test for errors in the host's kernel log").not_yet(),
];
