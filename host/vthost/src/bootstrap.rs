//! `vthost bootstrap`.

use vthost_job::NotReady;
use vthost_metadata::ExitCode;
use vthost_provider::Dirs;
use vthost_provider::bootstrap::{Progress, build_image};
use vthost_qemu::{Binary, accel};

use crate::cli::BootstrapArgs;
use crate::failure::Failure;

pub(crate) fn main(args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let binary = Binary::probe(None).map_err(NotReady::Qemu)?;
    say(
        "Found",
        &format!("QEMU {} ({})", binary.version(), binary.path().display()),
    );
    let usable = accel::usable();
    say("Using", &format!("{} ({})", usable.accel, usable.reason));
    build_image(&dirs, args.force, &mut |progress| match progress {
        Progress::Fresh(what) => say("Fresh", what),
        Progress::Started(what) => say("Building", &format!("{what} (about a minute and a half)")),
        Progress::Output(line) if args.verbose => eprintln!("{line}"),
        Progress::Output(line) => {
            // The recipe's own words are its progress; the tools it calls say too much.
            if let Some(step) = line.strip_prefix("jeos: ") {
                say("", &vthost_report::text::line(step));
            }
        }
        Progress::Finished(what, took) => {
            say(
                "Finished",
                &format!("{what} in {:.0} s", took.as_secs_f64()),
            );
        }
    })?;
    say("Ready", "run tests with: vthost run --provider PACK.wasm");
    Ok(ExitCode::Ok)
}

/// A line in the manner of cargo.
fn say(verb: &str, text: &str) {
    let green = console::Style::new().for_stderr().green().bold();
    eprintln!("{} {text}", green.apply_to(format!("{verb:>12}")));
}
