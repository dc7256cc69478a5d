//! Overlays, judged by `qemu-img`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use vthost_qemu::ImageError;
use vthost_qemu::image::{Chain, ImageRef, create_overlay, overlay};
use vthost_qemu::spec::DriveFormat;

use super::{Images, MIB, raw};

#[tokio::test]
async fn overlays_are_what_qemu_img_would_make() {
    let images = Images::new();
    let base = images.at("base, \"x\".raw");
    // A size that fills no cluster, and one that needs several clusters of L1 table.
    for (n, size) in [0, MIB, (1 << 30) + 512, 5 << 40].into_iter().enumerate() {
        raw(&base, size);
        let first = images.at(&format!("overlay{n}.qcow2"));
        create_overlay(&base, &first, DriveFormat::Raw)
            .await
            .expect("made");
        let image = ImageRef::file(&first, DriveFormat::Qcow2).with_backing([&base]);
        let found = images.img.info(&image).await.expect("understood");
        assert_eq!(found.virtual_size, size);
        assert_eq!(found.backing_filename_format.as_deref(), Some("raw"));
        assert_eq!(found.full_backing_filename.as_deref(), base.to_str());
        images.sound(&image).await;

        let second = images.at(&format!("second{n}.qcow2"));
        create_overlay(&first, &second, DriveFormat::Qcow2)
            .await
            .expect("made");
        let chain = Chain::read(&second, DriveFormat::Qcow2, None).expect("readable");
        let files: Vec<_> = chain.files().collect();
        assert_eq!(files, [&first, &base]);
        let image = ImageRef::file(&second, DriveFormat::Qcow2).with_backing(files);
        let infos = images.img.info_chain(&image).await.expect("understood");
        let sizes: Vec<u64> = infos.iter().map(|info| info.virtual_size).collect();
        assert_eq!(sizes, [size; 3]);
        images.sound(&image).await;
    }
}

#[tokio::test]
async fn what_a_test_writes_never_reaches_the_base() {
    let images = Images::new();
    let base = images.qcow2("base.qcow2", MIB).await;
    images.write(&base, 1, 0, MIB).await;
    let path = base.path().expect("a file");
    let before = fs::read(path).expect("a file");
    let chain = Chain::read(path, DriveFormat::Qcow2, None).expect("readable");
    let made = overlay(&chain, &images.at("test")).await.expect("made");
    let image = made.image();
    images.holds(&image, 1, 0, MIB).await;
    images.write(&image, 2, 65536, 65536).await;
    images.holds(&image, 2, 65536, 65536).await;
    images.holds(&image, 1, 0, 65536).await;
    images.sound(&image).await;
    assert!(fs::read(path).expect("a file") == before);
    // A file with blocks of its own for the whole disk would be a copy.
    let meta = fs::metadata(&made.path).expect("a file");
    assert!(!made.backing.is_empty() || meta.size() == before.len() as u64);
    assert_eq!(images.names().len(), 2, "{:?}", images.names());
}

#[tokio::test]
async fn nothing_is_written_over() {
    let images = Images::new();
    let (base, target) = (images.at("base"), images.at("overlay"));
    raw(&base, MIB);
    fs::write(&target, "precious").expect("a file");
    for format in [DriveFormat::Raw, DriveFormat::Vdi] {
        if format == DriveFormat::Vdi {
            let new = vthost_qemu::image::NewImage::new(images.at("vdi"), format, MIB);
            images.img.create(&new).await.expect("created");
            fs::rename(images.at("vdi"), &base).expect("renamed");
        }
        let error = create_overlay(&base, &target, format)
            .await
            .expect_err("it exists");
        assert!(
            matches!(
                error,
                ImageError::File {
                    action: "create",
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(fs::read_to_string(&target).expect("a file"), "precious");
    assert_eq!(images.names(), ["base", "overlay"]);
}

#[tokio::test]
async fn bad_bases_are_errors() {
    let images = Images::new();
    let missing = create_overlay(&images.at("missing"), &images.at("o1"), DriveFormat::Qcow2)
        .await
        .expect_err("no base");
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    raw(&images.at("raw"), 4096);
    let error = create_overlay(&images.at("raw"), &images.at("o2"), DriveFormat::Qcow2)
        .await
        .expect_err("not qcow2");
    let text = error.to_string();
    assert!(
        text.contains("does not begin with the qcow2 magic"),
        "{text}"
    );
    assert_eq!(images.names(), ["raw"]);
}
