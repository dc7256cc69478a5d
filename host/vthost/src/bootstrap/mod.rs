//! `vthost bootstrap`.

mod cli;
mod guest;
mod host;
mod show;
mod signals;

pub(crate) use cli::{BootstrapArgs, ReadyArgs};

use std::io::{self, BufRead, IsTerminal};

use vthost_metadata::ExitCode;
use vthost_provider::Dirs;
use vthost_provider::asset::Asset;
use vthost_provider::bootstrap::{BootstrapEvent, BootstrapOptions, is_interrupted, run};
use vthost_report::text;

use crate::failure::Failure;
use crate::output::{print, say};
use crate::settings::Settings;
use crate::sources;
use host::Host;
use show::Show;

pub(crate) fn main(args: &BootstrapArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let options = BootstrapOptions {
        vt_type: sources::backend(args.ready.vt_type.as_deref(), settings)?,
        downloads: settings.downloads() && !args.no_downloads,
        update_providers: args.update_providers,
        force: args.force,
        look: false,
    };
    signals::listen()?;
    let asks = !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
    let may_download = |asset: &Asset| !asks || ask(asset);
    take(&args.ready, settings, &options, args.verbose, &may_download)
}

/// Takes the steps, shows them, and says with which code to end.
pub(crate) fn take(
    args: &ReadyArgs,
    settings: &Settings,
    options: &BootstrapOptions,
    verbose: bool,
    may_download: &dyn Fn(&Asset) -> bool,
) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let guest_os = args.guest_os.clone().or_else(|| settings.guest_os());
    let images = guest::images(
        &dirs,
        &options.vt_type,
        guest_os.as_deref(),
        &settings.choices(),
    );
    let images = match images {
        // A mistake in the configuration is step 5's to tell; all other steps can be taken.
        Err(failure) if failure.code() == ExitCode::Usage => Vec::new(),
        images => images?,
    };
    let mut host = Host {
        dirs: &dirs,
        qemu: settings.qemu_binary(),
        vt_type: &options.vt_type,
        images,
        downloads: options.downloads,
        may_download,
    };
    let mut show = Show::new(verbose);
    let mut printed = Ok(());
    let steps = run(&dirs, options, &mut host, &mut |event| {
        show.event(event);
        if let BootstrapEvent::Finished(step) = event
            && args.json
            && printed.is_ok()
        {
            printed = serde_json::to_string(step)
                .map_err(|error| Failure::system("write JSON", &error.into()))
                .and_then(|json| print(format!("{json}\n").as_bytes()));
        }
    });
    printed?;
    if is_interrupted() {
        return Ok(ExitCode::Interrupted);
    }
    show::summary(&steps)
}

/// Whether the operator at the terminal wants a download. Return means yes.
fn ask(asset: &Asset) -> bool {
    let from = asset.urls.first().map_or("", |url| url.as_str());
    say(
        "Question",
        &text::line(&format!("download {} from {from}? [Y/n]", asset.title)),
    );
    loop {
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        match answer.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => return true,
            "n" | "no" => return false,
            _ => say("Question", "yes or no?"),
        }
    }
}
