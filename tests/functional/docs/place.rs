//! The machine of a reader: a home, programs, and the network's repositories in a directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vthost_tests::{binary, pack};

/// What stands in the pages for the home of the reader.
const HOME: &str = "/home/you";

/// Keeps git from the network: what pages fetch by https comes from a directory.
const GIT: &str = "#!/bin/sh
case $GIT_ALLOW_PROTOCOL in https) export GIT_ALLOW_PROTOCOL=file ;; esac
exec @GIT@ -c url.file://@SERVER@/.insteadOf=https:// \"$@\"
";

/// A provider as Avocado-VT has it: tests in Python, and their configuration.
const PROVIDER: [(&str, &str); 6] = [
    (
        "generic/tests/boot.py",
        "def run(test, params, env):\n    pass\n",
    ),
    ("generic/tests/cfg/boot.cfg", "- boot:\n    type = boot\n"),
    (
        "generic/tests/uptime.py",
        "def run(test, params, env):\n    pass\n",
    ),
    (
        "generic/tests/cfg/uptime.cfg",
        "- uptime:\n    type = uptime\n",
    ),
    (
        "qemu/tests/steal_time.py",
        "def run(test, params, env):\n    pass\n",
    ),
    (
        "qemu/tests/cfg/steal_time.cfg",
        "- steal_time:\n    type = steal_time\n    variants:\n        - one:\n        - two:\n",
    ),
];

/// The machine of a reader.
pub(super) struct Place {
    dir: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let home = place.home();
        fs::create_dir_all(home.join(".ssh")).unwrap();
        let bin = place.dir.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(binary(), bin.join("vthost")).unwrap();
        let git = GIT
            .replace("@GIT@", &program("git").display().to_string())
            .replace("@SERVER@", &place.server().display().to_string());
        fs::write(bin.join("git"), git).unwrap();
        fs::set_permissions(bin.join("git"), PermissionsExt::from_mode(0o755)).unwrap();
        place.serve("github.com/autotest/tp-qemu.git", false);
        place.serve("github.com/autotest/tp-libvirt.git", false);
        place.serve("git.example.org/team/tp-qemu.git", true);
        place.image();
        fs::copy(pack("tp-qemu"), home.join("tp-qemu.wasm")).unwrap();
        place
    }

    /// The home of the reader, who works there.
    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// What is on the network.
    fn server(&self) -> PathBuf {
        self.dir.path().join("server")
    }

    /// A repository with a provider in it, of which some tests are ported.
    fn serve(&self, name: &str, ported: bool) {
        let root = self.server().join(name);
        for (path, text) in PROVIDER {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        if ported {
            fs::copy(pack("tp-qemu"), root.join("generic/tests/tp-qemu.wasm")).unwrap();
        }
        let script = "git init --quiet --initial-branch=main && git add --all && \
            git -c user.name=A -c user.email=a@example.org commit --quiet --message one";
        let (_, printed) = self.shell(script, &root);
        assert_eq!(printed, "");
    }

    /// The image of the default guest, which `cargo xtask test` has built.
    fn image(&self) {
        let home = std::env::var_os("HOME").unwrap();
        let data = std::env::var_os("XDG_DATA_HOME")
            .map_or_else(|| Path::new(&home).join(".local/share"), PathBuf::from);
        let images = self.home().join(".local/share/vthost/images");
        fs::create_dir_all(&images).unwrap();
        for name in ["jeos-12-x86_64.qcow2", "jeos-12-x86_64.json"] {
            let (from, to) = (data.join("vthost/images").join(name), images.join(name));
            fs::hard_link(&from, &to)
                .or_else(|_| fs::copy(&from, &to).map(drop))
                .unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
    }

    /// Runs a line of a page; gives its exit code, and what it printed as a page would show it.
    pub(super) fn run(&self, line: &str) -> (i32, String) {
        let (code, printed) = self.shell(line, &self.home());
        let shown = printed
            .replace(&self.home().display().to_string(), HOME)
            .replace(&root().display().to_string(), "/home/you/vthost");
        (code, shown)
    }

    fn shell(&self, line: &str, dir: &Path) -> (i32, String) {
        let home = std::env::var_os("HOME").unwrap();
        let own = |name: &str, dir: &str| {
            std::env::var_os(name).map_or_else(|| Path::new(&home).join(dir), PathBuf::from)
        };
        let old = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(self.dir.path().join("bin")).chain(std::env::split_paths(&old));
        // One pipe for both, as at a terminal.
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}\n")])
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("LC_ALL", "C.UTF-8")
            .env("CARGO_HOME", own("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup"))
            // The versions of the libraries are those of this workspace.
            .env("CARGO_NET_OFFLINE", "true")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("ROOT", root())
            .env("FIXTURES", pack("fixture-denied").parent().unwrap())
            // Not below the home, so that a second run has its libraries already.
            .env("PACKS", binary().ancestors().nth(2).unwrap().join("docs"))
            .current_dir(dir)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().expect("nothing is killed"), printed)
    }

    /// Writes a file that a page shows; `~/` is the home, and `../vthost/` the clone of vthost.
    pub(super) fn write(&self, path: &str, text: &str) {
        let text = text.replace("../vthost/", &format!("{}/", root().display()));
        let path = self.home().join(path.strip_prefix("~/").unwrap_or(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The clone of vthost that this is.
fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// A program of this machine.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("there is no {name}"))
}
