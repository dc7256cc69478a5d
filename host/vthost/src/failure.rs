//! What goes wrong in front of a user, and the exit code that answers it.

use std::error::Error;
use std::io;

use vthost_job::{JobError, NotReady, PlanError};
use vthost_metadata::ExitCode;
use vthost_provider::asset::{AssetError, UnknownAsset};
use vthost_provider::pack::{CargoError, ProjectError, SignatureError, TemplateError};
use vthost_provider::{
    CfgError, DumpError, LayoutError, NoHome, PackError, ProviderError, SelectError,
};
use vthost_report::ReportError;
use vthost_sandbox::SandboxError;

/// A failure: its exit code, and what is printed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ExitCode,
    text: String,
    causes: Vec<String>,
}

impl Failure {
    /// A failure with a text of its own.
    pub(crate) fn new(code: ExitCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            causes: Vec::new(),
        }
    }

    fn of(code: ExitCode, error: &(dyn Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        Self {
            code,
            text: error.to_string(),
            causes,
        }
    }

    /// With one more cause, behind those that it has.
    pub(crate) fn with_cause(mut self, cause: String) -> Self {
        self.causes.push(cause);
        self
    }

    /// A failure of the system: what was tried, and what it said.
    pub(crate) fn system(tried: &str, error: &io::Error) -> Self {
        Self {
            code: ExitCode::JobFailed,
            text: format!("cannot {tried}"),
            causes: vec![error.to_string()],
        }
    }

    /// The answer to the caller of the process.
    pub(crate) fn code(&self) -> ExitCode {
        self.code
    }

    /// The failure with its causes, in one line.
    pub(crate) fn line(&self) -> String {
        let causes = self.causes.iter().map(String::as_str);
        let parts: Vec<&str> = [self.text.as_str()].into_iter().chain(causes).collect();
        parts.join(": ")
    }

    /// Prints the failure to standard error.
    pub(crate) fn print(&self) {
        let red = console::Style::new().for_stderr().red().bold();
        self.print_as(&red.apply_to("error:"));
    }

    /// Prints it as something that does not end the command.
    pub(crate) fn warn(&self) {
        let yellow = console::Style::new().for_stderr().yellow().bold();
        self.print_as(&yellow.apply_to("warning:"));
    }

    /// Text from packs cannot reach the terminal as it is.
    fn print_as(&self, word: &dyn std::fmt::Display) {
        crate::output::tell!("{word} {}", vthost_report::text::block(&self.text));
        for cause in &self.causes {
            crate::output::tell!("  caused by: {}", vthost_report::text::block(cause));
        }
    }
}

macro_rules! failures {
    ($($error:ty => $code:ident),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(ExitCode::$code, &error)
            }
        })+
    };
}

failures! {
    AssetError => NotReady,
    LayoutError => Usage,
    NoHome => NotReady,
    NotReady => NotReady,
    CfgError => Usage,
    PackError => Usage,
    ProjectError => Usage,
    ReportError => JobFailed,
    UnknownAsset => NothingToRun,
    SignatureError => Usage,
    TemplateError => Usage,
    vthost_policy::UnknownGrant => Usage,
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        let code = match &error {
            JobError::Sandbox(error) => sandbox_code(error),
            JobError::Results { .. }
            | JobError::Id(_)
            | JobError::RunDir(_)
            | JobError::Orphans(_) => ExitCode::JobFailed,
        };
        Self::of(code, &error)
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        Self::of(sandbox_code(&error), &error)
    }
}

impl From<CargoError> for Failure {
    fn from(error: CargoError) -> Self {
        let code = match &error {
            CargoError::NoCargo(_) | CargoError::NoTarget => ExitCode::NotReady,
            _ => ExitCode::Usage,
        };
        Self::of(code, &error)
    }
}

/// A pack that does not compile or fit is the operator's to replace; an engine or a cache that does not work is the
/// machine's.
fn sandbox_code(error: &SandboxError) -> ExitCode {
    match error {
        SandboxError::Engine(_) | SandboxError::Cache { .. } | SandboxError::Deps { .. } => {
            ExitCode::NotReady
        }
        SandboxError::Compile { .. }
        | SandboxError::Link { .. }
        | SandboxError::Describe { .. } => ExitCode::Usage,
    }
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        let code = match &error {
            DumpError::Io { .. } => ExitCode::JobFailed,
            _ => ExitCode::Usage,
        };
        Self::of(code, &error)
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        PlanError::from(error).into()
    }
}

/// A name that does not exist is 4, and a program that is missing the machine's; all else is the operator's to mend.
impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match &error {
            PlanError::Config(wrong) | PlanError::Select(SelectError::Config(wrong)) => {
                wrong.into()
            }
            PlanError::NoTests { .. }
            | PlanError::Select(SelectError::UnknownLabel { .. } | SelectError::Nothing { .. }) => {
                Self::of(ExitCode::NothingToRun, &error)
            }
            _ => Self::of(ExitCode::Usage, &error),
        }
    }
}

/// It points into its source: the line and a caret say more than a chain of causes.
impl From<&vthost_cartesian::Error> for Failure {
    fn from(error: &vthost_cartesian::Error) -> Self {
        let text = error.render();
        Self::new(
            ExitCode::Usage,
            text.trim_start_matches("error: ").trim_end(),
        )
    }
}

impl From<vthost_cartesian::Error> for Failure {
    fn from(error: vthost_cartesian::Error) -> Self {
        (&error).into()
    }
}
