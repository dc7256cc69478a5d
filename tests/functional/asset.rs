//! Downloads from a real server that does all that servers do.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vthost_tests::server::{Answer, Gate, Server};
use vthost_tests::{Printed, output, vthost};

/// A machine of its own.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self, path: &str) -> PathBuf {
        self.0.path().join("data").join(path)
    }

    fn vthost(&self, args: &[&str]) -> Command {
        let mut command = vthost();
        command.env("VTHOST_HOME", self.0.path()).args(args);
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command
    }

    /// Defines the asset `image`, which is found at these places and is this.
    fn define(&self, urls: &[String], content: &[u8], more: &str) {
        let digest: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.write(&format!(
            "[image]\nurl = {}\nsha256 = {digest}\n{more}\n",
            urls.join("\n  ")
        ));
    }

    fn write(&self, definition: &str) {
        let dir = self.0.path().join("config/downloads.d");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("image.ini"), definition).unwrap();
    }

    fn fetch(&self) -> Printed {
        output(&mut self.vthost(&["asset", "fetch", "image"]))
    }

    /// All files of the directory of images that are no final ones.
    fn leftovers(&self) -> Vec<String> {
        fs::read_dir(self.data("images"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.'))
            .collect()
    }
}

const RAW: &str = "destination = images/image.raw";

/// Bytes that compress to about a half.
fn content(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8
        })
        .collect()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_asset_is_downloaded_once_and_read_only() {
    let (home, content) = (Home::new(), content(300_000));
    let body = content.clone();
    let server = Server::start(move |_, _| Answer::whole(&body));
    home.define(&[server.url("/image")], &content, RAW);
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    let path = home.data("images/image.raw");
    assert!(fs::read(&path).unwrap() == content);
    assert!(fs::metadata(&path).unwrap().permissions().readonly());
    assert!(home.fetch().stderr.contains("Fresh"));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(home.leftovers(), [""; 0]);
}

#[test]
fn after_a_kill_only_the_rest_is_downloaded() {
    let (home, content) = (Home::new(), content(1_000_000));
    let (body, gate) = (content.clone(), Arc::new(Gate::default()));
    let held = gate.clone();
    let server = Server::start(move |request, index| {
        let answer = Answer::ranges(request, &body, "one");
        match index {
            0 => answer.hold(400_000, &held),
            _ => answer,
        }
    });
    home.define(&[server.url("/image")], &content, RAW);
    let mut first = home
        .vthost(&["asset", "fetch", "image"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = home.data("images/.image.raw.part");
    let have = || fs::metadata(&part).map_or(0, |data| data.len());
    wait_until("a part arrives", || have() == 400_000);
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!home.data("images/image.raw").exists());
    gate.open();

    let resumed = home.fetch();
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("Resuming"), "{}", resumed.stderr);
    assert!(fs::read(home.data("images/image.raw")).unwrap() == content);
    let (request, sent) = &server.requests()[1];
    assert_eq!(request.from, Some(400_000));
    assert_eq!(request.if_range.as_deref(), Some("\"one\""));
    assert_eq!(*sent, 600_000);
    assert_eq!(home.leftovers(), [""; 0]);
}

#[test]
fn a_connection_that_is_cut_is_taken_up_where_it_was() {
    let (home, content) = (Home::new(), content(500_000));
    let body = content.clone();
    let server = Server::start(move |request, index| {
        let answer = Answer::ranges(request, &body, "one");
        match index {
            0 | 1 => answer.cut(200_000),
            _ => answer,
        }
    });
    home.define(&[server.url("/image")], &content, RAW);
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    let froms: Vec<_> = server
        .requests()
        .iter()
        .map(|(request, _)| request.from)
        .collect();
    assert_eq!(froms, [None, Some(200_000), Some(400_000)]);
    assert!(fs::read(home.data("images/image.raw")).unwrap() == content);
}

#[test]
fn a_server_without_ranges_is_asked_for_everything_again() {
    let (home, content) = (Home::new(), content(500_000));
    let body = content.clone();
    let server = Server::start(move |_, index| match index {
        0 => Answer::whole(&body).cut(200_000),
        _ => Answer::whole(&body),
    });
    home.define(&[server.url("/image")], &content, RAW);
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    assert!(fetched.stderr.contains("Restarting"), "{}", fetched.stderr);
    assert!(fs::read(home.data("images/image.raw")).unwrap() == content);
}

#[test]
fn a_file_that_changed_is_not_mixed_with_the_old_one() {
    let (home, new) = (Home::new(), content(500_000));
    let old: Vec<u8> = new.iter().map(|byte| !byte).collect();
    let body = new.clone();
    let server = Server::start(move |request, index| match index {
        0 => Answer::ranges(request, &old, "old").cut(200_000),
        _ => Answer::ranges(request, &body, "new"),
    });
    home.define(&[server.url("/image")], &new, RAW);
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    assert_eq!(server.requests()[1].0.if_range.as_deref(), Some("\"old\""));
    assert!(fs::read(home.data("images/image.raw")).unwrap() == new);
}

#[test]
fn a_part_of_something_else_does_not_stand_in_the_way() {
    let (home, content) = (Home::new(), content(300_000));
    let body = content.clone();
    let server = Server::start(move |request, _| Answer::ranges(request, &body, "one"));
    home.define(&[server.url("/image")], &content, RAW);
    fs::create_dir_all(home.data("images")).unwrap();
    // Shorter than the file, of the same length, and longer.
    for length in [1000, 300_000, 400_000] {
        fs::write(home.data("images/.image.raw.part"), vec![7; length]).unwrap();
        let fetched = home.fetch();
        assert_eq!(fetched.code, 0, "{length}: {}", fetched.stderr);
        let path = home.data("images/image.raw");
        assert!(fs::read(&path).unwrap() == content);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_wrong_checksum_is_told_with_both_and_nothing_stays() {
    let (home, content) = (Home::new(), content(1000));
    let body = content.clone();
    let server = Server::start(move |_, _| Answer::whole(&body));
    home.define(&[server.url("/image")], b"something else", RAW);
    let failed = home.fetch();
    assert_eq!(failed.code, 3);
    let digest = |content: &[u8]| format!("{:x}", Sha256::digest(content));
    for told in [&digest(&content), &digest(b"something else"), "image.ini:1"] {
        assert!(failed.stderr.contains(told), "{told}: {}", failed.stderr);
    }
    assert!(!home.data("images/image.raw").exists());
    assert_eq!(home.leftovers(), [""; 0]);
}

#[test]
fn a_place_that_fails_gives_way_to_the_next() {
    let (home, content) = (Home::new(), content(1000));
    let body = content.clone();
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/gone" => Answer::status(404),
        "/loop" => Answer::redirect("/loop"),
        "/file" => Answer::redirect("file:///etc/passwd"),
        "/wrong" => Answer::whole(b"wrong"),
        "/there" => Answer::redirect("image"),
        _ => Answer::whole(&body),
    });
    let urls = ["/gone", "/loop", "/file", "/wrong"].map(|path| server.url(path));
    home.define(&urls, &content, RAW);
    let failed = home.fetch();
    assert_eq!(failed.code, 3);
    for told in [
        "answers 404",
        "redirected more than 10 times",
        "file:///etc/passwd is refused",
        "put the file to",
    ] {
        assert!(failed.stderr.contains(told), "{told}: {}", failed.stderr);
    }
    home.define(
        &[&urls[..], &[server.url("/there")]].concat(),
        &content,
        RAW,
    );
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
}

#[test]
fn a_server_that_is_busy_is_tried_again() {
    let (home, content) = (Home::new(), content(1000));
    let body = content.clone();
    let server = Server::start(move |_, index| match index {
        0 => Answer::status(503),
        _ => Answer::whole(&body),
    });
    home.define(&[server.url("/image")], &content, RAW);
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    assert!(fetched.stderr.contains("answers 503"), "{}", fetched.stderr);
}

#[test]
fn two_at_once_download_once() {
    let (home, content) = (Home::new(), content(300_000));
    let (body, gate) = (content.clone(), Arc::new(Gate::default()));
    let held = gate.clone();
    let server = Server::start(move |_, _| Answer::whole(&body).hold(1000, &held));
    home.define(&[server.url("/image")], &content, RAW);
    let start = |log: &str| -> (Child, PathBuf) {
        let log = home.0.path().join(log);
        let file = fs::File::create(&log).unwrap();
        let mut command = home.vthost(&["asset", "fetch", "image"]);
        (command.stderr(file).spawn().unwrap(), log)
    };
    let (mut first, _) = start("first");
    wait_until("the first downloads", || !server.requests().is_empty());
    let (mut second, log) = start("second");
    let told = || fs::read_to_string(&log).unwrap();
    wait_until("the second waits", || told().contains("Waiting"));
    assert!(
        told().contains(&format!("process {}", first.id())),
        "{}",
        told()
    );
    gate.open();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert!(told().contains("Fresh"), "{}", told());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_real_image_is_uncompressed() {
    let work = tempfile::tempdir().unwrap();
    let (raw, image) = (work.path().join("raw"), work.path().join("image.qcow2"));
    fs::write(&raw, content(1 << 20)).unwrap();
    let made = Command::new("qemu-img")
        .args(["convert", "-O", "qcow2"])
        .args([&raw, &image])
        .status()
        .unwrap();
    assert!(made.success());
    let plain = fs::read(&image).unwrap();
    for ending in ["xz", "zst", "7z"] {
        let home = Home::new();
        let packed = match ending {
            "xz" => {
                let options = lzma_rust2::XzOptions::with_preset(1);
                let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
                writer.write_all(&plain).unwrap();
                writer.finish().unwrap()
            }
            "zst" => ruzstd::encoding::compress_to_vec(
                plain.as_slice(),
                ruzstd::encoding::CompressionLevel::Fastest,
            ),
            _ => {
                let path = work.path().join("image.7z");
                let mut writer = sevenz_rust2::ArchiveWriter::create(&path).unwrap();
                let entry = sevenz_rust2::ArchiveEntry::new_file("image.qcow2");
                writer
                    .push_archive_entry(entry, Some(plain.as_slice()))
                    .unwrap();
                writer.finish().unwrap();
                fs::read(path).unwrap()
            }
        };
        let body = packed.clone();
        let server = Server::start(move |_, _| Answer::whole(&body));
        let to = format!(
            "destination = images/image.qcow2.{ending}\ndestination_uncompressed = images/image.qcow2"
        );
        home.define(&[server.url("/image")], &packed, &to);
        let fetched = home.fetch();
        assert_eq!(fetched.code, 0, "{ending}: {}", fetched.stderr);
        let path = home.data("images/image.qcow2");
        assert!(fs::read(&path).unwrap() == plain, "{ending}");
        let checked = Command::new("qemu-img")
            .arg("check")
            .arg(&path)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{ending}");
        assert_eq!(home.leftovers(), [""; 0]);
        assert!(!home.data(&format!("images/image.qcow2.{ending}")).exists());
    }
}

#[test]
fn what_cannot_be_uncompressed_leaves_what_was_there() {
    let (home, content) = (Home::new(), content(1000));
    let body = content.clone();
    let server = Server::start(move |_, _| Answer::whole(&body));
    let to = "destination = images/image.xz\ndestination_uncompressed = images/image.raw";
    home.define(&[server.url("/image")], &content, to);
    fs::create_dir_all(home.data("images")).unwrap();
    fs::write(home.data("images/image.raw"), "mine").unwrap();
    assert!(
        home.fetch().stderr.contains("Fresh"),
        "a file of the operator's own stays"
    );
    let forced = output(&mut home.vthost(&["asset", "fetch", "--force", "image"]));
    assert_eq!(forced.code, 3);
    assert!(
        forced.stderr.contains("cannot uncompress `image`"),
        "{}",
        forced.stderr
    );
    assert_eq!(fs::read(home.data("images/image.raw")).unwrap(), b"mine");
    assert!(!home.data("images/.image.raw.new").exists());
}

#[test]
fn a_checksum_can_come_from_the_server() {
    let (home, content) = (Home::new(), content(1000));
    let digest = format!("{:x}", Sha256::digest(&content));
    let body = content;
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request, _| match request.path.as_str() {
        // A server that is busy for a moment is asked again, for a checksum as for a file.
        "/SUMS" if asked.fetch_add(1, Ordering::Relaxed) == 0 => Answer::status(503),
        "/SUMS" => {
            Answer::whole(format!("{}  other\n{digest}  image\n", "0".repeat(64)).as_bytes())
        }
        _ => Answer::whole(&body),
    });
    let definition = |sums: &str| {
        format!(
            "[image]\nurl = {}\nsha256_url = {}\n{RAW}\n",
            server.url("/image"),
            server.url(sums)
        )
    };
    // This is no list of checksums.
    home.write(&definition("/image"));
    let failed = home.fetch();
    assert!(
        failed.code == 3 && failed.stderr.contains("no checksum:"),
        "{}",
        failed.stderr
    );
    home.write(&definition("/SUMS"));
    let fetched = home.fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
}

#[test]
fn a_new_checksum_in_the_definition_is_a_new_file() {
    let home = Home::new();
    let server = Server::start(|request, _| Answer::whole(request.path.as_bytes()));
    for path in ["/old", "/new"] {
        home.define(&[server.url(path)], path.as_bytes(), RAW);
        assert_eq!(home.fetch().code, 0);
        assert_eq!(
            fs::read(home.data("images/image.raw")).unwrap(),
            path.as_bytes()
        );
    }
}

#[test]
fn the_list_shows_what_is_there_and_what_is_wrong() {
    let home = Home::new();
    let source = home.0.path().join("source");
    fs::write(&source, "content").unwrap();
    home.define(&[format!("file://{}", source.display())], b"content", RAW);
    let list = || output(&mut home.vthost(&["asset", "list"]));
    assert!(
        list().stdout.contains("image           missing"),
        "{}",
        list().stdout
    );
    let fetched = output(&mut home.vthost(&["asset", "fetch", "--json", "image"]));
    let entry: vthost_metadata::AssetEntry = serde_json::from_str(&fetched.stdout).unwrap();
    assert!(entry.present && entry.file.ends_with("data/images/image.raw"));
    assert!(
        list().stdout.contains("image           there"),
        "{}",
        list().stdout
    );

    let unknown = output(&mut home.vthost(&["asset", "fetch", "imagee"]));
    assert_eq!(unknown.code, 4);
    assert!(
        unknown.stderr.contains("did you mean `image`?"),
        "{}",
        unknown.stderr
    );
    home.write("[image]\nurl = https://a/b\nsha1 = 12\n");
    let wrong = list();
    assert_eq!(wrong.code, 2);
    assert!(wrong.stdout.contains("jeos-27-x86_64"));
    assert!(wrong.stderr.contains("image.ini:"), "{}", wrong.stderr);
}
