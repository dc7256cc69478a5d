//! Exports.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use vthost_qemu::ImageError;
use vthost_qemu::image::{
    BitmapAction, Comparison, ConvertOptions, ImageRef, NbdOptions, QemuNbd, Target,
};
use vthost_qemu::spec::DriveFormat::{Raw, Vdi};

use super::{Images, KIB, MIB};
use crate::common::wait_gone;

#[tokio::test]
async fn an_export_is_the_disk_of_the_image() {
    let images = Images::new();
    let dir = images.private();
    let base = images.qcow2("base", MIB).await;
    images.write(&base, 1, 0, MIB).await;
    let image = images.over(&base, "a").await;
    images
        .img
        .bitmap(&image, "b0", BitmapAction::Add(None))
        .await
        .expect("added");
    let nbd = QemuNbd::find().expect("these tests need qemu-nbd");
    let options = NbdOptions {
        export: "disk, 1".into(),
        description: Some("a disk".into()),
        bitmaps: vec!["b0".into()],
        ..NbdOptions::default()
    };
    let server = nbd
        .serve(&image, &dir, "a", &options)
        .await
        .expect("served");
    let mode = fs::metadata(server.socket())
        .expect("a socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let exports = nbd.exports(server.socket()).await.expect("listed");
    assert_eq!(exports.len(), 1);
    assert_eq!(
        (exports[0].name.as_str(), exports[0].size),
        ("disk, 1", MIB)
    );
    assert_eq!(exports[0].description.as_deref(), Some("a disk"));
    let bitmap = "qemu:dirty-bitmap:b0".to_owned();
    assert!(exports[0].contexts.contains(&bitmap), "{exports:?}");

    let export = server.image(Raw);
    images.holds(&export, 1, 0, MIB).await;
    images.write(&export, 2, 0, 64 * KIB).await;
    assert_eq!(
        images.img.info(&export).await.expect("info").virtual_size,
        MIB
    );
    // The server has it open for writing, so nobody else may.
    let error = images.img.check(&image, None).await.expect_err("in use");
    assert!(matches!(error, ImageError::InUse { .. }), "{error}");
    images
        .img
        .map(&image.clone().shared())
        .await
        .expect("shared");

    let socket = server.socket().to_owned();
    server.stop().await.expect("it ended");
    assert!(!socket.exists());
    assert_eq!(fs::read_dir(&dir).expect("a directory").count(), 0);
    images.holds(&image, 2, 0, 64 * KIB).await;
    images.holds(&base, 1, 0, MIB).await;
    images.sound(&image).await;
}

#[tokio::test]
async fn an_image_is_copied_into_an_export() {
    let images = Images::new();
    let dir = images.private();
    let (source, target) = (images.qcow2("a", MIB).await, images.qcow2("b", MIB).await);
    images.write(&source, 6, 0, MIB).await;
    let nbd = QemuNbd::find().expect("these tests need qemu-nbd");
    let options = NbdOptions::default();
    let server = nbd
        .serve(&target, &dir, "b", &options)
        .await
        .expect("served");
    let export = server.image(Raw);
    let into = Target::Existing(&export);
    let options = ConvertOptions::default();
    images
        .img
        .convert(&source, into, &options, None)
        .await
        .expect("copied");
    server.stop().await.expect("it ended");
    let compared = images.img.compare(&source, &target, false).await;
    assert_eq!(compared.expect("compared"), Comparison::Identical);
}

#[tokio::test]
async fn a_server_dies_with_its_owner_and_tells_why_it_does_not_start() {
    let images = Images::new();
    let dir = images.private();
    let image = images.qcow2("a", MIB).await;
    let nbd = QemuNbd::find().expect("these tests need qemu-nbd");
    let options = NbdOptions::default();
    let reader = ImageRef {
        read_only: true,
        ..image.clone()
    };
    let server = nbd
        .serve(&reader, &dir, "a", &options)
        .await
        .expect("served");
    let flags = &nbd.exports(server.socket()).await.expect("listed")[0].flags;
    assert!(flags.contains(&"readonly".to_owned()), "{flags:?}");
    let pid = server.pid();
    drop(server);
    wait_gone(pid);

    let missing = ImageRef::file(images.at("missing"), Raw);
    let error = nbd
        .serve(&missing, &dir, "a", &options)
        .await
        .expect_err("no image");
    assert!(matches!(error, ImageError::File { .. }), "{error}");
    let broken = ImageRef::file(images.at("a"), Vdi);
    let error = nbd
        .serve(&broken, &dir, "a", &options)
        .await
        .expect_err("not VDI");
    let text = error.to_string();
    assert!(
        text.contains("qemu-nbd --persistent") && text.contains("VDI"),
        "{text}"
    );
    for name in ["", "../a", "a b"] {
        let error = nbd
            .serve(&image, &dir, name, &options)
            .await
            .expect_err("no name");
        assert!(matches!(error, ImageError::Argument { .. }), "{error}");
    }
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("a mode");
    let error = nbd
        .serve(&image, &dir, "a", &options)
        .await
        .expect_err("open to all");
    assert!(error.to_string().contains("make it 0700"), "{error}");
    let error = nbd
        .exports(&images.at("nothing"))
        .await
        .expect_err("no server");
    assert!(error.to_string().contains("qemu-nbd --list"), "{error}");
}
