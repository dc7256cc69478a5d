//! Keys: images before and after a test.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::Kind;
use super::objects::{IMAGE, VM};

const fn before(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(IMAGE))
        .at(Phase::Preprocess)
}

const fn after(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(IMAGE))
        .at(Phase::Postprocess)
}

/// Why there are no copies of images.
const OVERLAY: &str = "a test writes to an overlay, or to an image made for it, and never to an image that was there: nothing has to be put back";

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    before("backup_dir", Kind::Path, "", "where copies of images are put").ignored(OVERLAY),
    before("backup_image", Kind::Flag, "no", "keep a copy of the image").ignored("the reference does not read it either"),
    after("backup_image_after_testing_passed", Kind::Flag, "no", "keep a copy of the image after a test that passed").ignored(OVERLAY),
    before("backup_image_before_testing", Kind::Flag, "no", "keep a copy of the image before the test").ignored(OVERLAY),
    after("backup_image_on_check_error", Kind::Flag, "no", "keep a copy of an image that `check_image` finds broken").ignored(OVERLAY),
    after("check_image", Kind::Flag, "no", "check the image after the test; what is broken is an ERROR"),
    before("clone_master", Kind::Flag, "yes", "give the test clones of its images").ignored("a test always gets an overlay"),
    before("create_image", Kind::Flag, "no", "make the image if it does not exist"),
    before("create_with_dd", Kind::Flag, "no", "write a raw image with `dd`").ignored("`qemu-img` makes images"),
    before("dd_create_cmd", Kind::Command, "", "the command of `create_with_dd`").ignored("`qemu-img` makes images"),
    before("force_create_image", Kind::Flag, "no", "make the image, also in place of one that exists"),
    after("force_remove_image", Kind::Flag, "no", "remove the image, whatever it is").not_yet(),
    before("image_clone_command", Kind::Command, "", "the command that clones an image").ignored("vthost clones by itself, sharing blocks where the file system can"),
    after("image_remove_command", Kind::Command, "", "the command that removes an image").ignored("vthost removes by itself"),
    before("image_unbootable_pattern", Kind::Regex, "", "what the firmware prints when there is nothing to boot").not_yet(),
    before("image_verify_bootable", Kind::Flag, "no", "start the guest once to see whether the image boots").not_yet(),
    before("images_good", Kind::Text, "", "an NFS share with images that are copied before the test").needs("kernel", When::Set).not_yet().example("server:/images_good"),
    after("remove_image", Kind::Flag, "yes", "remove the image after the test: one that the test made, or that the operator says so of"),
    after("remove_image_on_check_error", Kind::Flag, "no", "remove an image that `check_image` finds broken").not_yet(),
    after("rename_error_image", Kind::Flag, "no", "rename an image that `check_image` finds broken").not_yet(),
    before("restore_image", Kind::Flag, "no", "put the copy of the image back before the test").ignored(OVERLAY),
    after("restore_image_after_testing", Kind::Flag, "no", "put the copy of the image back after the test").ignored(OVERLAY),
    after("restore_image_on_check_error", Kind::Flag, "no", "put the copy back in place of an image that `check_image` finds broken").ignored(OVERLAY),
    after("save_image", Kind::Flag, "no", "keep what the test wrote to the image").not_yet(),
    after("skip_cluster_leak_warn", Kind::Flag, "no", "say nothing about space that an image has lost"),
    after("skip_image_check_during_running", Kind::Flag, "no", "do not check images that a machine uses").ignored("an image that a machine uses is never checked"),
    before("skip_image_processing", Kind::Flag, "no", "leave the images alone, before and after the test"),
];
