//! Copying files to the guest and back.

use std::fs;
use std::time::Duration;

use vthost::prelude::*;

/// Copies a file of `filesize` MiB to the guest and back and compares it (`file_transfer`).
#[vthost::test]
fn file_transfer(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let mebibytes: usize = params.parse_or("filesize", 16)?;
    let timeout = Duration::from_secs(params.parse_or("transfer_timeout", 600)?);
    let session = vm.wait_for_login()?;
    let files = vm.files()?;
    {
        // Not random, but no two blocks of it are equal.
        let mut content = Vec::with_capacity(mebibytes << 20);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while content.len() < mebibytes << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        fs::write("/data/sent", content)?;
    }
    files.copy_to("/data/sent", "/root/file", timeout)?;
    let size = session.cmd("stat -c %s /root/file")?;
    ensure!(
        size.trim() == (mebibytes << 20).to_string(),
        "the guest has {} bytes of {mebibytes} MiB",
        size.trim()
    );
    files.copy_from("/root/file", "/data/received", timeout)?;
    ensure!(
        fs::read("/data/sent")? == fs::read("/data/received")?,
        "the file comes back changed"
    );
    fs::remove_file("/data/sent")?;
    fs::remove_file("/data/received")?;
    Ok(())
}

/// Copies a tree with modes, empty files and odd names, and a selection by a pattern.
#[vthost::test]
fn file_transfer_tree(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let timeout = Duration::from_secs(test.params().parse_or("transfer_timeout", 600)?);
    let session = vm.wait_for_login()?;
    let files = vm.files()?;
    fs::create_dir_all("/data/tree/inner/empty")?;
    fs::write("/data/tree/a b.txt", "blank")?;
    fs::write("/data/tree/inner/none", "")?;
    fs::write("/data/tree/inner/x.log", "log")?;
    files.copy_to("/data/tree", "/root/tree", timeout)?;
    let listed = session.cmd("cd /root/tree && find . | sort")?;
    let expected = "./a b.txt ./inner ./inner/empty ./inner/none ./inner/x.log";
    ensure!(
        listed
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
            == expected,
        "the guest has {listed:?}"
    );
    session.cmd("chmod 755 /root/tree/inner/x.log && echo more >> /root/tree/inner/x.log")?;
    fs::create_dir("/data/back")?;
    files.copy_from("/root/tree/inner/*.log", "/data/back", timeout)?;
    ensure!(
        fs::read_to_string("/data/back/x.log")? == "logmore\n",
        "the pattern brings another file"
    );
    ensure!(
        !fs::exists("/data/back/none")?,
        "the pattern brings too much"
    );
    Ok(())
}
