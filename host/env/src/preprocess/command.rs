//! Commands on the host before and after a test.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use vthost_params::{Origin, Params};

use super::Task;
use crate::host_command::{HostCommand, Ran};
use crate::{Error, ErrorKind, Result};

/// The variable of every command's environment that names the directory of the running job. What a killed vthost has left
/// running is known by it.
pub const RUN_DIR_VARIABLE: &str = "VTHOST_RUN_DIR";

/// How long a command may take if the parameters do not say.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Runs the command line of the parameter `key` (`pre_command` or `post_command`) by the host's shell, if it is set.
/// `<key>_timeout` says how long it may take in seconds, `<key>_noncritical` that its failure is a warning only (guide,
/// `pre_command`). The parameters are in its environment as `KVM_TEST_<key>`, but for secrets.
pub(crate) async fn run(task: &Task<'_>, key: &'static str) -> Result<()> {
    let (params, context) = (task.params, task.context);
    let text = params.get(key).unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(());
    }
    if !context.host_commands && params.origin(key).is_some_and(Origin::is_from_provider) {
        let text =
            format!("the provider sets `{key}`, a command on the host; to allow it: --grant exec");
        return Err(Error::new(ErrorKind::AccessDenied, text));
    }
    let timeout = params.seconds(&format!("{key}_timeout"), TIMEOUT)?;
    let noncritical = params.flag(&format!("{key}_noncritical"), false)?;
    let command = HostCommand {
        text,
        dir: &context.data_dir,
        env: environment(params, context.pool.dir()),
        timeout,
    };
    let ended = command.run().await;
    if let Ok(Ran { output, .. }) = &ended {
        for line in output.lines() {
            context.log.info(format!("{key}: {line}"));
        }
    }
    let failure = match ended {
        Ok(Ran { status, .. }) if status.is_some_and(|status| status.success()) => return Ok(()),
        Ok(Ran { status, .. }) => ended_badly(key, status, timeout),
        Err(error) => Error::caused(ErrorKind::Other, format!("{key} cannot be run"), error),
    };
    if noncritical {
        let text = format!("{} ({key}_noncritical = yes)", failure.chain());
        context.log.warn(text);
        return Ok(());
    }
    Err(failure)
}

fn ended_badly(key: &str, status: Option<ExitStatus>, timeout: Duration) -> Error {
    match status {
        Some(status) => Error::new(ErrorKind::Other, format!("{key} ended with {status}")),
        None => {
            let text = format!("{key} took longer than {timeout:?} and was killed ({key}_timeout)");
            Error::new(ErrorKind::TimedOut, text)
        }
    }
}

/// The longest value that goes into the environment: the kernel takes 128 KiB, name and all.
const LONGEST: usize = 64 << 10;
/// How much goes into the environment altogether; the kernel takes 2 MiB with the command line.
const MOST: usize = 1 << 20;

/// The parameters as variables, and the one by which what a killed vthost left is found.
fn environment(params: &Params, run_dir: &Path) -> Vec<(String, String)> {
    let mut size = 0;
    let mark = (RUN_DIR_VARIABLE.to_owned(), run_dir.display().to_string());
    let params = params
        .iter()
        .filter(|(key, value)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            key.chars().all(plain)
                && !is_secret(key)
                && value.len() <= LONGEST
                && !value.contains('\0')
        })
        .map(|(key, value)| (format!("KVM_TEST_{key}"), value.to_owned()))
        .take_while(|(key, value)| {
            size += key.len() + value.len() + 2;
            size <= MOST
        });
    params.chain([mark]).collect()
}

/// Whether a key is one of a password: every process of the user can read the environment.
fn is_secret(key: &str) -> bool {
    ["password", "passwd", "passphrase", "secret"]
        .iter()
        .any(|word| key.contains(word))
        || key
            .split('_')
            .any(|part| matches!(part, "pwd" | "cdkey" | "token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_go_into_the_environment() {
        let long = "x".repeat(LONGEST + 1);
        let params = Params::from_pairs([
            ("mem", "512"),
            ("password", "a"),
            ("image_secret_image1", "a"),
            ("remote_pwd", "a"),
            ("long", &long),
            ("odd-key", "a"),
        ]);
        let expected = [("KVM_TEST_mem", "512"), ("VTHOST_RUN_DIR", "/run")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(environment(&params, Path::new("/run")), expected);
    }
}
