//! Programs built in a guest, which is this machine over ssh: a real make, a real compiler.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use vthost_guest::build::{BuildError, BuildOptions, Builder};
use vthost_guest::{FileTransfer, Session, ShellOptions, SshOptions};

use crate::server::{SOON, Sshd};
use crate::transfer::{names, options};

struct Scene {
    dir: TempDir,
    session: Session,
    transfer: FileTransfer,
}

async fn scene(sshd: Sshd) -> Scene {
    let target = Arc::new(sshd).listen().await;
    let (ssh, shell) = (SshOptions::default(), ShellOptions::default());
    let session = Session::ssh(&target, &ssh, shell, None).await.unwrap();
    let transfer = FileTransfer::ssh(session.connection().unwrap().clone());
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("app");
    fs::create_dir_all(source.join("src/old")).unwrap();
    fs::create_dir(dir.path().join("guest's")).unwrap();
    fs::write(
        source.join("Makefile"),
        "app: src/main.c\n\t$(CC) -DANSWER=$(ANSWER) -o $@ $<\n\techo made >> log\n",
    )
    .unwrap();
    let main = "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", ANSWER); }\n";
    fs::write(source.join("src/main.c"), main).unwrap();
    fs::write(source.join("src/old/it's old"), "").unwrap();
    Scene {
        dir,
        session,
        transfer,
    }
}

impl Scene {
    fn source(&self) -> std::path::PathBuf {
        self.dir.path().join("app")
    }

    fn options(&self, flags: &str) -> BuildOptions {
        BuildOptions {
            directory: self.dir.path().join("guest's").to_str().unwrap().to_owned(),
            flags: flags.to_owned(),
            make_timeout: SOON * 3,
            transfer: options(),
            ..BuildOptions::default()
        }
    }

    async fn build(&mut self, flags: &str) -> Result<String, BuildError> {
        let (source, options) = (self.source(), self.options(flags));
        Builder::new(&mut self.session, &self.transfer, source, options)?
            .build()
            .await
    }
}

/// How often `make` has done something.
fn made(path: &str) -> usize {
    let log = fs::read_to_string(Path::new(path).join("log"));
    log.unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_built_once() {
    for sshd in [Sshd::with_sftp(), Sshd::new()] {
        let mut scene = scene(sshd).await;
        let path = scene.build("ANSWER=42").await.unwrap();
        assert!(path.contains("/app-"), "{path}");
        let program = format!("'{}/app'", path.replace('\'', "'\\''"));
        assert_eq!(scene.session.cmd(&program, SOON).await.unwrap(), "42\n");
        assert_eq!(made(&path), 1);
        // Nothing has changed: make is not even called.
        fs::write(Path::new(&path).join("Makefile"), "app:\n\tfalse\n").unwrap();
        assert_eq!(scene.build("ANSWER=42").await.unwrap(), path);
        assert_eq!(made(&path), 1);
        // Other flags, another directory.
        let other = scene.build("ANSWER=43").await.unwrap();
        assert_ne!(other, path);
        assert_eq!(made(&other), 1);

        // What changes is sent, what is gone is removed, what was built stays.
        let source = scene.source();
        fs::remove_dir_all(source.join("src/old")).unwrap();
        fs::write(source.join("src/new"), "").unwrap();
        let main = fs::read_to_string(source.join("src/main.c")).unwrap();
        fs::write(source.join("src/main.c"), main.replace("%d", "<%d>")).unwrap();
        let old = fs::metadata(Path::new(&other).join("Makefile")).unwrap();
        scene.build("ANSWER=43").await.unwrap();
        let new = fs::metadata(Path::new(&other).join("Makefile")).unwrap();
        assert_eq!(
            std::os::unix::fs::MetadataExt::ino(&old),
            std::os::unix::fs::MetadataExt::ino(&new),
            "a file that has not changed was sent again"
        );
        assert_eq!(
            names(Path::new(&other)),
            [
                ".vthost-built",
                ".vthost-manifest",
                "Makefile",
                "app",
                "log",
                "src",
                "src/main.c",
                "src/new"
            ]
        );
        let program = format!("'{}/app'", other.replace('\'', "'\\''"));
        assert_eq!(scene.session.cmd(&program, SOON).await.unwrap(), "<43>\n");
        assert_eq!(made(&other), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_is_told_and_tried_again() {
    let mut scene = scene(Sshd::with_sftp()).await;
    let error = scene.build("ANSWER=nonsense").await.unwrap_err();
    let BuildError::Make { status, output, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*status, 2);
    assert!(output.contains("nonsense"), "{output}");
    assert!(error.to_string().contains("ended with status 2"), "{error}");
    let (source, options) = (scene.source(), scene.options("ANSWER=nonsense"));
    let builder = Builder::new(&mut scene.session, &scene.transfer, &source, options);
    let mut builder = builder.unwrap();
    assert!(builder.sync().await.unwrap(), "nothing was built yet");
    // A manifest that a guest has spoilt makes everything new.
    let manifest = Path::new(builder.path()).join(".vthost-manifest");
    fs::write(&manifest, "{\"../../x\": \"directory\"}").unwrap();
    assert!(builder.sync().await.unwrap());
    assert!(fs::read_to_string(&manifest).unwrap().contains("main.c"));

    fs::remove_file(source.join("Makefile")).unwrap();
    let error = scene.build("").await.unwrap_err();
    assert!(matches!(error, BuildError::Source { .. }), "{error}");
}
