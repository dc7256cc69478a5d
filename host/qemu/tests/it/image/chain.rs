//! What images build on, and what they must not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use vthost_qemu::image::{Chain, CreateOptions, ImageRef, NewImage};
use vthost_qemu::spec::DriveFormat::{Qcow2, Raw, Vmdk};
use vthost_qemu::{ImageError, Landlock};

use super::{Images, MIB, raw};
use crate::common::{Bench, bare};

/// What the host never makes: an image with this text as the name of its backing file.
fn naming(path: &Path, backing: &str, format: Option<&str>) {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2", "-u", "-b", backing]);
    if let Some(format) = format {
        command.args(["-F", format]);
    }
    let status = command.arg(path).arg("1M").status();
    if !status.expect("qemu-img runs").success() {
        // This version refuses to make it; what it makes is changed into it then.
        let dummy = "x".repeat(backing.len());
        naming(path, &dummy, Some("raw"));
        let mut bytes = fs::read(path).expect("an image");
        let at = bytes
            .windows(dummy.len())
            .position(|window| window == dummy.as_bytes());
        let at = at.expect("the name");
        bytes[at..at + dummy.len()].copy_from_slice(backing.as_bytes());
        if format.is_none() {
            // The extension with the format becomes one that nobody knows.
            let at = bytes
                .windows(4)
                .position(|window| window == [0xe2, 0x79, 0x2a, 0xca]);
            bytes[at.expect("the extension")] = 0x12;
        }
        fs::write(path, bytes).expect("an image");
    }
}

fn refused(image: &Path, allowed: Option<&[PathBuf]>) -> String {
    let error = Chain::read(image, Qcow2, allowed).expect_err("a bad chain");
    assert!(matches!(error, ImageError::Chain { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn chains_that_lead_astray_are_refused_by_name() {
    let images = Images::new();
    let at = |name: &str| images.at(name);
    for name in ["nbd:evil:1", "json:{\"driver\":\"null-co\"}", "fat:/etc"] {
        naming(&at("a"), name, Some("raw"));
        let text = refused(&at("a"), None);
        assert!(
            text.contains("not the name of a file") && text.contains(name),
            "{text}"
        );
    }
    naming(&at("a"), "missing.raw", Some("raw"));
    let text = refused(&at("a"), None);
    assert!(
        text.contains("missing.raw, but that cannot be read: No such file"),
        "{text}"
    );

    raw(&at("b"), MIB);
    naming(&at("a"), "b", None);
    let text = refused(&at("a"), None);
    assert!(text.contains("would have to guess"), "{text}");

    naming(&at("one"), "two", Some("qcow2"));
    naming(&at("two"), "one", Some("qcow2"));
    let text = refused(&at("one"), None);
    assert!(text.contains("the chain has no end"), "{text}");
    // A pipe would be waited for, without end.
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RWXU).expect("a pipe");
    naming(&at("a"), "pipe", Some("raw"));
    let error = Chain::read(&at("a"), Qcow2, None).expect_err("a pipe");
    assert!(
        error
            .to_string()
            .contains("neither a file nor a block device"),
        "{error}"
    );

    for n in 0..=201 {
        naming(&at(&format!("l{n}")), &format!("l{}", n + 1), Some("qcow2"));
    }
    naming(&at("l202"), "b", Some("raw"));
    let text = refused(&at("l0"), None);
    assert!(text.contains("at most 200 backing files"), "{text}");
    assert_eq!(
        Chain::read(&at("l10"), Qcow2, None)
            .expect("short enough")
            .members()
            .len(),
        194
    );
}

#[tokio::test]
async fn members_lie_in_the_directories_that_are_allowed() {
    let images = Images::new();
    let (inside, outside) = (images.at("inside"), images.at("outside"));
    fs::create_dir(&inside).expect("a directory");
    fs::create_dir(&outside).expect("a directory");
    raw(&outside.join("secret"), MIB);
    symlink("../outside/secret", inside.join("sly")).expect("a link");
    for name in ["../outside/secret", "sly"] {
        naming(&inside.join("top"), name, Some("raw"));
        let text = refused(&inside.join("top"), Some(std::slice::from_ref(&inside)));
        assert!(text.contains(name) && text.contains("outside of"), "{text}");
        let both = [inside.clone(), outside.clone()];
        let chain = Chain::read(&inside.join("top"), Qcow2, Some(&both)).expect("allowed");
        assert!(chain.members()[0].relative);
        assert_eq!(chain.members()[1].format, Raw);
    }
}

#[tokio::test]
async fn a_tool_opens_no_file_that_only_an_image_names() {
    let images = Images::new();
    let secret = images.at("secret");
    fs::write(&secret, "s3cret".repeat(1000)).expect("a file");
    let name = secret.to_str().expect("a name");
    naming(&images.at("a"), name, Some("raw"));
    let image = ImageRef::file(images.at("a"), Qcow2);
    let error = images.img.map(&image).await.expect_err("a stranger");
    let text = error.to_string();
    assert!(
        text.contains(name) && text.contains("is not among the backing files"),
        "{text}"
    );
    // It is what it says otherwise.
    let allowed = image.clone().with_backing([&secret]);
    images.img.map(&allowed).await.expect("allowed");
}

#[tokio::test]
async fn damaged_headers_are_errors_and_nothing_worse() {
    let images = Images::new();
    let base = images.qcow2("base", MIB).await;
    let image = images.over(&base, "a").await;
    let path = image.path().expect("a file");
    let good = fs::read(path).expect("an image");
    let mut refusals = 0;
    for at in 0..600 {
        for byte in [0, 1, 0x80, 0xff] {
            let mut bytes = good[..1024].to_vec();
            bytes[at] = byte;
            fs::write(path, &bytes).expect("an image");
            refusals += u32::from(Chain::read(path, Qcow2, None).is_err());
        }
        fs::write(path, &good[..at]).expect("an image");
        refusals += u32::from(Chain::read(path, Qcow2, None).is_err());
    }
    assert!((200..3000).contains(&refusals), "{refusals}");
}

#[tokio::test]
async fn the_confinement_holds_where_headers_are_not_read() {
    let bench = Bench::new();
    let machine = bench.started(bare("probe")).await;
    if machine.confinement().landlock == Landlock::Unavailable {
        println!("the kernel of this host is without Landlock: nothing to test");
        return;
    }
    let images = Images::new();
    let secret = images.at("secret");
    raw(&secret, MIB);
    let descriptor = format!(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n\
         createType=\"monolithicFlat\"\nRW 2048 FLAT \"{}\" 0\n",
        secret.display()
    );
    fs::write(images.at("a"), descriptor).expect("a file");
    let image = ImageRef::file(images.at("a"), Vmdk);
    let error = images.img.info(&image).await.expect_err("a stranger");
    let text = error.to_string();
    assert!(text.contains("Permission denied"), "{text}");
    let allowed = image.with_backing([&secret]);
    let info = images.img.info(&allowed).await.expect("allowed");
    assert_eq!(info.virtual_size, MIB);
}

#[tokio::test]
async fn external_data_files_are_members() {
    let images = Images::new();
    let options = CreateOptions {
        data_file: Some(images.at("data, raw")),
        data_file_raw: Some(true),
        ..CreateOptions::default()
    };
    let new = NewImage {
        options,
        ..NewImage::new(images.at("top"), Qcow2, MIB)
    };
    images.img.create(&new).await.expect("created");
    let image = new.image();
    images.write(&image, 7, 0, 4096).await;
    let chain = Chain::read(&images.at("top"), Qcow2, None).expect("readable");
    let files: Vec<_> = chain.files().collect();
    assert_eq!(files, [images.at("data, raw")]);
    assert!(!chain.is_single());
    let data = fs::read(images.at("data, raw")).expect("a file");
    assert_eq!(data[..4096], [7; 4096]);

    let stranger = ImageRef::file(images.at("top"), Qcow2);
    let error = images.img.info(&stranger).await.expect_err("a stranger");
    assert!(error.to_string().contains("data, raw"), "{error}");
    let error = images.img.create(&new).await.expect_err("it exists");
    assert!(matches!(error, ImageError::File { .. }), "{error}");
    assert!(images.at("data, raw").exists(), "the data of another image");
}
