//! The output, shared between the lines that stay and those that are drawn again.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

/// Where there is no telling.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// A handle to the output; clones share it.
#[derive(Clone)]
pub(super) struct Screen {
    shared: Arc<Mutex<Shared>>,
    width: Option<u16>,
}

struct Shared {
    out: Box<dyn Write + Send>,
    /// What is drawn and not yet flushed: a whole frame is one write.
    frame: Vec<u8>,
}

impl Screen {
    pub(super) fn new(out: Box<dyn Write + Send>, width: Option<u16>) -> Self {
        let frame = Vec::new();
        Self {
            shared: Arc::new(Mutex::new(Shared { out, frame })),
            width,
        }
    }

    /// Writes a line that stays.
    pub(super) fn line(&self, line: &str) -> io::Result<()> {
        let mut shared = self.shared();
        shared.out.write_all(format!("{line}\n").as_bytes())?;
        shared.out.flush()
    }

    pub(super) fn columns(&self) -> usize {
        usize::from(self.width())
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        self.shared().frame.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// A number of steps in the direction of `letter`.
    fn step(&self, n: usize, letter: char) -> io::Result<()> {
        match n {
            0 => Ok(()),
            n => self.draw(&format!("\x1b[{n}{letter}")),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Bytes cannot be left half made by a thread that panicked.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.width
            .or_else(|| console::Term::stdout().size_checked().map(|size| size.1))
            .unwrap_or(COLUMNS)
    }

    fn height(&self) -> u16 {
        let size = console::Term::stdout().size_checked();
        size.map_or(ROWS, |size| size.0)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(text)?;
        // On a terminal in raw mode a newline alone does not return.
        self.draw("\r\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut shared = self.shared();
        let frame = std::mem::take(&mut shared.frame);
        shared.out.write_all(&frame)?;
        shared.out.flush()
    }
}
