//! All assets that this machine knows of.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use include_dir::{Dir, include_dir};
use vthost_cartesian::{did_you_mean, nearest};

use super::definition::{Asset, DefinitionError, parse};
use crate::Dirs;

/// The definitions that ship with vthost.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../deps/assets");

/// There is no asset of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no asset `{name}`{}; `vthost asset list` shows all", hint(.near))]
pub struct UnknownAsset {
    /// The name.
    pub name: String,
    /// Names that are spelt alike.
    pub near: Vec<String>,
}

fn hint(near: &[String]) -> String {
    did_you_mean(near).map_or_else(String::new, |question| format!("; {question}"))
}

/// The assets that are defined, by name.
#[derive(Debug, Default)]
pub struct Catalog {
    assets: BTreeMap<String, Asset>,
    mistakes: Vec<DefinitionError>,
}

impl Catalog {
    /// Where definitions (`*.ini`) of others than vthost are looked for; of two assets with the same name the later
    /// one wins.
    pub fn places(dirs: &Dirs) -> [PathBuf; 2] {
        [dirs.data.join("downloads"), dirs.config.join("downloads.d")]
    }

    /// Reads all definitions. One with a mistake is left out and kept in [`mistakes`](Self::mistakes).
    pub fn load(dirs: &Dirs) -> Self {
        let mut catalog = Self::default();
        for file in SHIPPED.files() {
            let name = format!("vthost:{}", file.path().display());
            catalog.add(&name, file.contents_utf8().unwrap_or_default());
        }
        for place in Self::places(dirs) {
            let mut files: Vec<PathBuf> = fs::read_dir(&place)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|ending| ending == "ini"))
                .collect();
            files.sort();
            for path in files {
                let name = path.display().to_string();
                match fs::read_to_string(&path) {
                    Ok(text) => catalog.add(&name, &text),
                    Err(error) => catalog.mistakes.push(DefinitionError {
                        file: name,
                        line: 1,
                        column: 1,
                        what: format!("cannot read it: {error}"),
                    }),
                }
            }
        }
        catalog
    }

    fn add(&mut self, file: &str, text: &str) {
        match parse(file, text) {
            Ok(assets) => self
                .assets
                .extend(assets.into_iter().map(|asset| (asset.name.clone(), asset))),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    /// All assets, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    /// The definitions that could not be read.
    pub fn mistakes(&self) -> &[DefinitionError] {
        &self.mistakes
    }

    /// The asset of that name.
    ///
    /// # Errors
    /// [`UnknownAsset`] with the nearest names.
    pub fn get(&self, name: &str) -> Result<&Asset, UnknownAsset> {
        self.assets.get(name).ok_or_else(|| UnknownAsset {
            name: name.to_owned(),
            near: nearest(name, self.assets.keys().map(String::as_str)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_definitions_are_right() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::load(&Dirs::below(dir.path()));
        assert_eq!(catalog.mistakes(), []);
        assert_eq!(catalog.iter().count(), SHIPPED.files().count());
        assert_eq!(
            catalog.get("jeos-27-x86_64").unwrap().result(),
            std::path::Path::new("images/jeos-27-x86_64.qcow2")
        );
        let unknown = catalog.get("jeos-27-x86-64").unwrap_err();
        assert_eq!(unknown.near, ["jeos-27-x86_64"]);
    }

    #[test]
    fn the_operator_wins_and_a_mistake_hides_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(home.path());
        let [data, config] = Catalog::places(&dirs);
        for dir in [&data, &config] {
            fs::create_dir_all(dir).unwrap();
        }
        let text = |title: &str| {
            let digest = "0".repeat(64);
            format!("[a]\ntitle={title}\nurl=https://a/b\nsha256={digest}\ndestination=isos/b\n")
        };
        fs::write(data.join("a.ini"), text("data")).unwrap();
        fs::write(config.join("a.ini"), text("config")).unwrap();
        fs::write(config.join("wrong.ini"), "[b]\nurl\n").unwrap();
        fs::write(config.join("notes.txt"), "no definition").unwrap();
        let catalog = Catalog::load(&dirs);
        assert_eq!(catalog.get("a").unwrap().title, "config");
        assert_eq!(catalog.mistakes().len(), 1);
        assert!(catalog.mistakes()[0].to_string().contains("wrong.ini:2:1"));
    }
}
