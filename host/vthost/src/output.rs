//! Standard output.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use crate::cli::Color;
use crate::failure::Failure;

/// Whether to use colours on standard output. Each stream is decided for itself: one may be a terminal, and the other
/// a file.
pub(crate) fn color(choice: Color) -> bool {
    let is_on = |is_terminal: bool| match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let given = |name| std::env::var_os(name).filter(|value| !value.is_empty());
            let forced = given("CLICOLOR_FORCE").is_some_and(|value| value != "0");
            let dumb = given("TERM").is_some_and(|term| term == "dumb");
            // Any value of NO_COLOR means it, `0` too.
            given("NO_COLOR").is_none() && (forced || (is_terminal && !dumb))
        }
    };
    let on = is_on(io::stdout().is_terminal());
    console::set_colors_enabled(on);
    console::set_colors_enabled_stderr(is_on(io::stderr().is_terminal()));
    on
}

/// A line on standard error. Nobody may be reading it, which is no reason to stop.
macro_rules! tell {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        // There is no other place to say that this one is gone.
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}
pub(crate) use tell;

/// A line of progress in the manner of cargo, on standard error.
pub(crate) fn say(verb: &str, text: &str) {
    let green = console::Style::new().for_stderr().green().bold();
    tell!("{} {text}", green.apply_to(format!("{verb:>12}")));
}

/// Prints everything, or nothing when nobody reads any more: `vthost list | head` is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    still_read(out.write_all(bytes).and_then(|()| out.flush())).map(|_| ())
}

/// Whether whoever reads standard output may want more after this.
fn still_read(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::system("write to standard output", &error)),
    }
}

/// Standard output for what is made bit by bit and may be long.
pub(crate) struct Lines {
    out: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
}

impl Lines {
    pub(crate) fn new() -> Self {
        let out = io::stdout().lock();
        Self {
            is_terminal: out.is_terminal(),
            out: BufWriter::with_capacity(64 << 10, out),
        }
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Writes whole lines; `false` when nobody reads any more. A person sees them at once.
    pub(crate) fn write(&mut self, lines: &str) -> Result<bool, Failure> {
        let written = self.out.write_all(lines.as_bytes());
        match self.is_terminal {
            true => still_read(written.and_then(|()| self.out.flush())),
            false => still_read(written),
        }
    }

    /// Writes what is kept back.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        still_read(self.out.flush()).map(|_| ())
    }
}
