//! A kill at any moment corrupts nothing.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use vthost_qemu::image::life::{backup, backup_path, restore, save};
use vthost_qemu::image::{Chain, ImageRef, QemuImg, overlay, sweep};
use vthost_qemu::spec::DriveFormat::Qcow2;

use super::{Images, MIB};

const DIR: &str = "VTHOST_CRASH_DIR";
const ROUNDS: u32 = 12;

/// Works on images until it is killed.
#[tokio::test]
#[ignore = "it is the victim of the test below, and runs without end"]
async fn victim() {
    let dir = PathBuf::from(std::env::var_os(DIR).expect("the directory of the test"));
    let img = QemuImg::find().expect("a tool");
    for round in 0_u64.. {
        let stem = dir.join(format!("overlay-{}-{round}", std::process::id()));
        let chain = Chain::read(&dir.join("base"), Qcow2, None).expect("a chain");
        println!("overlay");
        let made = overlay(&chain, &stem).await.expect("an overlay");
        println!("save");
        let saved = dir.join("saved");
        save(&img, &made.image(), &saved, Qcow2, true)
            .await
            .expect("saved");
        println!("backup");
        let work = ImageRef::file(dir.join("work"), Qcow2);
        backup(&img, &work, &dir, true).await.expect("a backup");
        println!("restore");
        restore(&img, &work, &dir).await.expect("restored");
    }
}

#[tokio::test]
async fn a_kill_at_any_moment_corrupts_nothing() {
    let images = Images::new();
    for name in ["base", "work"] {
        let image = images.qcow2(name, 8 * MIB).await;
        images.write(&image, 7, 0, 8 * MIB).await;
    }
    let mut whole = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--ignored",
                "--exact",
                "image::crash::victim",
                "--nocapture",
            ])
            .env(DIR, images.dir())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the victim");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let steps = ["overlay", "save", "backup", "restore"];
        let step = steps[round as usize % steps.len()];
        let mut lines = output.lines().map(|line| line.expect("text"));
        // In its second pass, so that there is something to replace.
        let begun = lines.by_ref().filter(|line| line == step).nth(1);
        begun.expect("the victim lives");
        // Somewhere in the step: the moments are to be different ones, and none is waited for.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 700));
        child.kill().expect("killed");
        child.wait().expect("gone");

        for name in ["base", "work", "saved"] {
            let image = ImageRef::file(images.at(name), Qcow2);
            images.sound(&image).await;
            images.holds(&image, 7, 0, 8 * MIB).await;
        }
        let copy = ImageRef::file(backup_path(&images.at("work"), images.dir()), Qcow2);
        images.holds(&copy, 7, 0, 8 * MIB).await;
        for name in images.names() {
            if name.starts_with("overlay-") {
                let path = images.at(&name);
                let chain = Chain::read(&path, Qcow2, None).expect("a chain");
                let image = ImageRef::file(&path, Qcow2).with_backing(chain.files());
                images.sound(&image).await;
                std::fs::remove_file(path).expect("removed");
                whole += 1;
            }
        }
        sweep(images.dir()).expect("swept");
        assert_eq!(images.names(), ["base", "saved", "work", "work.backup"]);
    }
    assert!(whole >= ROUNDS, "{whole} overlays");
}
