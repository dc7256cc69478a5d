//! Images, judged by `qemu-img`.

use std::fs;
use std::path::Path;

use vthost_qemu::ImageError;
use vthost_qemu::image::{backing_chain, check, create_overlay, info};
use vthost_qemu::spec::DriveFormat;

fn raw(path: &Path, size: u64) {
    let file = fs::File::create(path).expect("a file");
    file.set_len(size).expect("a size");
}

#[tokio::test]
async fn overlays_are_what_qemu_img_would_make() {
    let dir = tempfile::tempdir().expect("a directory");
    let base = dir.path().join("base, \"x\".raw");
    // A size that fills no cluster, and one that needs several clusters of L1 table.
    for (n, size) in [0, 1 << 20, (1 << 30) + 512, 5 << 40]
        .into_iter()
        .enumerate()
    {
        raw(&base, size);
        let overlay = dir.path().join(format!("overlay{n}.qcow2"));
        create_overlay(&base, &overlay, DriveFormat::Raw)
            .await
            .expect("made");
        let found = info(&overlay, DriveFormat::Qcow2)
            .await
            .expect("understood");
        assert_eq!(found["virtual-size"], size);
        assert_eq!(found["backing-filename-format"], "raw");
        assert_eq!(
            Path::new(found["full-backing-filename"].as_str().expect("a name")),
            base
        );
        let checked = check(&overlay, DriveFormat::Qcow2).await.expect("checked");
        assert!(checked.clean, "{checked:?}");
        assert_eq!(
            backing_chain(&overlay).expect("readable"),
            std::slice::from_ref(&base)
        );

        let second = dir.path().join(format!("second{n}.qcow2"));
        create_overlay(&overlay, &second, DriveFormat::Qcow2)
            .await
            .expect("made");
        let found = info(&second, DriveFormat::Qcow2).await.expect("understood");
        assert_eq!(found["virtual-size"], size);
        assert_eq!(found["backing-filename-format"], "qcow2");
        assert!(
            check(&second, DriveFormat::Qcow2)
                .await
                .expect("checked")
                .clean
        );
        assert_eq!(
            backing_chain(&second).expect("readable"),
            [overlay, base.clone()]
        );
    }
}

#[tokio::test]
async fn nothing_is_written_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let (base, overlay) = (dir.path().join("base"), dir.path().join("overlay"));
    raw(&base, 1 << 20);
    fs::write(&overlay, "precious").expect("a file");
    for format in [DriveFormat::Raw, DriveFormat::Vmdk] {
        let error = create_overlay(&base, &overlay, format)
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
    assert_eq!(fs::read_to_string(&overlay).expect("a file"), "precious");
}

#[tokio::test]
async fn bad_images_are_errors() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    let missing = create_overlay(&at("missing"), &at("o1"), DriveFormat::Qcow2)
        .await
        .expect_err("no base");
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    raw(&at("raw"), 4096);
    let error = create_overlay(&at("raw"), &at("o2"), DriveFormat::Qcow2)
        .await
        .expect_err("not qcow2");
    assert!(
        error
            .to_string()
            .contains("does not begin with the qcow2 magic"),
        "{error}"
    );
    let error = info(&at("raw"), DriveFormat::Qcow2)
        .await
        .expect_err("not qcow2");
    assert!(
        matches!(
            &error,
            ImageError::Tool {
                command: "info",
                ..
            }
        ),
        "{error}"
    );
    fs::write(at("short"), b"QFI\xfb\0\0\0\x03").expect("a file");
    let error = backing_chain(&at("short")).expect_err("too short");
    assert!(error.to_string().contains("too short"), "{error}");
    // A backing file that is a protocol, and one that is the image itself.
    let mut header = b"QFI\xfb\0\0\0\x03".to_vec();
    header.extend(32_u64.to_be_bytes());
    let with_name = |name: &str| {
        let mut image = header.clone();
        image.extend(u32::try_from(name.len()).expect("short").to_be_bytes());
        image.extend([0; 12]);
        image.extend(name.as_bytes());
        image
    };
    fs::write(at("remote"), with_name("nbd:evil:1")).expect("a file");
    assert!(
        backing_chain(&at("remote"))
            .expect_err("a protocol")
            .to_string()
            .contains("not the name of a file")
    );
    fs::write(at("loop"), with_name("loop")).expect("a file");
    assert!(
        backing_chain(&at("loop"))
            .expect_err("a loop")
            .to_string()
            .contains("more than 200 backing files")
    );
}
