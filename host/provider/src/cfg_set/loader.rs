//! Where the texts of the set come from.

use std::collections::BTreeMap;
use std::fmt::Write;

use include_dir::{Dir, include_dir};
use vthost_cartesian::{LoadError, Loader, OriginKind, Source};

use crate::Pack;

/// The shipped configuration, as it stands in `cfg/`.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../cfg");

/// The file that is made for each job.
const SUBTESTS: &str = "subtests.cfg";

/// The file of a pack that includes its others. A pack without it has a branch for each file.
const PACK_ROOT: &str = "tests.cfg";

/// Shipped files by their paths in `cfg/`; files of packs as `<pack>:<file>`.
pub(super) struct SetLoader {
    subtests: String,
    of_packs: BTreeMap<String, (OriginKind, String)>,
}

impl SetLoader {
    pub(super) fn new(packs: &[Pack]) -> Self {
        let mut subtests = String::from("variants:\n");
        let mut of_packs = BTreeMap::new();
        for pack in packs {
            let name = &pack.manifest.name;
            let kind = OriginKind::Provider(name.clone());
            let mut files: Vec<_> = pack
                .cfg
                .iter()
                .map(|file| (file.name.clone(), file.text.clone()))
                .collect();
            if files.is_empty() {
                files.push((PACK_ROOT.to_owned(), every_test(pack)));
            }
            // Without a root, every file is a branch of its own: files are alternatives, not a product.
            let has_root = files.iter().any(|(file, _)| file == PACK_ROOT);
            for (file, text) in files {
                let source = format!("{name}:{file}");
                if !has_root || file == PACK_ROOT {
                    // The provider stands last, where no assignment in the pack can change it (a bound still can:
                    // `job` refuses that). Writing to a string does not fail.
                    let _ = write!(
                        subtests,
                        "    - {name}:\n        include {source}\n        provider = {name}\n"
                    );
                }
                of_packs.insert(source, (kind.clone(), text));
            }
        }
        if packs.is_empty() {
            // A block without variants is an error of the language; this one matches nothing.
            subtests.push_str("    - no_pack:\n        only no_test\n");
        }
        Self { subtests, of_packs }
    }
}

/// The configuration of a pack that brings none: every test is a variant.
fn every_test(pack: &Pack) -> String {
    pack.manifest
        .tests
        .iter()
        .fold(String::from("variants:\n"), |mut text, test| {
            // Writing to a string does not fail.
            let _ = write!(text, "    - {0}:\n        type = {0}\n", test.name);
            text
        })
}

impl Loader for SetLoader {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        if from == SUBTESTS
            && let Some((_, text)) = self.of_packs.get(path)
        {
            return Ok(Source::new(path, text));
        }
        if let Some((pack, _)) = from.split_once(':') {
            // A pack sees its own files and nothing else.
            let name = format!("{pack}:{path}");
            return match self.of_packs.get(&name) {
                Some((_, text)) => Ok(Source::new(name, text)),
                None => Err(LoadError::new(format!(
                    "the pack {pack} has no file `{path}`"
                ))),
            };
        }
        if path == SUBTESTS {
            return Ok(Source::new(SUBTESTS, &self.subtests));
        }
        SHIPPED
            .get_file(path)
            .and_then(include_dir::File::contents_utf8)
            .map(|text| Source::new(path, text))
            .ok_or_else(|| LoadError::new(format!("vthost ships no file `{path}`")))
    }

    fn kind(&self, name: &str) -> Option<OriginKind> {
        self.of_packs.get(name).map(|(kind, _)| kind.clone())
    }
}
