//! `vthost pack build`.

use std::path::{Path, PathBuf};

use vthost_job::{Plan, Request};
use vthost_metadata::ExitCode;
use vthost_provider::pack::{self, CargoPackage, Component, PackLimits, PackSource, Project};
use vthost_provider::{Dirs, Manifest, Provider, TestInfo};
use vthost_report::text::line;
use vthost_sandbox::{Limits, Sandbox, TestSpec};

use super::cli::BuildArgs;
use crate::failure::Failure;
use crate::output::say;

/// The version of a pack that says none.
const NO_VERSION: &str = "0.0.0";

pub(super) fn main(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let inputs = inputs(args)?;
    let component = Component::read(&inputs.component)?;
    let tests = describe(&inputs.name, &component)?;
    let file = &inputs.project.file;
    check_limits(file.limits)?;
    let source = PackSource {
        name: inputs.name,
        version: inputs.version,
        tests,
        capabilities: file.capabilities.clone(),
        limits: file.limits,
        cfg: inputs.project.cfg()?,
        deps: inputs.project.deps()?,
    };
    let manifest = make(&component, source, &inputs.output)?;
    for asked in manifest
        .capabilities
        .iter()
        .filter(|asked| asked.reason.is_none())
    {
        let yellow = console::Style::new().for_stderr().yellow().bold();
        crate::output::tell!(
            "{} the pack asks for the grant `{}` without a reason; give one in pack.toml below [capabilities]",
            yellow.apply_to("warning:"),
            line(&asked.grant)
        );
    }
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    say(
        "Packed",
        &format!(
            "{} {} ({}, {}) to {}",
            manifest.name,
            line(&manifest.version),
            count(manifest.tests.len(), "test"),
            count(manifest.cfg.len() + manifest.deps.len(), "file"),
            inputs.output.display()
        ),
    );
    Ok(ExitCode::Ok)
}

/// What a pack is made of, and where it goes.
struct Inputs {
    component: PathBuf,
    name: String,
    version: String,
    output: PathBuf,
    project: Project,
}

fn inputs(args: &BuildArgs) -> Result<Inputs, Failure> {
    let is_dir = args.source.is_dir();
    let mut project = if is_dir {
        Project::open(&args.source)?
    } else {
        Project {
            dir: PathBuf::new(),
            file: pack::ProjectFile::default(),
        }
    };
    // What is named on the command line is relative to where it is called, not to the directory.
    let named = |path: &Option<PathBuf>| path.as_ref().map(std::path::absolute).transpose();
    let here = |error| Failure::system("find the current directory", &error);
    let file = &mut project.file;
    file.cfg = named(&args.cfg).map_err(here)?.or(file.cfg.take());
    file.deps = named(&args.deps).map_err(here)?.or(file.deps.take());
    file.name = args.name.clone().or(file.name.take());
    file.version = args.pack_version.clone().or(file.version.take());
    if !is_dir {
        // The files beside a component are nobody's: only what is named belongs to it.
        let output = args.output.clone().ok_or_else(|| {
            let text = "a component becomes a pack of another name: say which by --output";
            Failure::new(ExitCode::Usage, text)
        })?;
        let name = project.file.name.clone().unwrap_or_else(|| stem(&output));
        let version = project.file.version.clone();
        return Ok(Inputs {
            component: args.source.clone(),
            name,
            version: version.unwrap_or_else(|| NO_VERSION.to_owned()),
            output,
            project,
        });
    }
    let ready = match &args.component {
        Some(component) => Some(component.clone()),
        None => project.component()?,
    };
    let known = (&project.file.name, &project.file.version, &args.output);
    let package = match (&ready, known) {
        // Nothing is left to ask.
        (Some(_), (Some(_), Some(_), Some(_))) => None,
        _ if args.source.join("Cargo.toml").is_file() => Some(CargoPackage::open(&args.source)?),
        _ => None,
    };
    let of_cargo = |get: fn(&CargoPackage) -> String| package.as_ref().map(get);
    let name = project
        .file
        .name
        .clone()
        .or_else(|| of_cargo(|package| package.name().to_owned()))
        .unwrap_or_else(|| stem(&std::path::absolute(&args.source).unwrap_or_default()));
    let version = project
        .file
        .version
        .clone()
        .or_else(|| of_cargo(CargoPackage::version))
        .unwrap_or_else(|| NO_VERSION.to_owned());
    let component = match (ready, &package) {
        (Some(component), _) => component,
        (None, Some(package)) => {
            say("Building", &format!("{name} {version} for wasm32-wasip2"));
            package.compile()?
        }
        (None, None) => return Err(pack::ProjectError::Nothing { path: project.dir }.into()),
    };
    let output = args.output.clone().unwrap_or_else(|| {
        let dir = package
            .as_ref()
            .map_or(args.source.clone(), CargoPackage::packs);
        dir.join(format!("{name}.wasm"))
    });
    if let (Ok(output), Ok(component)) = (output.canonicalize(), component.canonicalize())
        && output == component
    {
        let text = format!(
            "the pack {name} would take the place of its own component {}; choose another place by --output",
            component.display()
        );
        return Err(Failure::new(ExitCode::Usage, text));
    }
    Ok(Inputs {
        component,
        name,
        version,
        output,
        project,
    })
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Asks the component for its tests.
fn describe(name: &str, component: &Component) -> Result<Vec<TestInfo>, Failure> {
    let sandbox = Sandbox::new(&Dirs::from_env()?.components())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the runtime", &error))?;
    let tests = runtime.block_on(sandbox.describe(name, component.bytes()))?;
    let info = |test: TestSpec| TestInfo {
        name: test.name,
        summary: test.summary,
        tags: test.tags,
        needs: test.needs,
    };
    Ok(tests.into_iter().map(info).collect())
}

/// A pack that says that it needs more than it will get would fail when it runs.
fn check_limits(asked: PackLimits) -> Result<(), Failure> {
    let host = Limits::default();
    let bounds = [
        ("memory-mib", asked.memory, host.memory as u64, 1 << 20),
        (
            "deadline-seconds",
            asked.deadline,
            host.deadline.as_secs(),
            1,
        ),
        ("log-mib", asked.log, host.log as u64, 1 << 20),
    ];
    for (key, asked, given, unit) in bounds {
        if let Some(asked) = asked.filter(|asked| *asked > given || *asked == 0) {
            let text = format!(
                "pack.toml sets {key} = {}; a test can have from 1 to {}",
                asked / unit,
                given / unit
            );
            return Err(Failure::new(ExitCode::Usage, text));
        }
    }
    Ok(())
}

/// Writes the pack beside its place, and checks it before it takes the place of an older one.
fn make(component: &Component, source: PackSource, output: &Path) -> Result<Manifest, Failure> {
    let draft = output.with_added_extension("new");
    let made = pack::build(component, source, &draft)
        .map_err(Failure::from)
        .and_then(|manifest| check(&draft).map(|()| manifest))
        .and_then(|manifest| {
            std::fs::rename(&draft, output)
                .map_err(|error| Failure::system(&format!("write {}", output.display()), &error))?;
            Ok(manifest)
        });
    if made.is_err() {
        // What went wrong is the error to tell, not that there was no draft yet.
        let _ = std::fs::remove_file(&draft);
    }
    made
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
