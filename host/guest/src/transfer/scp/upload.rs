//! A tree to the guest by `scp -t`.
//!
//! `scp` writes under the final name, so files go to a hidden directory beside the target first, under numbers; when all are
//! there, a script in the guest makes the directories and moves each file to its place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tokio::io::AsyncReadExt;

use super::{acknowledged, quoted, refused};
use crate::ssh::SshConnection;
use crate::transfer::channel::Program;
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{joined, part_name, split_last};
use crate::transfer::source::{self, Item, Plan, Stat};

/// A file is read and sent in pieces of this size.
const PIECE: usize = 64 * 1024;

/// Sends all of a plan to `remote`.
pub(crate) async fn upload(
    connection: &SshConnection,
    plan: Plan,
    remote: &[u8],
    meter: &mut Meter,
) -> Result<()> {
    let remote = if remote.is_empty() { b"." } else { remote };
    let (parent, name) = split_last(remote);
    let hidden = part_name();
    let mut job = Upload {
        connection,
        remote,
        staging: joined(parent, hidden.as_bytes()),
    };
    match job.prepare(&hidden, plan.many, meter).await?.as_slice() {
        b"into" => {
            job.staging = joined(remote, hidden.as_bytes());
            job.through_staging(&plan, remote, None, meter).await
        }
        b"as" => job.through_staging(&plan, parent, Some(name), meter).await,
        b"special" => job.write_to_special(&plan, meter).await,
        _ => Err(TransferFault::protocol(
            "an answer that the script does not have",
        )),
    }
}

struct Upload<'a> {
    connection: &'a SshConnection,
    remote: &'a [u8],
    staging: Vec<u8>,
}

impl Upload<'_> {
    /// Finds out what the target is and makes the hidden directory.
    async fn prepare(&self, hidden: &str, many: bool, meter: &Meter) -> Result<Vec<u8>> {
        let (target, beside) = (quoted(self.remote), quoted(&self.staging));
        let inside = quoted(&joined(self.remote, hidden.as_bytes()));
        let make: &[u8] = if many || self.remote.ends_with(b"/") {
            b"true"
        } else {
            b"false"
        };
        let script = [
            b"set -e; umask 077; t=",
            &target[..],
            b"\n",
            b"if [ ! -e \"$t\" ] && ",
            make,
            b"; then mkdir \"$t\"; chmod 755 \"$t\"; fi\n",
            b"if [ -d \"$t\" ]; then mkdir ",
            &inside,
            b"; echo into\n",
            b"elif ",
            make,
            b"; then echo 'it is no directory' >&2; exit 1\n",
            b"elif [ -e \"$t\" ] && [ ! -f \"$t\" ]; then echo special\n",
            b"else mkdir ",
            &beside,
            b"; echo as; fi\n",
        ]
        .concat();
        let mut program = self.script(meter).await?;
        program.send(&script).await?;
        program.end_input().await?;
        let answer = async {
            match program.line(64).await {
                Ok(line) => Ok(line),
                Err(lost) => self.refusal(&mut program).await.and(Err(lost)),
            }
        };
        meter.answer("the preparation of the target", answer).await
    }

    async fn through_staging(
        &self,
        plan: &Plan,
        base: &[u8],
        top: Option<&[u8]>,
        meter: &mut Meter,
    ) -> Result<()> {
        let copied = match self.fill(plan, meter).await {
            Ok(()) => self.settle(plan, base, top, meter).await,
            Err(fault) => Err(fault),
        };
        if copied
            .as_ref()
            .is_err_and(TransferFault::leaves_a_connection)
        {
            // The error that counts is the first one.
            let command = [b"rm -rf ", &quoted(&self.staging)[..]].concat();
            let removal = async { Ok(self.connection.open_program(command).await?.status().await) };
            let _ = meter.answer("the removal of what was sent", removal).await;
        }
        copied
    }

    /// Sends the content of all files, under their numbers.
    async fn fill(&self, plan: &Plan, meter: &mut Meter) -> Result<()> {
        let mut scp = self.scp(&self.staging, meter).await?;
        for (number, item) in plan.items.iter().enumerate() {
            if let Item::File { path, stat, .. } = item {
                send_file(&mut scp, path, number, *stat, meter).await?;
                meter.file_done();
            }
        }
        scp.end_input().await?;
        match scp.status().await {
            Some(0) => Ok(()),
            _ => Err(scp.lost("scp ended before the copy did")),
        }
    }

    async fn write_to_special(&self, plan: &Plan, meter: &mut Meter) -> Result<()> {
        let [Item::File { path, .. }] = plan.items.as_slice() else {
            let operation = "put a directory in place of";
            return Err(refused(operation, self.remote, "it is a device"));
        };
        let mut scp = self.scp(self.remote, meter).await?;
        send_file(&mut scp, path, 0, Stat::default(), meter).await?;
        meter.file_done();
        Ok(())
    }

    /// Moves everything from the hidden directory to its place.
    async fn settle(
        &self,
        plan: &Plan,
        base: &[u8],
        top: Option<&[u8]>,
        meter: &mut Meter,
    ) -> Result<()> {
        let mut program = self.script(meter).await?;
        program.send(SETTLE).await?;
        let mut dirs = vec![(base.to_vec(), Stat::default())];
        for (number, item) in plan.items.iter().enumerate() {
            let here = dirs.last().map_or(base, |(dir, _)| dir.as_slice());
            let place = |name: &OsStr| match top {
                Some(top) if dirs.len() == 1 => joined(here, top),
                _ => joined(here, name.as_bytes()),
            };
            let line = match item {
                Item::Enter { name, stat } => {
                    let path = place(name);
                    let line = call(b"dir", &[&quoted(&path)]);
                    meter.progress.directories += 1;
                    dirs.push((path, *stat));
                    line
                }
                Item::Leave => match dirs.pop() {
                    Some((path, stat)) => attributes(&path, stat),
                    None => Vec::new(),
                },
                Item::File { name, stat, .. } => {
                    let sent = joined(&self.staging, number.to_string().as_bytes());
                    let mut line = attributes(&sent, *stat);
                    line.extend(call(b"file", &[&quoted(&sent), &quoted(&place(name))]));
                    line
                }
                Item::Link { name, target } => {
                    meter.progress.links += 1;
                    let mut word = Vec::new();
                    super::append_quoted(&mut word, target.as_bytes());
                    call(b"link", &[&word, &quoted(&place(name))])
                }
            };
            let sent = program.send(&line);
            meter.answer("a step of the script", sent).await?;
        }
        program
            .send(&call(b"rmdir", &[&quoted(&self.staging)]))
            .await?;
        program.end_input().await?;
        self.refusal(&mut program).await
    }

    /// The error of a script that failed; `Ok` if it did not.
    async fn refusal(&self, program: &mut Program) -> Result<()> {
        match program.status().await {
            Some(0) => Ok(()),
            Some(_) => Err(refused("write", self.remote, &program.errors())),
            None => Err(program.lost("the shell ended before the copy did")),
        }
    }

    async fn script(&self, meter: &Meter) -> Result<Program> {
        let program = self.connection.open_program(b"exec sh -s".to_vec());
        meter.answer("the start of a shell", program).await
    }

    async fn scp(&self, target: &[u8], meter: &Meter) -> Result<Program> {
        let command = [b"exec scp -t ", &quoted(target)[..]].concat();
        let start = async {
            let mut program = self.connection.open_program(command).await?;
            acknowledged(&mut program, "start scp for", target).await?;
            Ok(program)
        };
        meter.answer("the start of scp", start).await
    }
}

/// What the script that settles everything can do. A directory in the place of a file would take it in.
const SETTLE: &[u8] = b"set -e\n\
dir() { [ -d \"$1\" ] || mkdir \"$1\"; }\n\
link() { if [ -h \"$2\" ]; then rm -f \"$2\"; fi; ln -s \"$1\" \"$2\"; }\n\
file() {\n\
if [ -d \"$2\" ]; then echo \"$2: is a directory\" >&2; exit 1; fi\n\
if [ -h \"$2\" ]; then mv -f \"$1\" \"$(readlink -f \"$2\")\"; else mv -f \"$1\" \"$2\"; fi\n\
}\n";

fn call(function: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut line = function.to_vec();
    for word in words {
        line.push(b' ');
        line.extend_from_slice(word);
    }
    line.push(b'\n');
    line
}

fn attributes(path: &[u8], stat: Stat) -> Vec<u8> {
    let mut line = Vec::new();
    if let Some(mode) = stat.mode {
        let mode = format!("{mode:o}");
        line = call(b"chmod", &[mode.as_bytes(), &quoted(path)]);
    }
    if let Some(mtime) = stat.mtime {
        let time = format!("@{mtime}");
        line.extend(call(b"touch -d", &[time.as_bytes(), &quoted(path)]));
    }
    line
}

async fn send_file(
    scp: &mut Program,
    path: &Path,
    number: usize,
    stat: Stat,
    meter: &mut Meter,
) -> Result<()> {
    let name = path.as_os_str().as_bytes();
    let mut file = source::open(path).await?;
    let meta = file.metadata().await;
    let mut left = meta.map_err(TransferFault::local("look at", path))?.len();
    meter.begin(name);
    // The real one is set when all is there.
    let mode = stat.mode.map_or(0o644, |_| 0o600);
    scp.send(format!("C{mode:04o} {left} {number}\n").as_bytes())
        .await?;
    let taken = acknowledged(scp, "create", name);
    meter.answer("the name of a file", taken).await?;
    let mut piece = vec![0; PIECE];
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = file.read(&mut piece[..room]).await;
        let length = read.map_err(TransferFault::local("read", path))?;
        if length == 0 {
            let shrunk = std::io::Error::other("it became shorter while it was sent");
            return Err(TransferFault::local("read", path)(shrunk));
        }
        let sent = scp.send(&piece[..length]);
        meter.answer("the content of a file", sent).await?;
        left -= length as u64;
        meter.moved(length).await?;
    }
    scp.send(&[0]).await?;
    let taken = acknowledged(scp, "write", name);
    meter.answer("the end of a file", taken).await
}
