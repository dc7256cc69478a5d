//! Names that mean something else to somebody else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use vthost_qemu::image::{Comparison, ConvertOptions, ImageRef, NewImage, Target};
use vthost_qemu::spec::DriveFormat::{Qcow2, Raw};

use super::{Images, KIB, MIB};

const NAMES: [&[u8]; 10] = [
    b"plain",
    b"a,read-only=on",
    b"a=b,,c",
    b"nbd:localhost:1",
    b"json:{}",
    b" spaces in it ",
    b"line\nbreak",
    b"-f",
    b"not \xff text",
    b"'\"$(reboot)`",
];

#[tokio::test]
async fn every_name_of_a_file_is_the_name_of_that_file() {
    let images = Images::new();
    for name in NAMES {
        let path = images.dir().join(OsStr::from_bytes(name));
        let new = NewImage::new(&path, Qcow2, MIB);
        images.img.create(&new).await.expect("created");
        let image = new.image();
        images.write(&image, 5, 0, 4 * KIB).await;
        assert_eq!(
            images.img.info(&image).await.expect("info").virtual_size,
            MIB
        );
        images.sound(&image).await;

        // The same as a backing file, and as source and target of a copy.
        let over = images.over(&image, "over").await;
        images.holds(&over, 5, 0, 4 * KIB).await;
        let mut copy = path.as_os_str().to_owned();
        copy.push(".raw");
        let new = NewImage {
            size: None,
            ..NewImage::new(&copy, Raw, 0)
        };
        let options = ConvertOptions::default();
        images
            .img
            .convert(&over, Target::New(&new), &options, None)
            .await
            .expect("copied");
        let compared = images.img.compare(&image, &new.image(), false).await;
        assert_eq!(compared.expect("compared"), Comparison::Identical);
        assert_eq!(fs::metadata(&copy).expect("a file").len(), MIB);
        for file in [&images.at("over"), &path, &copy.into()] {
            fs::remove_file(file).expect("the file of that name");
        }
        assert_eq!(images.names(), [""; 0]);
    }
}

#[tokio::test]
async fn errors_show_the_whole_command_and_what_it_said() {
    let images = Images::new();
    let path = images.at("it's");
    fs::write(&path, "not an image, but long enough to be one".repeat(100)).expect("a file");
    let image = ImageRef::file(&path, vthost_qemu::spec::DriveFormat::Vdi);
    let error = images.img.map(&image).await.expect_err("no image");
    let text = error.to_string();
    for part in [
        "qemu-img map --output=json --image-opts -- ",
        "it'\\''s",
        "VDI",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
