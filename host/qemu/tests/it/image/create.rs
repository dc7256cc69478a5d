//! Creation, sizes, checks, measures.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use vthost_qemu::ImageError;
use vthost_qemu::image::{
    Compat, Compression, CreateOptions, ImageRef, NewImage, Preallocation, QemuImg, Repair, Size,
};
use vthost_qemu::spec::DriveFormat::{self, Qcow2, Raw};

use super::{Images, KIB, MIB};

#[tokio::test]
async fn every_option_is_in_the_image() {
    let images = Images::new();
    let options = CreateOptions {
        cluster_size: Some(32 * KIB),
        preallocation: Some(Preallocation::Metadata),
        lazy_refcounts: Some(true),
        compat: Some(Compat::V3),
        extended_l2: Some(true),
        refcount_bits: Some(8),
        compression: Some(Compression::Zstd),
        ..CreateOptions::default()
    };
    let new = NewImage {
        options,
        ..NewImage::new(images.at("a"), Qcow2, MIB)
    };
    images.img.create(&new).await.expect("created");
    let info = images.img.info(&new.image()).await.expect("info");
    assert_eq!(
        (info.virtual_size, info.cluster_size),
        (MIB, Some(32 * KIB))
    );
    assert_eq!((info.format.as_str(), info.encrypted), ("qcow2", false));
    let data = info.format_specific.expect("facts").data;
    assert_eq!(data["lazy-refcounts"], true);
    assert_eq!(data["extended-l2"], true);
    assert_eq!(data["refcount-bits"], 8);
    assert_eq!(data["compression-type"], "zstd");
    let options = CreateOptions {
        lazy_refcounts: Some(false),
        ..CreateOptions::default()
    };
    images
        .img
        .amend(&new.image(), &options, None)
        .await
        .expect("amended");
    let info = images.img.info(&new.image()).await.expect("info");
    assert_eq!(
        info.format_specific.expect("facts").data["lazy-refcounts"],
        false
    );

    let old = NewImage {
        options: CreateOptions {
            compat: Some(Compat::V2),
            ..CreateOptions::default()
        },
        ..NewImage::new(images.at("old"), Qcow2, MIB)
    };
    images.img.create(&old).await.expect("created");
    let info = images.img.info(&old.image()).await.expect("info");
    assert_eq!(info.format_specific.expect("facts").data["compat"], "0.10");

    let full = NewImage {
        options: CreateOptions {
            preallocation: Some(Preallocation::Full),
            ..CreateOptions::default()
        },
        ..NewImage::new(images.at("full"), Raw, MIB)
    };
    images.img.create(&full).await.expect("created");
    assert!(fs::metadata(images.at("full")).expect("a file").blocks() * 512 >= MIB);
}

#[tokio::test]
async fn what_a_format_does_not_have_is_refused_and_leaves_nothing() {
    let images = Images::new();
    let new = NewImage {
        options: CreateOptions {
            cluster_size: Some(64 * KIB),
            data_file: Some(images.at("data")),
            ..CreateOptions::default()
        },
        ..NewImage::new(images.at("a"), Raw, MIB)
    };
    let error = images.img.create(&new).await.expect_err("raw has none");
    let text = error.to_string();
    assert!(
        text.contains("qemu-img create") && text.contains("cluster_size"),
        "{text}"
    );
    assert_eq!(images.names(), [""; 0]);
}

#[tokio::test]
async fn every_format_is_made_and_read() {
    let images = Images::new();
    for format in [
        Qcow2,
        Raw,
        DriveFormat::Vmdk,
        DriveFormat::Vdi,
        DriveFormat::Vhdx,
        DriveFormat::Vpc,
        DriveFormat::Qed,
    ] {
        let new = NewImage::new(images.at(format.driver()), format, 64 * MIB);
        images.img.create(&new).await.expect("created");
        let image = new.image();
        images.write(&image, 9, MIB, 64 * KIB).await;
        images.holds(&image, 9, MIB, 64 * KIB).await;
        let info = images.img.info(&image).await.expect("info");
        assert_eq!(info.format, format.driver());
        assert!(info.virtual_size >= 64 * MIB, "{info:?}");
    }
}

#[tokio::test]
async fn disks_grow_and_shrink_when_that_is_meant() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    let size = || async { images.img.info(&image).await.expect("info").virtual_size };
    images
        .img
        .resize(&image, Size::Grow(MIB), false, None)
        .await
        .expect("grown");
    assert_eq!(size().await, 2 * MIB);
    let error = images.img.resize(&image, Size::To(MIB), false, None).await;
    assert!(
        error
            .expect_err("not meant")
            .to_string()
            .contains("--shrink")
    );
    assert_eq!(size().await, 2 * MIB);
    images
        .img
        .resize(&image, Size::Shrink(MIB), true, None)
        .await
        .expect("shrunk");
    assert_eq!(size().await, MIB);
}

#[tokio::test]
async fn damage_is_found_and_repaired() {
    let images = Images::new();
    let image = images.qcow2("a", 4 * MIB).await;
    images.write(&image, 3, 0, MIB).await;
    images.sound(&image).await;
    // Reference counts of zero for clusters that are in use: the refcount block is the third cluster.
    let file = fs::File::options()
        .write(true)
        .open(images.at("a"))
        .expect("a file");
    file.write_all_at(&[0; 16], 2 * 64 * KIB + 8)
        .expect("written");
    let check = images.img.check(&image, None).await.expect("a result");
    assert!(check.corruptions > 0 && !check.is_clean(), "{check:?}");
    let check = images
        .img
        .check(&image, Some(Repair::All))
        .await
        .expect("a result");
    assert!(check.corruptions_fixed > 0 && check.is_clean(), "{check:?}");
    images.sound(&image).await;
    images.holds(&image, 3, 0, MIB).await;
    let raw = NewImage::new(images.at("raw"), Raw, MIB);
    images.img.create(&raw).await.expect("created");
    let error = images
        .img
        .check(&raw.image(), None)
        .await
        .expect_err("no check");
    assert!(
        error.to_string().contains("does not support checks"),
        "{error}"
    );
}

#[tokio::test]
async fn a_measure_is_what_the_image_takes() {
    let images = Images::new();
    let options = CreateOptions::default();
    let measure = images
        .img
        .measure_size(MIB, Qcow2, &options)
        .await
        .expect("measured");
    assert!(measure.required < measure.fully_allocated && measure.fully_allocated > MIB);
    let image = images.qcow2("a", 4 * MIB).await;
    images.write(&image, 1, 0, 2 * MIB).await;
    let measure = images
        .img
        .measure(&image, Qcow2, &options)
        .await
        .expect("measured");
    assert!(
        (2 * MIB..4 * MIB).contains(&measure.required),
        "{measure:?}"
    );
}

#[tokio::test]
async fn a_tool_that_does_not_end_is_killed() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    // `cat` waits for nothing here: the limit is shorter than any process lives.
    let hasty = QemuImg::find()
        .expect("a tool")
        .with_timeout(Duration::from_nanos(1));
    let error = hasty.info(&image).await.expect_err("no time");
    assert!(matches!(error, ImageError::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("was killed"), "{error}");
    let missing = QemuImg::at("/nonexistent/qemu-img".into());
    let error = missing.info(&image).await.expect_err("no tool");
    assert!(matches!(error, ImageError::Run { .. }), "{error}");
    let liar = QemuImg::at("/bin/echo".into());
    let error = liar
        .info(&ImageRef::file(images.at("a"), Qcow2))
        .await
        .expect_err("no JSON");
    assert!(matches!(error, ImageError::Output { .. }), "{error}");
}
