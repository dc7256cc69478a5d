//! Encrypted images.

use std::fs;

use vthost_qemu::ImageError;
use vthost_qemu::image::{
    Comparison, ConvertOptions, CreateOptions, Encryption, ImageRef, NewImage, Secret, Target,
};
use vthost_qemu::spec::DriveFormat::{self, Luks, Qcow2};

use super::{Images, KIB, MIB};

fn encrypted(images: &Images, name: &str, format: DriveFormat, secret: &str) -> NewImage {
    let encryption = Encryption {
        iteration_ms: Some(10),
        cipher: Some("aes-128".into()),
        ..Encryption::new(Secret::new(secret))
    };
    NewImage {
        options: CreateOptions {
            encryption: Some(encryption),
            ..CreateOptions::default()
        },
        ..NewImage::new(images.at(name), format, MIB)
    }
}

#[tokio::test]
async fn only_the_secret_opens_an_image() {
    let images = Images::new();
    for format in [Luks, Qcow2] {
        let new = encrypted(&images, format.driver(), format, "pass, \"word\" €\n");
        images.img.create(&new).await.expect("created");
        let image = new.image();
        images.write(&image, 0xcd, 0, 64 * KIB).await;
        images.holds(&image, 0xcd, 0, 64 * KIB).await;
        let info = images.img.info(&image).await.expect("info");
        assert!(info.encrypted, "{info:?}");
        let bytes = fs::read(image.path().expect("a file")).expect("a file");
        assert!(!bytes.windows(512).any(|window| window == [0xcd; 512]));

        let wrong = image.clone().with_secret(Secret::new("pass"));
        let error = images.img.map(&wrong).await.expect_err("wrong");
        assert!(matches!(error, ImageError::Secret { .. }), "{error}");
        assert!(error.to_string().contains("does not unlock"), "{error}");
        let none = ImageRef {
            secret: None,
            ..image
        };
        let error = images.img.map(&none).await.expect_err("none");
        let text = error.to_string();
        assert!(
            text.contains("key-secret") || text.contains("encrypt"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn encrypted_images_are_copied_and_built_on() {
    let images = Images::new();
    let source = encrypted(&images, "a", Luks, "one");
    images.img.create(&source).await.expect("created");
    images.write(&source.image(), 1, 0, 64 * KIB).await;
    // Two secrets in one call.
    let target = NewImage {
        size: None,
        ..encrypted(&images, "b", Qcow2, "two")
    };
    let options = ConvertOptions::default();
    let made = images
        .img
        .convert(&source.image(), Target::New(&target), &options, None)
        .await;
    made.expect("copied");
    let compared = images
        .img
        .compare(&source.image(), &target.image(), false)
        .await;
    assert_eq!(compared.expect("compared"), Comparison::Identical);
    // The size comes from an image that the tool itself cannot open as a backing file.
    let over = images.over(&source.image(), "over").await;
    let info = images.img.info(&over).await.expect("info");
    assert_eq!(
        (info.virtual_size, info.backing_filename_format.as_deref()),
        (MIB, Some("luks"))
    );
}
