//! Internal snapshots and bitmaps.

use vthost_qemu::ImageError;
use vthost_qemu::image::{
    BitmapAction, ConvertOptions, ImageRef, IoCommand, NewImage, SnapshotAction, Target,
};
use vthost_qemu::spec::DriveFormat::{Qcow2, Raw};

use super::{Images, KIB, MIB};

#[tokio::test]
async fn snapshots_bring_back_what_was_there() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    let name = "-a, snapshot.id=1";
    images.write(&image, 1, 0, 64 * KIB).await;
    images
        .img
        .snapshot(&image, SnapshotAction::Create, name)
        .await
        .expect("made");
    images.write(&image, 2, 0, 64 * KIB).await;
    let list = images.img.snapshots(&image).await.expect("listed");
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].name.as_str(), list[0].vm_state_size), (name, 0));

    let new = NewImage {
        size: None,
        ..NewImage::new(images.at("old"), Raw, 0)
    };
    let options = ConvertOptions {
        snapshot: Some(name.to_owned()),
        ..ConvertOptions::default()
    };
    let made = images
        .img
        .convert(&image, Target::New(&new), &options, None)
        .await;
    made.expect("copied");
    images.holds(&new.image(), 1, 0, 64 * KIB).await;

    images
        .img
        .snapshot(&image, SnapshotAction::Apply, name)
        .await
        .expect("applied");
    images.holds(&image, 1, 0, 64 * KIB).await;
    images
        .img
        .snapshot(&image, SnapshotAction::Delete, name)
        .await
        .expect("removed");
    assert_eq!(images.img.snapshots(&image).await.expect("listed"), []);
    let error = images
        .img
        .snapshot(&image, SnapshotAction::Apply, name)
        .await;
    assert!(matches!(error, Err(ImageError::Tool { .. })), "{error:?}");
}

#[tokio::test]
async fn bitmaps_come_and_go_and_are_copied() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    let act = async |name: &str, action| {
        images.img.bitmap(&image, name, action).await.expect("done");
    };
    act("-b0", BitmapAction::Add(Some(128 * KIB))).await;
    act("b1", BitmapAction::Add(None)).await;
    act("b1", BitmapAction::Disable).await;
    let list = |image: &ImageRef| {
        let image = image.clone();
        let img = images.img.clone();
        async move { img.info(&image).await.expect("info").bitmaps() }
    };
    let bitmaps = list(&image).await;
    assert_eq!(
        (bitmaps[0].name.as_str(), bitmaps[0].granularity),
        ("-b0", 128 * KIB)
    );
    assert_eq!(
        (&*bitmaps[0].flags, &*bitmaps[1].flags),
        (&["auto".to_owned()][..], &[][..])
    );
    act("b1", BitmapAction::Merge("-b0")).await;
    act("b1", BitmapAction::Enable).await;
    act("b1", BitmapAction::Clear).await;
    let new = NewImage {
        size: None,
        ..NewImage::new(images.at("copy"), Qcow2, 0)
    };
    let options = ConvertOptions {
        bitmaps: true,
        ..ConvertOptions::default()
    };
    let made = images
        .img
        .convert(&image, Target::New(&new), &options, None)
        .await;
    made.expect("copied");
    assert_eq!(list(&new.image()).await.len(), 2);
    act("-b0", BitmapAction::Remove).await;
    assert_eq!(list(&image).await.len(), 1);
}

#[tokio::test]
async fn bytes_are_checked() {
    let images = Images::new();
    let image = images.qcow2("a", MIB).await;
    images.write(&image, 0xaa, 0, MIB).await;
    let (offset, length) = (128 * KIB, 64 * KIB);
    let zero = [IoCommand::WriteZeroes { offset, length }, IoCommand::Flush];
    images.io.run(&image, &zero).await.expect("written");
    images.holds(&image, 0, offset, length).await;
    let command = IoCommand::Verify {
        pattern: 0xaa,
        offset: 0,
        length: MIB,
    };
    let error = images.io.run(&image, &[command]).await.expect_err("a hole");
    let text = error.to_string();
    assert!(
        text.contains("0xaa in all of the 1048576 bytes from byte 0 of"),
        "{text}"
    );
    let discard = IoCommand::Discard { offset: 0, length };
    images.io.run(&image, &[discard]).await.expect("given back");
    let past = IoCommand::Write {
        pattern: 1,
        offset: MIB,
        length: KIB,
    };
    let error = images
        .io
        .run(&image, &[past])
        .await
        .expect_err("past the end");
    assert!(!matches!(error, ImageError::Pattern { .. }), "{error}");
    let reader = ImageRef {
        read_only: true,
        ..image
    };
    assert!(images.io.run(&reader, &[discard]).await.is_err());
}
