//! Copies, commits, rebases.

use std::fs;

use vthost_qemu::ImageError;
use vthost_qemu::image::{Comparison, ConvertOptions, ImageRef, NewImage, Target};
use vthost_qemu::spec::DriveFormat::{self, Qcow2, Raw};

use super::{Images, KIB, MIB};

fn to(path: std::path::PathBuf, format: DriveFormat) -> NewImage {
    NewImage {
        size: None,
        ..NewImage::new(path, format, 0)
    }
}

#[tokio::test]
async fn a_copy_is_equal_and_tells_how_far_it_is() {
    let images = Images::new();
    let image = images.qcow2("a", 8 * MIB).await;
    images.write(&image, 1, 0, 4 * MIB).await;
    for format in [Raw, Qcow2, DriveFormat::Vmdk, DriveFormat::Vdi] {
        let new = to(images.at(format.driver()), format);
        let mut told = Vec::new();
        let mut progress = |percent: f32| told.push(percent);
        let options = ConvertOptions::default();
        images
            .img
            .convert(&image, Target::New(&new), &options, Some(&mut progress))
            .await
            .expect("copied");
        assert_eq!(told.last(), Some(&100.0), "{told:?}");
        assert!(told.is_sorted(), "{told:?}");
        let compared = images.img.compare(&image, &new.image(), false).await;
        assert_eq!(compared.expect("compared"), Comparison::Identical);
    }
    let small = to(images.at("small"), Qcow2);
    let options = ConvertOptions {
        compressed: true,
        parallel: Some(2),
        out_of_order: true,
        rate: Some(1 << 30),
        ..ConvertOptions::default()
    };
    let made = images
        .img
        .convert(&image, Target::New(&small), &options, None)
        .await;
    made.expect("copied");
    assert!(fs::metadata(images.at("small")).expect("a file").len() < MIB);
    let extents = images.img.map(&small.image()).await.expect("mapped");
    assert!(extents[0].compressed && extents[0].data, "{extents:?}");
}

#[tokio::test]
async fn an_image_is_replaced_when_the_copy_is_complete_and_not_before() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    images.write(&image, 1, 0, MIB).await;
    let target = to(images.at("b"), Raw);
    fs::write(images.at("b"), "precious").expect("a file");
    let options = ConvertOptions::default();
    let refused = images
        .img
        .convert(&image, Target::New(&target), &options, None)
        .await;
    assert!(
        matches!(refused, Err(ImageError::File { .. })),
        "{refused:?}"
    );
    let missing = ImageRef::file(images.at("missing"), Qcow2);
    let failed = images
        .img
        .convert(&missing, Target::Replace(&target), &options, None)
        .await;
    assert!(failed.is_err());
    assert_eq!(
        fs::read_to_string(images.at("b")).expect("a file"),
        "precious"
    );
    let made = images
        .img
        .convert(&image, Target::Replace(&target), &options, None)
        .await;
    made.expect("copied");
    images.holds(&target.image(), 1, 0, MIB).await;
    assert_eq!(images.names(), ["a", "b"]);

    let sized = NewImage::new(images.at("c"), Raw, MIB);
    let refused = images
        .img
        .convert(&image, Target::New(&sized), &options, None)
        .await;
    assert!(
        matches!(refused, Err(ImageError::Argument { .. })),
        "{refused:?}"
    );
    // Into what exists: the size stays.
    images.img.create(&sized).await.expect("created");
    let existing = sized.image();
    let options = ConvertOptions {
        target_is_zero: true,
        ..options
    };
    let made = images
        .img
        .convert(&image, Target::Existing(&existing), &options, None)
        .await;
    made.expect("copied");
    images.holds(&existing, 1, 0, MIB).await;
}

#[tokio::test]
async fn differences_are_found_where_they_are() {
    let images = Images::new();
    let (one, two) = (images.qcow2("a", MIB).await, images.qcow2("b", MIB).await);
    images.write(&two, 1, 512 * KIB, KIB).await;
    let compared = images
        .img
        .compare(&one, &two, false)
        .await
        .expect("compared");
    assert_eq!(compared, Comparison::Differ(512 * KIB));
    let long = images.qcow2("c", 2 * MIB).await;
    let compared = images
        .img
        .compare(&one, &long, false)
        .await
        .expect("compared");
    assert_eq!(compared, Comparison::Identical);
    let compared = images
        .img
        .compare(&one, &long, true)
        .await
        .expect("compared");
    assert_eq!(compared, Comparison::Sizes);
    // Zeros that take space, and zeros that do not.
    images.write(&long, 0, 0, 64 * KIB).await;
    let same = images.qcow2("d", 2 * MIB).await;
    let compared = images.img.compare(&same, &long, true).await;
    assert_eq!(compared.expect("compared"), Comparison::Allocation(0));
    let missing = ImageRef::file(images.at("missing"), Qcow2);
    assert!(images.img.compare(&one, &missing, false).await.is_err());
}

#[tokio::test]
async fn data_go_down_and_images_move() {
    let images = Images::new();
    let base = images.qcow2("base", MIB).await;
    images.write(&base, 1, 0, MIB).await;
    let middle = images.over(&base, "middle").await;
    images.write(&middle, 2, 0, 64 * KIB).await;
    let top = images.over(&middle, "top").await;
    images.write(&top, 3, 64 * KIB, 64 * KIB).await;

    // Into the next one, which the commit empties the top for.
    images
        .img
        .commit(&top, None, false, None)
        .await
        .expect("committed");
    images.holds(&middle, 3, 64 * KIB, 64 * KIB).await;
    let extents = images.img.map(&top).await.expect("mapped");
    assert!(extents.iter().all(|extent| extent.depth > 0), "{extents:?}");
    // Into one further down.
    images.write(&top, 4, 0, 4 * KIB).await;
    let below = base.path().expect("a file");
    images
        .img
        .commit(&top, Some(below), true, None)
        .await
        .expect("committed");
    images.holds(&base, 4, 0, 4 * KIB).await;

    // The same data over another base, and over none.
    let disk = to(images.at("disk"), Raw);
    let options = ConvertOptions::default();
    let made = images
        .img
        .convert(&top, Target::New(&disk), &options, None)
        .await;
    made.expect("copied");
    let mut told = Vec::new();
    let mut progress = |percent: f32| told.push(percent);
    let other = images.qcow2("other", MIB).await;
    let all: Vec<_> = top
        .backing
        .iter()
        .chain(other.path().map(|_| &middle.backing[0]))
        .cloned()
        .collect();
    let top = top.with_backing(all);
    images
        .img
        .rebase(&top, Some(&other), false, Some(&mut progress))
        .await
        .expect("rebased");
    assert_eq!(told.last(), Some(&100.0));
    let top = ImageRef::file(images.at("top"), Qcow2).with_backing([images.at("other")]);
    let compared = images.img.compare(&top, &disk.image(), false).await;
    assert_eq!(compared.expect("compared"), Comparison::Identical);

    // The base has been renamed: only its name is to change.
    fs::rename(images.at("other"), images.at("renamed")).expect("renamed");
    let renamed = ImageRef::file(images.at("renamed"), Qcow2);
    images
        .img
        .rebase_unsafe(&top, Some(&renamed))
        .await
        .expect("rebased");
    let top = ImageRef::file(images.at("top"), Qcow2).with_backing([images.at("renamed")]);
    images
        .img
        .rebase(&top, None, false, None)
        .await
        .expect("rebased");
    let alone = ImageRef::file(images.at("top"), Qcow2);
    let info = images.img.info(&alone).await.expect("info");
    assert_eq!(info.backing_filename, None);
    let compared = images.img.compare(&alone, &disk.image(), false).await;
    assert_eq!(compared.expect("compared"), Comparison::Identical);
}
