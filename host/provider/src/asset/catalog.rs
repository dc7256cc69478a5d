//! All assets that this machine knows of.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
            let files = definitions(&place).unwrap_or_else(|error| {
                catalog.unreadable(&place, &error);
                Vec::new()
            });
            for path in files {
                match fs::read_to_string(&path) {
                    Ok(text) => catalog.add(&path.display().to_string(), &text),
                    Err(error) => catalog.unreadable(&path, &error),
                }
            }
        }
        catalog.part_files();
        catalog
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.mistakes.push(DefinitionError {
            file: path.display().to_string(),
            line: 1,
            column: 1,
            what: format!("cannot read it: {error}"),
        });
    }

    /// Leaves out an asset that writes a file of another: their downloads would spoil each other.
    fn part_files(&mut self) {
        let mut owners: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut wrong = Vec::new();
        for (name, asset) in &self.assets {
            let files = [asset.destination.clone(), asset.result().to_owned()];
            let other = files.iter().find_map(|file| {
                let owner = owners.get(file).filter(|owner| *owner != name)?;
                Some((file.clone(), owner.clone()))
            });
            match other {
                Some((file, owner)) => wrong.push((name.clone(), file, owner)),
                None => owners.extend(files.map(|file| (file, name.clone()))),
            }
        }
        for (name, file, owner) in wrong {
            let Some(asset) = self.assets.remove(&name) else {
                continue;
            };
            let (path, line) = asset
                .defined
                .rsplit_once(':')
                .unwrap_or((&asset.defined, ""));
            self.mistakes.push(DefinitionError {
                file: path.to_owned(),
                line: line.parse().unwrap_or(1),
                column: 1,
                what: format!(
                    "`{name}` writes {}, which is a file of `{owner}`; give it another destination",
                    file.display()
                ),
            });
        }
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

/// The definitions in a directory, in order. One that is not there has none.
fn definitions(place: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "ini") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
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
            Path::new("images/jeos-27-x86_64.qcow2")
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

    #[test]
    fn what_cannot_be_read_or_is_of_another_is_told() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(home.path());
        let [data, config] = Catalog::places(&dirs);
        // A directory that is none can be listed by nobody.
        fs::create_dir_all(data.parent().unwrap()).unwrap();
        fs::write(&data, "").unwrap();
        fs::create_dir_all(&config).unwrap();
        let digest = "0".repeat(64);
        let one = |name: &str| {
            format!("[{name}]\ntitle=t\nurl=https://a/b\nsha256={digest}\ndestination=isos/b\n")
        };
        fs::write(config.join("a.ini"), one("a") + &one("b")).unwrap();
        let catalog = Catalog::load(&dirs);
        let told: Vec<_> = catalog.mistakes().iter().map(ToString::to_string).collect();
        assert!(
            told[0].contains("downloads:1:1: cannot read it"),
            "{told:?}"
        );
        assert!(
            told[1].contains("`b` writes isos/b, which is a file of `a`"),
            "{told:?}"
        );
        assert!(catalog.get("a").is_ok() && catalog.get("b").is_err());
    }
}
