//! Keys: migration.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::{Kind, PORT};
use super::objects::VM;

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM)
}

const PROTOCOLS: &[&str] = &["tcp", "unix", "exec", "fd"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("mig_timeout", Kind::Seconds, "3600", "seconds that a migration may take"),
    vm("migrate_background", Kind::Flag, "no", "run the test's work while the guest is migrated").not_yet(),
    vm("migrate_dest_host", Kind::Text, "", "the other host of a migration").ignored("migrations stay on one host"),
    vm("migrate_port", PORT, "", "the port of a migration").ignored("the kernel chooses a free one"),
    vm("migration_exec_cmd_dst", Kind::Command, "", "the command of the host that the destination reads from, for `exec`").needs("exec", When::Set).example("gzip -c -d state.gz").not_yet(),
    vm("migration_exec_cmd_src", Kind::Command, "", "the command of the host that the source writes to, for `exec`").needs("exec", When::Set).example("gzip -c > state.gz").not_yet(),
    vm("migration_mode", Kind::Word(PROTOCOLS), "", "start the machine as the destination of a migration by this protocol").at(Phase::Create),
    vm("migration_protocol", Kind::Word(PROTOCOLS), "tcp", "the protocol of migrations"),
    key("migration_setup", Kind::Flag, "no", "make two hosts ready for a migration").needs("kernel", When::Not(NO)).not_yet(),
    vm("migration_test_command", Kind::Command, "", "the command of the guest that shows that it lives after a migration").ignored("tests read it themselves").example("help"),
];
