//! `vthost pack`.

use std::fmt::Write;
use std::path::Path;

use vthost_job::{Plan, Request};
use vthost_metadata::ExitCode;
use vthost_provider::pack::{self, CfgFile, PackSource};
use vthost_provider::{Dirs, Manifest, Pack, Provider, TestInfo};
use vthost_report::text::line;
use vthost_sandbox::{Sandbox, TestSpec};

use crate::cli::{PackArgs, PackCommand};
use crate::failure::Failure;
use crate::output;

pub(crate) fn main(args: PackArgs) -> Result<ExitCode, Failure> {
    match args.command {
        PackCommand::Build {
            component,
            output,
            name,
            pack_version,
            cfg,
        } => build(&component, &output, name, pack_version, cfg.as_deref()),
        PackCommand::Inspect { pack, json } => inspect(&pack, json),
    }
}

fn build(
    component: &Path,
    output: &Path,
    name: Option<String>,
    version: String,
    cfg: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let name = match name {
        Some(name) => name,
        None => output
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let bytes = pack::read_component(component)?;
    let sandbox = Sandbox::new(&Dirs::from_env()?.components())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the runtime", &error))?;
    let tests = runtime.block_on(sandbox.describe(&name, &bytes))?;
    let source = PackSource {
        name,
        version,
        tests: tests.into_iter().map(info).collect(),
        cfg: match cfg {
            Some(dir) => read_cfg(dir)?,
            None => Vec::new(),
        },
    };
    // Checked before it takes the place of an older one.
    let draft = output.with_added_extension("new");
    let made = make(component, source, &draft, output);
    if made.is_err() {
        // What went wrong is the error to tell, not that there was no draft yet.
        let _ = std::fs::remove_file(&draft);
    }
    let manifest = made?;
    let count = match manifest.tests.len() {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    };
    eprintln!(
        "{}: {} {}, {count}",
        output.display(),
        manifest.name,
        line(&manifest.version)
    );
    Ok(ExitCode::Ok)
}

fn make(
    component: &Path,
    source: PackSource,
    draft: &Path,
    output: &Path,
) -> Result<Manifest, Failure> {
    let manifest = pack::build(component, source, draft)?;
    check(draft)?;
    std::fs::rename(draft, output)
        .map_err(|error| Failure::system(&format!("write {}", output.display()), &error))?;
    Ok(manifest)
}

/// Expands the configuration of a new pack, so that its author hears of mistakes, and not its users.
fn check(output: &Path) -> Result<(), Failure> {
    let request = Request {
        providers: vec![Provider::open_pack(output)?],
        ..Request::default()
    };
    let plan = Plan::new(&request)?;
    match plan
        .tests
        .iter()
        .find_map(|test| Some((test, test.fault.as_ref()?)))
    {
        None => Ok(()),
        Some((test, fault)) => {
            let text = format!("the variant {}: {fault}", test.variant.name());
            Err(Failure::new(ExitCode::Usage, text))
        }
    }
}

fn info(test: TestSpec) -> TestInfo {
    TestInfo {
        name: test.name,
        summary: test.summary,
        tags: test.tags,
        needs: test.needs,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        ExitCode::Usage,
        format!("cannot read {}: {error}", path.display()),
    )
}

/// Every `.cfg` file of a directory, in the order of their names.
fn read_cfg(dir: &Path) -> Result<Vec<CfgFile>, Failure> {
    let entries = std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        if path.extension().is_some_and(|ending| ending == "cfg") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    if paths.is_empty() {
        let text = format!("there is no .cfg file in {}", dir.display());
        return Err(Failure::new(ExitCode::Usage, text));
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok(CfgFile {
                backend: "generic".to_owned(),
                name,
                text,
            })
        })
        .collect()
}

// Writing to a string does not fail.
fn inspect(path: &Path, json: bool) -> Result<ExitCode, Failure> {
    let pack = Pack::open(path)?;
    let manifest = &pack.manifest;
    let mut text = String::new();
    if json {
        let object = serde_json::json!({
            "manifest": manifest,
            "imports": pack.imports,
            "cfg": pack.cfg.iter().map(|file| &file.name).collect::<Vec<_>>(),
            "code_digest": pack.code_digest,
        });
        let _ = writeln!(text, "{object}");
    } else {
        let _ = writeln!(
            text,
            "{} {} ({})",
            manifest.name,
            line(&manifest.version),
            manifest.api
        );
        let _ = writeln!(text, "code:    sha256 {}", pack.code_digest);
        let _ = writeln!(text, "imports:");
        for import in &pack.imports {
            let grant = vthost_policy::GRANTS.iter().find(|grant| {
                grant.interface == Some(import.split('@').next().unwrap_or_default())
            });
            let note = match grant {
                Some(grant) => format!("    needs --grant {}", grant.name),
                None if vthost_policy::is_open_interface(import) => String::new(),
                None => "    not available".to_owned(),
            };
            let _ = writeln!(text, "  {}{note}", line(import));
        }
        let _ = writeln!(text, "configuration:");
        for file in &pack.cfg {
            let _ = writeln!(text, "  {} ({} bytes)", line(&file.name), file.text.len());
        }
        let _ = writeln!(text, "tests:");
        for test in &manifest.tests {
            let _ = writeln!(text, "  {:<24} {}", line(&test.name), line(&test.summary));
            for (what, words) in [("tags", &test.tags), ("needs", &test.needs)] {
                if !words.is_empty() {
                    let _ = writeln!(text, "  {:<24} {what}: {}", "", line(&words.join(" ")));
                }
            }
        }
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}
