//! Standard output.

use std::io::{self, IsTerminal, Write};

use crate::cli::Color;
use crate::failure::Failure;

/// Whether to use colours.
pub(crate) fn color(choice: Color) -> bool {
    let on = match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name| {
                std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
            };
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            !set("NO_COLOR") && (set("CLICOLOR_FORCE") || (io::stdout().is_terminal() && !dumb))
        }
    };
    console::set_colors_enabled(on);
    console::set_colors_enabled_stderr(on && io::stderr().is_terminal());
    on
}

/// Prints everything, or nothing when nobody reads any more: `vthost list | head` is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| Failure::system("write to standard output", &error)),
    }
}
