//! Keys: where images lie.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::{Kind, PORT, POSITIVE, Unit};
use super::objects::{IMAGE, VM};

const fn image(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(IMAGE))
        .at(Phase::Preprocess)
        .not_yet()
}

const BACKENDS: &[&str] = &[
    "filesystem",
    "ceph",
    "gluster",
    "iscsi",
    "curl",
    "ssh",
    "nbd",
    "nfs",
    "lvm",
    "nvme",
];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    image("ceph_conf", Kind::Path, "", "the configuration of a Ceph cluster").needs("host-files", When::Set),
    image("ceph_key", Kind::Text, "", "the key for a Ceph cluster").secret(),
    image("ceph_monitor", Kind::Text, "", "the address of a Ceph monitor"),
    image("chap_passwd", Kind::Text, "", "the password for an iSCSI target").secret(),
    image("chap_user", Kind::Text, "", "the user for an iSCSI target"),
    image("curl_password", Kind::Text, "", "the password for a server of images").secret(),
    image("curl_path", Kind::Text, "", "the path of the image on its server"),
    image("curl_protocol", Kind::Word(&["http", "https", "ftp", "ftps"]), "", "the protocol of a server of images"),
    image("curl_server", Kind::Text, "", "the name of a server of images"),
    image("curl_username", Kind::Text, "", "the user for a server of images"),
    image("emulated_image", Kind::Path, "", "the file behind an iSCSI target or a volume group that is made on this host").needs("host-files", When::Set),
    image("enable_ceph", Kind::Flag, "no", "the image lies in a Ceph cluster"),
    image("enable_curl", Kind::Flag, "no", "the image is read over HTTP or FTP"),
    image("enable_gluster", Kind::Flag, "no", "the image lies in a Gluster volume"),
    image("enable_iscsi", Kind::Flag, "no", "the image is an iSCSI target that QEMU itself speaks to"),
    image("enable_nbd", Kind::Flag, "no", "the image is an export of an NBD server"),
    image("enable_nvme", Kind::Flag, "no", "the image is an NVMe controller of the host that QEMU itself drives").needs("block-devices", When::Not(NO)),
    image("enable_ssh", Kind::Flag, "no", "the image is read over ssh"),
    image("export_dir", Kind::Path, "", "the directory that this host exports by NFS").needs("kernel", When::Set),
    image("gluster_brick", Kind::Path, "", "the directory of a Gluster volume that is made").needs("host-files", When::Set),
    image("gluster_managed_by_test", Kind::Flag, "yes", "make the Gluster volume for the test"),
    image("gluster_server", Kind::Text, "", "the server of a Gluster volume"),
    image("gluster_volume_name", Kind::Text, "", "the Gluster volume that the images lie in"),
    image("image_backend", Kind::Word(BACKENDS), "filesystem", "where the image lies"),
    image("image_ssh_host", Kind::Text, "", "the host of an image that is read over ssh"),
    image("image_ssh_path", Kind::Text, "", "the path of an image that is read over ssh"),
    image("image_ssh_port", PORT, "22", "the port for an image that is read over ssh"),
    image("image_ssh_user", Kind::Text, "", "the user for an image that is read over ssh"),
    image("initiator", Kind::Text, "", "the name of this host to an iSCSI target"),
    image("lv_name", Kind::Text, "", "the logical volume that is the image").needs("block-devices", When::Set),
    image("lv_size", Kind::Size(Unit::B), "", "the size of a logical volume that is made"),
    image("nbd_export_name", Kind::Text, "", "the name of the NBD export"),
    image("nbd_port", PORT, "10809", "the port of the NBD server"),
    image("nbd_server", Kind::Text, "", "the host of the NBD server"),
    image("nbd_unix_socket", Kind::Path, "", "the socket of the NBD server").needs("host-files", When::Set),
    image("nfs_mount_dir", Kind::Path, "", "where the NFS share is mounted").needs("kernel", When::Set),
    image("nfs_mount_options", Kind::Text, "", "options of the mount"),
    image("nfs_mount_src", Kind::Text, "", "the NFS share").needs("kernel", When::Set),
    image("nvme_namespace", POSITIVE, "1", "the namespace of the NVMe controller"),
    image("nvme_pci_address", Kind::Text, "", "the PCI address of the NVMe controller").needs("block-devices", When::Set),
    image("portal_ip", Kind::Text, "", "the address of an iSCSI target"),
    image("rbd_pool_name", Kind::Text, "", "the pool of a Ceph cluster"),
    image("setup_local_nfs", Kind::Flag, "no", "export a directory of this host to itself").needs("kernel", When::Not(NO)),
    image("storage_type", Kind::Text, "", "how the place of the images is made ready: `iscsi`, `lvm`, `nfs`, `gluster` and others").needs("kernel", When::Set),
    image("vg_name", Kind::Text, "", "the volume group of the logical volume").needs("block-devices", When::Set),
];
