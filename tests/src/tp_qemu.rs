//! The real configuration of tp-qemu as a provider: laid out in files as its repository has them.
//!
//! The reference's generated `subtests.cfg` is taken apart again, so that what vthost makes of the files can be held
//! against it. The corpus is no part of the repository.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the provider in the corpus.
pub const NAME: &str = "io-github-autotest-qemu";

/// Where the corpus is, if it is there.
pub fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    corpus.join("tp-qemu-cfg.tar.xz").exists().then_some(corpus)
}

/// Unpacks one of its archives.
///
/// # Errors
/// It cannot be read or written.
pub fn unpack(archive: &str, to: &Path) -> io::Result<()> {
    let path = corpus().unwrap_or_default().join(archive);
    let plain = lzma_rust2::XzReader::new(File::open(path)?, false);
    tar::Archive::new(plain).unpack(to)
}

/// Lays the tests out below `root` as the repository has them: `generic/tests/cfg/*.cfg` and `qemu/tests/cfg/*.cfg`.
///
/// Where a name would change the order of the corpus, it gets a number in front.
///
/// # Errors
/// Files cannot be written.
pub fn lay_out(subtests: &str, root: &Path) -> io::Result<()> {
    let lines: Vec<&str> = subtests.lines().collect();
    let mut number = 0;
    let mut at = 0;
    while at < lines.len() {
        let (indent, backend, own) = match lines[at] {
            line if is_head(line, 4) => (4, "generic", 1),
            line if is_head(line, 12) => (12, "qemu", 2),
            _ => {
                at += 1;
                continue;
            }
        };
        let end = (at + 1..lines.len())
            .find(|next| is_head(lines[*next], 4) || is_end(lines[*next], indent))
            .unwrap_or(lines.len());
        number += 1;
        let head = lines[at][indent..].replacen(&format!("{NAME}."), "", 1);
        let name = head[2..].split(':').next().unwrap_or_default().to_owned();
        let name = match name.as_str() {
            "unattended_install" | "shutdown" | "multi_host" => name,
            _ => format!("{number:04}_{name}"),
        };
        let mut text = head + "\n";
        // What follows the head was put there when the file was made.
        for line in &lines[at + 1 + own..end] {
            text += line.get(indent..).unwrap_or_default();
            text.push('\n');
        }
        let dir = root.join(backend).join("tests/cfg");
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("{name}.cfg")), text)?;
        at = end;
    }
    Ok(())
}

/// Whether a line begins a test: a name with the provider in front, in that column.
fn is_head(line: &str, indent: usize) -> bool {
    line.len() > indent
        && line[..indent].trim().is_empty()
        && line[indent..].starts_with(&format!("- {NAME}."))
}

fn is_end(line: &str, indent: usize) -> bool {
    is_head(line, indent) || (indent == 4 && line == "    - @type_specific:")
}
