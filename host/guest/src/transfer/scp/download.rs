//! A tree from the guest by `scp -f`.

use std::path::Path;

use super::{LONGEST_LINE, quoted, refused, unquoted_wildcards};
use crate::ssh::SshConnection;
use crate::transfer::channel::Program;
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{joined, shown, split_last};
use crate::transfer::options::{Carrier, Symlinks};
use crate::transfer::pattern::{self, Part, Pattern};
use crate::transfer::sink::Sink;
use crate::transfer::source::Stat;

/// Copies `remote`, a path or pattern, to `local`, or into the `sink` that another carrier has opened for it.
///
/// OpenSSH sends a name with a line end in it in an encoding that cannot be told from a name that looks so; it is stored as
/// it comes.
pub(crate) async fn download(
    connection: &SshConnection,
    remote: &[u8],
    (local, sink): (&Path, Option<Sink>),
    meter: &mut Meter,
) -> Result<()> {
    if meter.options.symlinks == Symlinks::Keep {
        return Err(TransferFault::Unsupported {
            carrier: Carrier::Scp,
            operation: "copy symbolic links from a guest",
        });
    }
    let path = if remote.is_empty() { b"." } else { remote };
    let pattern = pattern::parse(path)?;
    let program = connection.open_program(command(path, pattern.as_ref(), meter));
    let mut program = meter.answer("the start of scp", program).await?;
    let pattern = match pattern {
        Some(pattern) if is_pattern(&mut program, meter).await? => Some(pattern),
        _ => None,
    };
    let mut sink = match sink {
        Some(sink) => sink,
        None => Sink::open(local, pattern.is_some())?,
    };
    let expected = match pattern.and_then(|mut pattern| pattern.parts.pop()) {
        Some(part) => part,
        None => Part::Plain(split_last(path).1.to_vec()),
    };
    let mut copy = Copy {
        program: &mut program,
        sink: &mut sink,
        meter,
        expected,
        path: Vec::new(),
    };
    copy.run(remote).await
}

/// The command for the guest's shell. A path that exists is taken as it is, whatever characters it has; where there are
/// wildcards the first line of output says which of the two it was.
fn command(path: &[u8], pattern: Option<&Pattern>, meter: &Meter) -> Vec<u8> {
    let plain = quoted(path);
    let scp: &[u8] = if meter.options.times {
        b"exec scp -r -p -f "
    } else {
        b"exec scp -r -f "
    };
    let Some(pattern) = pattern else {
        return [scp, &plain].concat();
    };
    let wild = unquoted_wildcards(path, pattern);
    let if_exists = [b"if [ -e ", &plain[..], b" ]; then echo path; "].concat();
    [
        &if_exists,
        scp,
        &plain,
        b"; else echo pattern; ",
        scp,
        &wild,
        b"; fi",
    ]
    .concat()
}

async fn is_pattern(program: &mut Program, meter: &Meter) -> Result<bool> {
    let line = program.line(LONGEST_LINE);
    let line = meter.answer("the look at the source", line).await?;
    match line.as_slice() {
        b"pattern" => Ok(true),
        b"path" => Ok(false),
        _ => Err(TransferFault::protocol(format!(
            "{:?} for the kind of the source",
            shown(&line)
        ))),
    }
}

struct Copy<'a> {
    program: &'a mut Program,
    sink: &'a mut Sink,
    meter: &'a mut Meter,
    /// What names at the top must look like: a guest must not choose them.
    expected: Part,
    /// The path below the top.
    path: Vec<Vec<u8>>,
}

/// A line that announces a file or directory.
#[derive(Debug, PartialEq, Eq)]
struct Announcement {
    mode: u32,
    size: u64,
    name: Vec<u8>,
}

impl Copy<'_> {
    async fn run(&mut self, remote: &[u8]) -> Result<()> {
        let (mut entries, mut mtime) = (0_u64, None);
        self.program.send(&[0]).await?;
        loop {
            let time = self.meter.options.operation_timeout;
            let next = tokio::time::timeout(time, self.program.byte()).await;
            let Ok(next) = next else {
                return Err(self.stalled());
            };
            let Some(kind) = next else {
                return self.ended(remote, entries).await;
            };
            let line = self.line().await?;
            match kind {
                b'T' => mtime = Some(mtime_of(&line)?),
                b'C' => {
                    let announced = announcement(&line)?;
                    self.file(announced, mtime.take()).await?;
                    entries += 1;
                }
                b'D' => {
                    let announced = announcement(&line)?;
                    self.enter(announced, mtime.take())?;
                    entries += 1;
                }
                b'E' => {
                    self.path.pop();
                    self.sink.leave()?;
                }
                1 | 2 => {
                    let reason = shown(&line);
                    let missing = entries == 0 && reason.ends_with("No such file or directory");
                    return Err(if missing {
                        let pattern = shown(remote);
                        TransferFault::NothingFound { pattern }
                    } else {
                        refused("copy", remote, &reason)
                    });
                }
                _ => {
                    let reason = "a message that scp does not have";
                    return Err(TransferFault::protocol(reason));
                }
            }
            self.program.send(&[0]).await?;
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>> {
        let line = self.program.line(LONGEST_LINE);
        self.meter.answer("the next message of scp", line).await
    }

    async fn ended(&mut self, remote: &[u8], entries: u64) -> Result<()> {
        let status = self.program.status().await;
        if status == Some(0) && self.path.is_empty() {
            return match entries {
                0 => Err(TransferFault::NothingFound {
                    pattern: shown(remote),
                }),
                _ => Ok(()),
            };
        }
        Err(self.program.lost("scp ended before the copy did"))
    }

    fn enter(&mut self, announced: Announcement, mtime: Option<u32>) -> Result<()> {
        let stat = self.admit(&announced, mtime)?;
        self.sink.enter(&announced.name, stat)?;
        self.meter.progress.directories += 1;
        self.path.push(announced.name);
        Ok(())
    }

    async fn file(&mut self, announced: Announcement, mtime: Option<u32>) -> Result<()> {
        let stat = self.admit(&announced, mtime)?;
        let dir = self.path.join(&b'/');
        self.meter.begin(&joined(&dir, &announced.name));
        let mut part = self.sink.create(&announced.name)?;
        self.program.send(&[0]).await?;
        let mut left = announced.size;
        while left > 0 {
            let limit = usize::try_from(left).unwrap_or(usize::MAX);
            let data = self.program.some(limit);
            let data = self.meter.answer("the content of a file", data).await?;
            left -= data.len() as u64;
            part.write(&data).await?;
            self.meter.moved(data.len()).await?;
        }
        let done = super::acknowledged(self.program, "read", &announced.name);
        self.meter.answer("the end of a file", done).await?;
        part.finish(stat).await?;
        self.meter.file_done();
        Ok(())
    }

    /// Checks what the guest is about to send.
    fn admit(&mut self, announced: &Announcement, mtime: Option<u32>) -> Result<Stat> {
        self.meter.entry(self.path.len())?;
        if self.path.is_empty() {
            let asked_for = match &self.expected {
                Part::Plain(name) if matches!(name.as_slice(), b"" | b"." | b"..") => true,
                Part::Plain(name) => *name == announced.name,
                Part::Wild(wild) => wild.matches(&announced.name),
            };
            if !asked_for {
                return Err(TransferFault::Name {
                    name: shown(&announced.name),
                    reason: "was not asked for",
                });
            }
        }
        Ok(Stat {
            mode: self.meter.options.modes.then_some(announced.mode),
            mtime: mtime.filter(|_| self.meter.options.times),
        })
    }

    fn stalled(&self) -> TransferFault {
        TransferFault::Stalled {
            operation: "the next message of scp",
            timeout: self.meter.options.operation_timeout,
        }
    }
}

/// Parses `0644 1234 name`.
fn announcement(line: &[u8]) -> Result<Announcement> {
    let broken = || TransferFault::protocol(format!("{:?} announces no file", shown(line)));
    let mut fields = line.splitn(3, |b| *b == b' ');
    let mut field = || fields.next().ok_or_else(broken);
    let (mode, size, name) = (field()?, field()?, field()?);
    let mode = std::str::from_utf8(mode).ok();
    let size = std::str::from_utf8(size).ok();
    Ok(Announcement {
        mode: mode
            .and_then(|mode| u32::from_str_radix(mode, 8).ok())
            .ok_or_else(broken)?,
        size: size.and_then(|size| size.parse().ok()).ok_or_else(broken)?,
        name: name.to_vec(),
    })
}

/// Parses `1700000000 0 1700000000 0`, modification first.
fn mtime_of(line: &[u8]) -> Result<u32> {
    let first = line.split(|b| *b == b' ').next();
    let seconds = first.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    seconds.ok_or_else(|| TransferFault::protocol(format!("{:?} is no time", shown(line))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements() {
        let good = announcement(b"0644 12 a name").unwrap();
        let expected = Announcement {
            mode: 0o644,
            size: 12,
            name: b"a name".to_vec(),
        };
        assert_eq!(good, expected);
        for bad in [
            &b""[..],
            b"0644",
            b"0644 1",
            b"0999 1 a",
            b"0644 -1 a",
            b"0644 99999999999999999999 a",
            b"\xff 1 a",
        ] {
            let error = announcement(bad).unwrap_err();
            assert!(matches!(error, TransferFault::Protocol { .. }), "{error}");
        }
        assert_eq!(mtime_of(b"17 0 18 0").unwrap(), 17);
        assert!(mtime_of(b"x 0").is_err());
    }
}
