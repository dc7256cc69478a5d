//! A plain QEMU with the guest image, seen from its serial console. Nothing of vthost is between: what fails here is
//! the image.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use vthost_tests::{output, vthost};

/// Longer than any step takes on a busy host without KVM.
const LONG: Duration = Duration::from_secs(120);

/// The directory of a machine: the disks that it gets.
pub(super) struct Disks(TempDir);

impl Disks {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// `-drive` of an empty disk without a device.
    pub(super) fn empty(&self, id: &str, mib: u64) -> String {
        let path = self.0.path().join(id);
        fs::File::create(&path).unwrap().set_len(mib << 20).unwrap();
        format!("if=none,id={id},format=raw,file={}", path.display())
    }
}

/// The image that the tests of vthost use.
fn image() -> PathBuf {
    let printed = output(vthost().args(["list-guests", "--json", "--guest-os", "JeOS.12"]));
    let line = printed.stdout.lines().next().unwrap_or_default();
    let guest: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", printed.stderr));
    guest["image"].as_str().unwrap().into()
}

/// A running guest, logged in on its first serial port.
pub(super) struct Guest {
    qemu: Child,
    serial: UnixStream,
    /// What came from the serial port and was not looked at yet.
    unread: Vec<u8>,
    qmp: BufReader<UnixStream>,
    /// Events that came while something else was waited for.
    events: Vec<Value>,
    _sockets: TempDir,
}

impl Guest {
    /// Starts a machine that boots from a disk with this device, waits until it is ready with this word, and logs in.
    pub(super) fn boot(device: &str, ready: &str, arguments: &[&str]) -> Self {
        let sockets = tempfile::tempdir().unwrap();
        let (serial, serial_socket) = listen(&sockets, "serial");
        let (qmp, qmp_socket) = listen(&sockets, "qmp");
        let root = format!(
            "if=none,id=root,format=qcow2,snapshot=on,file={}",
            image().display()
        );
        let qemu = Command::new("qemu-system-x86_64")
            .args([
                "-nodefaults",
                "-display",
                "none",
                "-vga",
                "std",
                "-accel",
                "tcg",
            ])
            .args([
                "-cpu",
                "Nehalem,+rdrand",
                "-serial",
                &serial_socket,
                "-qmp",
                &qmp_socket,
            ])
            .args(arguments)
            .args([
                "-drive",
                &root,
                "-device",
                &format!("{device},drive=root,bootindex=1"),
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut guest = Self {
            qemu,
            serial: accept(&serial),
            unread: Vec::new(),
            qmp: BufReader::new(accept(&qmp)),
            events: Vec::new(),
            _sockets: sockets,
        };
        guest.answer("QMP");
        guest.qmp(&json!({"execute": "qmp_capabilities"}));
        guest.read_until(&format!("vthost-ready: {ready}"));
        guest.read_until("login: ");
        guest.send("root\n");
        guest.read_until("Password: ");
        guest.send("123456\n");
        guest.read_until("]# ");
        // What is read from here on is output, and nothing else.
        guest.send("stty -echo; PS1= PS2=; echo quiet | tr a-z A-Z\n");
        guest.read_until("QUIET\r\n");
        guest
    }

    fn send(&mut self, text: &str) {
        self.serial.write_all(text.as_bytes()).unwrap();
    }

    /// What came before the text.
    pub(super) fn read_until(&mut self, text: &str) -> String {
        let mut chunk = [0; 4096];
        loop {
            let found = self
                .unread
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let before = String::from_utf8_lossy(&self.unread[..at]).replace('\r', "");
                self.unread.drain(..at + text.len());
                return before;
            }
            let read = self.serial.read(&mut chunk).unwrap_or_default();
            let came = String::from_utf8_lossy(&self.unread);
            assert!(
                read > 0,
                "{text:?} did not come in {LONG:?} or before the end; this came: {came}"
            );
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }

    /// Runs a command in the guest that has to succeed; its output.
    pub(super) fn run(&mut self, command: &str) -> String {
        self.send(&format!("{{ {command}\n}} 2>&1; echo \"status $? end\"\n"));
        let output = self.read_until("status ");
        let status = self.read_until(" end\r\n");
        assert_eq!(status, "0", "{command}: {output}");
        output
    }

    /// Waits until a command in the guest succeeds: drivers come by themselves, but not at once.
    pub(super) fn wait_for(&mut self, command: &str) {
        self.run(&format!(
            "for i in $(seq 300); do {command} && break; sleep 0.2; done >/dev/null 2>&1; {command}"
        ));
    }

    /// Runs a QMP command that has to succeed.
    pub(super) fn qmp(&mut self, command: &Value) -> Value {
        writeln!(self.qmp.get_mut(), "{command}").unwrap();
        self.answer("return")
    }

    /// Waits for a QMP event.
    pub(super) fn event(&mut self, name: &str) {
        while !self.events.iter().any(|event| event["event"] == name) {
            let event = self.answer("event");
            self.events.push(event);
        }
        self.events.retain(|event| event["event"] != name);
    }

    /// The next message that has this key.
    fn answer(&mut self, key: &str) -> Value {
        loop {
            let mut line = String::new();
            self.qmp.read_line(&mut line).unwrap();
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("{key}: {line:?}"));
            if message.get(key).is_some() {
                return message;
            }
            assert!(message.get("error").is_none(), "{message}");
            self.events.push(message);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.qemu.kill().unwrap();
        self.qemu.wait().unwrap();
    }
}

/// A TPM in software.
pub(super) struct Tpm {
    swtpm: Child,
    dir: TempDir,
}

impl Tpm {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let control = format!("type=unixio,path={}", dir.path().join("control").display());
        let state = format!("dir={}", dir.path().display());
        let swtpm = Command::new("swtpm")
            .args(["socket", "--tpm2", "--ctrl", &control, "--tpmstate", &state])
            .spawn()
            .unwrap();
        let tpm = Self { swtpm, dir };
        let begun = Instant::now();
        while UnixStream::connect(tpm.dir.path().join("control")).is_err() {
            assert!(begun.elapsed() < LONG, "swtpm does not listen");
            std::thread::yield_now();
        }
        tpm
    }

    /// QEMU's arguments for it; the backend is called `tpm`.
    pub(super) fn backend(&self) -> [String; 4] {
        let socket = self.dir.path().join("control");
        let chardev = format!("socket,id=control,path={}", socket.display());
        [
            "-chardev",
            &chardev,
            "-tpmdev",
            "emulator,id=tpm,chardev=control",
        ]
        .map(str::to_owned)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        self.swtpm.kill().unwrap();
        self.swtpm.wait().unwrap();
    }
}

fn listen(dir: &TempDir, name: &str) -> (UnixListener, String) {
    let path = dir.path().join(name);
    let socket = format!("unix:{}", path.display());
    (UnixListener::bind(path).unwrap(), socket)
}

fn accept(listener: &UnixListener) -> UnixStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}
