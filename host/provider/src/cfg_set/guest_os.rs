//! `guest-os.cfg`: the guests, from the files below `guest-os/` (guide, section "Defining New Guests").
//!
//! A file `X.cfg` and a directory `X/` beside it are one variant `X`: what stands in the file, and below it a block with
//! the variants of the directory. A file that is made of variants itself (`- FooLinux:`, as the guide's drop-ins) is
//! taken as it is. The two highest levels, as `Linux`, are no part of short names.

use std::collections::BTreeMap;

use vthost_cartesian::Source;

use super::paste::{Paste, Piece};

/// The files of the guests, by their paths below `guest-os/` without `.cfg`.
#[derive(Default)]
pub(super) struct Guests {
    top: Level,
}

#[derive(Default)]
struct Level(BTreeMap<String, Entry>);

#[derive(Default)]
struct Entry {
    file: Option<Piece>,
    below: Level,
}

impl Guests {
    /// Adds a file; one of the same path is replaced.
    pub(super) fn insert(&mut self, path: &str, piece: Piece) {
        let path = path.strip_suffix(".cfg").unwrap_or(path);
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut level = &mut self.top;
        for dir in dirs.split('/').filter(|dir| !dir.is_empty()) {
            level = &mut level.0.entry(dir.to_owned()).or_default().below;
        }
        level.0.entry(name.to_owned()).or_default().file = Some(piece);
    }

    /// The text of `guest-os.cfg`.
    pub(super) fn make(&self, name: &str) -> Source {
        let mut paste = Paste::new(name);
        paste.own(0, "variants:");
        paste.own(4, "- Guest:");
        write(&mut paste, 8, &self.top, "@");
        paste.finish()
    }
}

fn write(paste: &mut Paste, indent: usize, level: &Level, mark: &str) {
    if level.0.is_empty() {
        return;
    }
    paste.own(indent, "variants:");
    for (name, entry) in &level.0 {
        match &entry.file {
            Some(piece) if piece.is_of_variants() => {
                paste.piece(piece, indent + 4);
                if !entry.below.0.is_empty() {
                    variant(paste, indent + 4, mark, name, None, &entry.below);
                }
            }
            file => variant(paste, indent + 4, mark, name, file.as_ref(), &entry.below),
        }
    }
}

fn variant(
    paste: &mut Paste,
    indent: usize,
    mark: &str,
    name: &str,
    file: Option<&Piece>,
    below: &Level,
) {
    paste.own(indent, &format!("- {mark}{name}:"));
    if let Some(piece) = file {
        paste.piece(piece, indent + 4);
    }
    write(paste, indent + 4, below, "");
}

#[cfg(test)]
mod tests {
    use super::*;
    use vthost_cartesian::OriginKind;

    #[test]
    fn files_and_directories_are_levels() {
        let mut guests = Guests::default();
        let mut add = |path: &str, text: &str| {
            guests.insert(path, Piece::new(path, OriginKind::Default, text.to_owned()));
        };
        add("Linux.cfg", "os_type = linux\n");
        add("Linux/Fedora.cfg", "no setup\n");
        add("Linux/Fedora/40.cfg", "- 40:\n    os_variant = fedora40\n");
        add("Linux/Fedora/41.cfg", "os_variant = fedora41\n");
        add("Linux/LinuxCustom.cfg", "# yours\n");
        add(
            "Linux/LinuxCustom/foo.cfg",
            "- FooLinux:\n    image_name = images/foo-linux\n",
        );
        add("Windows/Win10.cfg", "x = 1\n");
        insta::assert_snapshot!(guests.make("guest-os.cfg").text);
    }
}
