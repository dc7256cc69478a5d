//! Locks between processes: who comes second waits, and can say for whom.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// A lock that is held until it is dropped, or until its process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of that file, which is made if it is not there. If another process holds it, `waiting` is told
    /// who, and the call blocks until that process is done.
    pub(crate) fn acquire(path: &Path, waiting: &mut dyn FnMut(&str)) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may just be writing; then it stays unnamed.
                let _ = (&file).take(64).read_to_string(&mut holder);
                waiting(match holder.trim() {
                    "" => "another vthost",
                    holder => holder,
                });
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.rewind()?;
        file.set_len(0)?;
        writeln!(file, "vthost, process {}", std::process::id())?;
        Ok(Self { file })
    }

    /// Lets the programs that are started from now on hold the lock, too: it is free when the last of them has ended.
    pub(crate) fn leave_to_children(&self) -> io::Result<()> {
        rustix::io::fcntl_setfd(&self.file, rustix::io::FdFlags::empty())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_second_is_told_for_whom_it_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::acquire(&path, &mut |_| panic!("nobody else is there")).unwrap();
        let (sender, receiver) = mpsc::channel();
        let second = std::thread::spawn(move || {
            Lock::acquire(&path, &mut |holder| sender.send(holder.to_owned()).unwrap()).unwrap();
        });
        let holder = receiver.recv().unwrap();
        assert_eq!(holder, format!("vthost, process {}", std::process::id()));
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap();
    }
}
