//! ssh servers on loopback: the real one of OpenSSH for sessions, one in this process for what the real one will not do.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PrivateKey, ssh_key::LineEnding};
use russh::server::{Auth, Config, Handler};
use russh::{MethodKind, MethodSet};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use vthost_guest::{HostKeyPolicy, PrivateKeySource, SshAuth, SshTarget};

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A directory with everything an sshd for the current user needs.
pub(crate) struct Sshd {
    dir: TempDir,
    user: String,
    user_key: PrivateKey,
    host_key: PrivateKey,
}

impl Sshd {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With one more line of configuration.
    pub(crate) fn with(line: &str) -> Self {
        assert!(
            Path::new("/usr/sbin/sshd").exists(),
            "these tests need the package openssh-server"
        );
        // Where sshd confines its unprivileged child; only the package's init script makes it.
        std::fs::create_dir_all("/run/sshd").ok();
        let dir = tempfile::tempdir().unwrap();
        let (host_key, user_key) = (key(), key());
        let file = |name: &str| dir.path().join(name);
        host_key
            .write_openssh_file(file("host_key"), LineEnding::LF)
            .unwrap();
        user_key
            .write_openssh_file(file("user_key"), LineEnding::LF)
            .unwrap();
        std::fs::write(
            file("authorized_keys"),
            user_key.public_key().to_openssh().unwrap(),
        )
        .unwrap();
        // A home of its own: what the user of this machine has in `.bashrc` is no part of the test.
        let config = format!(
            "HostKey {0}/host_key\nAuthorizedKeysFile {0}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\n\
             SetEnv HOME={0}\n{line}\n",
            dir.path().display()
        );
        std::fs::write(file("config"), config).unwrap();
        let id = std::process::Command::new("id")
            .arg("-un")
            .output()
            .unwrap();
        let user = String::from_utf8(id.stdout).unwrap().trim().to_owned();
        Self {
            dir,
            user,
            user_key,
            host_key,
        }
    }

    /// One that has the sftp subsystem.
    pub(crate) fn with_sftp() -> Self {
        Self::configured(|config| config + "Subsystem sftp internal-sftp\n")
    }

    /// One whose users find the programs of a directory before those of the system.
    pub(crate) fn with_path(dir: &Path) -> Self {
        let path = format!("SetEnv PATH={}:/usr/bin:/bin HOME=", dir.display());
        Self::configured(|config| config.replace("SetEnv HOME=", &path))
    }

    fn configured(change: impl FnOnce(String) -> String) -> Self {
        let sshd = Self::new();
        let config = sshd.dir.path().join("config");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(config, change(text)).unwrap();
        sshd
    }

    pub(crate) fn target(&self, address: SocketAddr) -> SshTarget {
        SshTarget {
            host: address.ip().to_string(),
            port: address.port(),
            username: self.user.clone(),
            auth: SshAuth {
                key: Some(PrivateKeySource::Path(self.dir.path().join("user_key"))),
                password: None,
            },
            host_key: HostKeyPolicy::Pinned(self.fingerprint()),
        }
    }

    pub(crate) fn key_text(&self) -> String {
        self.user_key
            .to_openssh(LineEnding::LF)
            .unwrap()
            .to_string()
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.host_key
            .public_key()
            .fingerprint(russh::keys::HashAlg::Sha256)
            .to_string()
    }

    /// Serves one accepted connection; the server dies with the child.
    pub(crate) fn serve(&self, stream: TcpStream) -> Child {
        let stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        Command::new("/usr/sbin/sshd")
            .arg("-i")
            .arg("-e")
            .arg("-f")
            .arg(self.dir.path().join("config"))
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(
                stream.try_clone().unwrap(),
            )))
            .stdout(Stdio::from(std::os::fd::OwnedFd::from(stream)))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// The home of whoever logs in.
    pub(crate) fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Listens and serves every connection for as long as the test runs.
    pub(crate) async fn listen(self: &Arc<Self>) -> SshTarget {
        let (listener, address) = listen().await;
        let sshd = Arc::clone(self);
        tokio::spawn(async move {
            let mut children = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                children.push(sshd.serve(stream));
            }
        });
        self.target(address)
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn key() -> PrivateKey {
    // Distinct keys from distinct seeds; they protect nothing.
    static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
    let seed = [COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed); 32];
    russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&seed).into()
}

/// Which way a [`Guard`] lets its user in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Password,
    Interactive,
    None,
}

/// A server that only authenticates: user `tester`, password `secret`.
#[derive(Clone)]
pub(crate) struct Guard(pub(crate) Door);

impl Guard {
    /// Serves connections for as long as the test runs.
    pub(crate) async fn listen(self) -> SocketAddr {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream));
            }
        });
        address
    }

    pub(crate) fn serve(self, stream: TcpStream) -> impl Future<Output = ()> + Send {
        let methods: &[MethodKind] = match self.0 {
            Door::Password => &[MethodKind::Password],
            Door::Interactive => &[MethodKind::KeyboardInteractive],
            Door::None => &[MethodKind::None],
        };
        let config = Config {
            keys: vec![key()],
            methods: MethodSet::from(methods),
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        };
        async move {
            if let Ok(session) = russh::server::run_stream(Arc::new(config), stream, self).await {
                session.await.ok();
            }
        }
    }
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, russh::Error> {
        Ok(if self.0 == Door::None && user == "tester" {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        let good = self.0 == Door::Password && user == "tester" && password == "secret";
        Ok(if good { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<russh::server::Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(mut answers) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        let good = user == "tester"
            && answers
                .next()
                .is_some_and(|answer| &answer[..] == b"secret");
        Ok(if good { Auth::Accept } else { Auth::reject() })
    }
}
