//! `vthost asset`.

mod bar;

pub(crate) use bar::Bar;

use clap::{Args, Subcommand};
use vthost_metadata::{AssetEntry, ExitCode};
use vthost_provider::Dirs;
use vthost_provider::asset::{Asset, Catalog, Limits, fetch, usable};
use vthost_report::text;

use crate::failure::Failure;
use crate::output::{print, say};

#[derive(Debug, Args)]
pub(crate) struct AssetArgs {
    #[command(subcommand)]
    command: AssetCommand,
}

#[derive(Debug, Subcommand)]
enum AssetCommand {
    /// Show what can be downloaded, and what is there
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Download, check and uncompress files, unless they are there
    Fetch {
        /// The names of the assets, as `vthost asset list` shows them
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Download them even if they are there
        #[arg(long)]
        force: bool,
        /// Print one JSON object for each
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn main(args: &AssetArgs) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let catalog = Catalog::load(&dirs);
    match &args.command {
        AssetCommand::List { json } => list(&dirs, &catalog, *json),
        AssetCommand::Fetch { names, force, json } => {
            // A wrong name is told before anything is downloaded.
            let assets = names
                .iter()
                .map(|name| catalog.get(name))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|unknown| match mistakes(&catalog) {
                    // It may be defined where the mistake is.
                    Err(mistaken) => mistaken,
                    Ok(()) => unknown.into(),
                })?;
            for asset in assets {
                get(&dirs, asset, *force, *json)?;
            }
            Ok(ExitCode::Ok)
        }
    }
}

fn list(dirs: &Dirs, catalog: &Catalog, json: bool) -> Result<ExitCode, Failure> {
    let width = catalog.iter().map(|asset| asset.name.len()).max();
    let mut lines = String::new();
    for asset in catalog.iter() {
        let entry = entry(dirs, asset);
        if json {
            lines += &to_json(&entry)?;
        } else {
            let state = match entry.present {
                true => "there",
                false => "missing",
            };
            lines += &format!(
                "{:width$}  {state:7}  {}\n",
                entry.name,
                text::line(&entry.title),
                width = width.unwrap_or_default(),
            );
        }
    }
    print(lines.as_bytes())?;
    mistakes(catalog)?;
    Ok(ExitCode::Ok)
}

/// The mistakes in definitions, as a failure if there are any.
fn mistakes(catalog: &Catalog) -> Result<(), Failure> {
    let told: Vec<_> = catalog.mistakes().iter().map(ToString::to_string).collect();
    match told.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(ExitCode::Usage, told.join("\n"))),
    }
}

fn get(dirs: &Dirs, asset: &Asset, force: bool, json: bool) -> Result<(), Failure> {
    let mut bar = Bar::new(&asset.name);
    let fetched = fetch(dirs, asset, force, &Limits::default(), &mut |event| {
        bar.event(event);
    });
    drop(bar);
    let fetched = fetched?;
    let verb = match fetched.fresh {
        true => "Fresh",
        false => "Fetched",
    };
    say(verb, &text::line(&fetched.path.display().to_string()));
    if json {
        print(to_json(&entry(dirs, asset))?.as_bytes())?;
    }
    Ok(())
}

fn entry(dirs: &Dirs, asset: &Asset) -> AssetEntry {
    let file = dirs.data.join(asset.result());
    AssetEntry {
        name: asset.name.clone(),
        title: asset.title.clone(),
        present: usable(&file).unwrap_or(false),
        file: file.display().to_string(),
        urls: asset.urls.iter().map(ToString::to_string).collect(),
        defined: asset.defined.clone(),
    }
}

fn to_json(entry: &AssetEntry) -> Result<String, Failure> {
    serde_json::to_string(entry)
        .map(|json| json + "\n")
        .map_err(|error| Failure::system("write JSON", &error.into()))
}
