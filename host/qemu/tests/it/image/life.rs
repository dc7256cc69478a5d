//! What happens to images around a test.

use std::fs;

use vthost_qemu::ImageError;
use vthost_qemu::image::life::{When, backup, backup_path, clone, create, remove, restore, save};
use vthost_qemu::image::{ImageRef, NbdOptions, NewImage, QemuNbd};
use vthost_qemu::spec::DriveFormat::{Qcow2, Raw};

use super::{Images, KIB, MIB};

#[tokio::test]
async fn an_image_is_created_once_or_each_time() {
    let images = Images::new();
    let new = NewImage::new(images.at("a"), Qcow2, MIB);
    assert!(
        create(&images.img, &new, When::Missing)
            .await
            .expect("created")
    );
    images.write(&new.image(), 1, 0, KIB).await;
    assert!(
        !create(&images.img, &new, When::Missing)
            .await
            .expect("there")
    );
    images.holds(&new.image(), 1, 0, KIB).await;
    assert!(
        create(&images.img, &new, When::Always)
            .await
            .expect("created")
    );
    images.holds(&new.image(), 0, 0, KIB).await;
    fs::create_dir(images.at("dir")).expect("a directory");
    let wrong = NewImage::new(images.at("dir"), Qcow2, MIB);
    let error = create(&images.img, &wrong, When::Missing).await;
    assert!(
        matches!(error, Err(ImageError::Invalid { .. })),
        "{error:?}"
    );
    assert_eq!(images.names(), ["a", "dir"]);
}

#[tokio::test]
async fn a_backup_is_what_comes_back() {
    let images = Images::new();
    let dir = images.at("backups");
    fs::create_dir(&dir).expect("a directory");
    let image = images.qcow2("a", MIB).await;
    let error = restore(&images.img, &image, &dir).await.expect_err("none");
    assert!(error.to_string().contains("a.backup"), "{error}");
    images.write(&image, 1, 0, MIB).await;
    assert!(
        backup(&images.img, &image, &dir, false)
            .await
            .expect("copied")
            .is_some()
    );
    images.write(&image, 2, 0, MIB).await;
    assert_eq!(
        backup(&images.img, &image, &dir, false)
            .await
            .expect("kept"),
        None
    );
    restore(&images.img, &image, &dir).await.expect("restored");
    images.holds(&image, 1, 0, MIB).await;
    images.write(&image, 3, 0, MIB).await;
    assert!(
        backup(&images.img, &image, &dir, true)
            .await
            .expect("copied")
            .is_some()
    );
    // Also when the image is gone.
    assert!(remove(&images.at("a")).expect("removed"));
    restore(&images.img, &image, &dir).await.expect("restored");
    images.holds(&image, 3, 0, MIB).await;
    images
        .sound(&ImageRef::file(backup_path(&images.at("a"), &dir), Qcow2))
        .await;

    // While something writes to it, a copy would be torn.
    let nbd = QemuNbd::find().expect("these tests need qemu-nbd");
    let run = images.private();
    let options = NbdOptions::default();
    let server = nbd
        .serve(&image, &run, "a", &options)
        .await
        .expect("served");
    for error in [
        backup(&images.img, &image, &dir, true)
            .await
            .expect_err("in use"),
        restore(&images.img, &image, &dir)
            .await
            .expect_err("in use"),
    ] {
        assert!(matches!(error, ImageError::InUse { .. }), "{error}");
    }
    server.stop().await.expect("it ended");
}

#[tokio::test]
async fn clones_are_equal_and_relative_names_stay_where_they_mean_something() {
    let images = Images::new();
    let other = images.at("other");
    fs::create_dir(&other).expect("a directory");
    let image = images.qcow2("a", MIB).await;
    images.write(&image, 1, 0, MIB).await;
    let path = image.path().expect("a file");
    clone(path, Qcow2, &other.join("a"), false)
        .await
        .expect("copied");
    assert!(fs::read(path).expect("a file") == fs::read(other.join("a")).expect("a file"));
    let there = clone(path, Qcow2, &other.join("a"), false).await;
    assert!(matches!(there, Err(ImageError::File { .. })), "{there:?}");

    let status = std::process::Command::new("qemu-img")
        .args([
            "create", "-q", "-f", "qcow2", "-b", "a", "-F", "qcow2", "over",
        ])
        .current_dir(images.dir())
        .status();
    assert!(status.expect("qemu-img runs").success());
    let over = images.at("over");
    let error = clone(&over, Qcow2, &other.join("over"), false)
        .await
        .expect_err("astray");
    assert!(error.to_string().contains("relative path"), "{error}");
    clone(&over, Qcow2, &images.at("over2"), false)
        .await
        .expect("copied");
}

#[tokio::test]
async fn what_a_test_made_is_kept_in_one_file() {
    let images = Images::new();
    let base = images.qcow2("base", MIB).await;
    images.write(&base, 1, 0, MIB).await;
    let image = images.over(&base, "over").await;
    images.write(&image, 2, 0, 64 * KIB).await;
    for format in [Qcow2, Raw] {
        let target = images.at(format.driver());
        save(&images.img, &image, &target, format, false)
            .await
            .expect("saved");
        let kept = ImageRef::file(&target, format);
        images.holds(&kept, 2, 0, 64 * KIB).await;
        images.holds(&kept, 1, 64 * KIB, MIB - 64 * KIB).await;
        let again = save(&images.img, &image, &target, format, false).await;
        assert!(again.is_err());
        save(&images.img, &image, &target, format, true)
            .await
            .expect("replaced");
    }
    // Onto its own base: the new one is complete before the old one goes.
    save(&images.img, &image, &images.at("base"), Qcow2, true)
        .await
        .expect("saved");
    images.holds(&base, 2, 0, 64 * KIB).await;
    images.sound(&base).await;
}
