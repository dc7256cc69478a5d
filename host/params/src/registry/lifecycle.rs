//! Keys: machines before and after a test.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::Kind;
use super::objects::VM;

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Preprocess)
}

const fn end(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Postprocess)
}

const fn all(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).at(Phase::Postprocess)
}

const WATCHERS: &[&str] = &["log", "error", "none"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    all("convert_ppm_files_to_png", Kind::Flag, "no", "make PNG pictures of screendumps in PPM format").ignored("screendumps are PNG pictures from the start"),
    all("encode_video_files", Kind::Flag, "no", "make a video of the screendumps"),
    all("expected_guest_dmesg", Kind::Regex, "", "lines of the guest's kernel log that are no failure"),
    end("guest_dmesg_dump_console", Kind::Flag, "no", "show the guest's kernel log on its console, too").not_yet(),
    end("guest_dmesg_ignore", Kind::Flag, "no", "report lines of the guest's kernel log and let the test pass").example("yes"),
    end("guest_dmesg_level", Kind::Number { min: 0, max: 7 }, "3", "the least severe level of the guest's kernel log that is a failure, 3 is `err`"),
    key("inactivity_threshold", Kind::Seconds, "1800", "seconds without a change on the screen after which a guest counts as inactive").of(VM),
    key("inactivity_watcher", Kind::Word(WATCHERS), "log", "what is done about a guest that is inactive: a line in the log, an ERROR, nothing").of(VM),
    all("keep_png_files", Kind::Flag, "yes", "keep the screendumps in PNG format"),
    all("keep_ppm_files", Kind::Flag, "no", "keep the screendumps in PPM format"),
    all("keep_screendumps", Kind::Flag, "yes", "keep the screendumps"),
    vm("keep_unrequested_vms", Kind::Flag, "no", "leave machines alone that the test does not name in `vms`"),
    all("keep_video_files", Kind::Flag, "yes", "keep the video"),
    end("kill_timeout", Kind::Seconds, "60", "seconds that a graceful end may take, 600 at most"),
    vm("kill_unrequested_vms_gracefully", Kind::Flag, "no", "let the guests of machines that `vms` does not name shut themselves down"),
    end("kill_unresponsive_vms", Kind::Flag, "yes", "take a machine down whose guest nobody can log in to after the test"),
    end("kill_vm", Kind::Flag, "yes", "take the machine down after the test; with `no` a later test of the job can go on with it"),
    vm("kill_vm_before_test", Kind::Flag, "no", "take a machine down that is left from an earlier test, though it could be used"),
    end("kill_vm_gracefully", Kind::Flag, "no", "let the guest shut itself down before its machine is taken down"),
    end("kill_vm_timeout", Kind::Seconds, "0", "seconds to wait for the machine to go down by itself before it is taken down").example("60"),
    vm("not_preprocess", Kind::Flag, "no", "leave the machine and its images as they are before the test").not_yet(),
    vm("paused_after_start_vm", Kind::Flag, "no", "leave the processors stopped when a machine has been started"),
    all("post_command", Kind::Command, "", "a command line for the host's shell, run after the test").needs("exec", When::Set).example("rm -rf /tmp/scratch"),
    all("post_command_noncritical", Kind::Flag, "no", "let the test pass though `post_command` fails"),
    all("post_command_timeout", Kind::Seconds, "600", "seconds that `post_command` may take"),
    key("pre_command", Kind::Command, "", "a command line for the host's shell, run before the test").at(Phase::Preprocess).needs("exec", When::Set).example("mkdir -p /tmp/scratch"),
    key("pre_command_noncritical", Kind::Flag, "no", "run the test though `pre_command` fails").at(Phase::Preprocess),
    key("pre_command_timeout", Kind::Seconds, "600", "seconds that `pre_command` may take").at(Phase::Preprocess),
    all("profilers", Kind::List, "", "programs of Autotest that measure the host while the test runs").ignored("the reference runs none either").example("kvm_stat"),
    vm("restart_vm", Kind::Flag, "no", "start the machine anew, whether it is there or not"),
    key("screendump_delay", Kind::Seconds, "5", "seconds between two screendumps"),
    key("screendump_quality", Kind::Number { min: 1, max: 100 }, "30", "the quality of JPEG pictures").ignored("screendumps are PNG, which loses nothing"),
    key("screendump_temp_dir", Kind::Path, "", "where screendumps are put first").ignored("they are made in the directory of the test"),
    key("screendump_verbose", Kind::Flag, "no", "tell of each screendump in the log").ignored("the reference does not read it either"),
    vm("start_vm", Kind::Flag, "yes", "start the machine before the test, if it is down"),
    key("store_vm_info", Kind::Flag, "no", "write the answers to `vm_info_cmds` into the results, again and again").of(VM),
    key("take_regular_screendumps", Kind::Flag, "no", "take screendumps all through the test"),
    end("verify_guest_dmesg", Kind::Flag, "no", "fail the test for errors in the guest's kernel log"),
    end("vm_extra_dump_paths", Kind::List, "", "files of the guest that are copied to the results after the test").not_yet(),
    key("vm_info_cmds", Kind::List, "registers", "what `store_vm_info` asks QEMU for").of(VM),
    key("vm_info_delay", Kind::Seconds, "5", "seconds between two answers of `store_vm_info`").of(VM),
    end("vm_monitor_exit_status", Kind::Flag, "no", "fail the test if QEMU ends by itself").not_yet(),
];
