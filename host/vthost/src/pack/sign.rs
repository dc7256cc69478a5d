//! `vthost pack sign` and `vthost pack verify`.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use vthost_metadata::ExitCode;
use vthost_provider::Pack;
use vthost_provider::pack::{self, SignatureError, SigningKey, Trust};
use vthost_report::text::line;

use super::cli::{SignArgs, TrustArgs, VerifyArgs};
use crate::failure::Failure;
use crate::output::{self, say};
use crate::settings::Settings;

/// The variable that holds the passphrase of a key.
const PASSPHRASE: &str = "VTHOST_KEY_PASSPHRASE";

pub(super) fn main(args: &SignArgs) -> Result<ExitCode, Failure> {
    let pack = Pack::open(&args.pack)?;
    let path = match &args.key {
        Some(path) => path.clone(),
        None => default_key()?,
    };
    let key = SigningKey::read(&path, passphrase)?;
    let what = if args.detached {
        let signature = pack::sign_detached(&pack, &key)?;
        format!("{}, in {}", args.pack.display(), signature.display())
    } else {
        pack::sign(&pack, &key)?;
        args.pack.display().to_string()
    };
    say(
        "Signed",
        &format!("{what}, by the key {}", key.fingerprint()),
    );
    Ok(ExitCode::Ok)
}

fn default_key() -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(|home| PathBuf::from(home).join(".ssh/id_ed25519"))
        .ok_or_else(|| Failure::new(ExitCode::Usage, "name the key by --key: HOME is not set"))
}

fn passphrase() -> io::Result<String> {
    if let Ok(given) = std::env::var(PASSPHRASE) {
        return Ok(given);
    }
    if !io::stderr().is_terminal() {
        return Err(io::Error::other("this is no terminal"));
    }
    let term = console::Term::stderr();
    term.write_str("Passphrase of the key: ")?;
    let given = term.read_secure_line();
    term.write_line("")?;
    given
}

/// The keys that are trusted: those of the settings and those of the command line.
pub(super) fn trust(args: &TrustArgs, settings: &Settings) -> Result<Trust, SignatureError> {
    let mut trust = settings.trust()?;
    for path in args.keys.iter().chain(&args.trusted) {
        trust.add_file(path)?;
    }
    Ok(trust)
}

/// A pack that is not signed, or by nobody who is trusted, was read well: that is what was found, not an error of use.
pub(super) fn verify(args: &VerifyArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let trust = trust(&args.trust, settings)?;
    let pack = Pack::open(&args.pack)?;
    let name = args.pack.display();
    let (found, problem) = match pack.signature(&trust) {
        Ok(Some(signature)) if signature.trusted => (Some(signature), None),
        Ok(Some(signature)) => {
            let problem = format!(
                "{name} is signed by the key {}, which is not trusted",
                signature.key
            );
            (Some(signature), Some(problem))
        }
        Ok(None) => (None, Some(format!("{name} is not signed"))),
        Err(error @ (SignatureError::Io { .. } | SignatureError::Key { .. })) => {
            return Err(error.into());
        }
        Err(error) => (None, Some(error.to_string())),
    };
    if args.json {
        let object = serde_json::json!({
            "pack": pack.manifest.name,
            "version": pack.manifest.version,
            "signature": found,
            "problem": problem,
        });
        output::print(format!("{object}\n").as_bytes())?;
    } else if let (Some(signature), None) = (&found, &problem) {
        let mut text = format!("{name}: good signature by the key {}", signature.key);
        if let Some(owner) = &signature.owner {
            let _ = write!(text, " ({})", line(owner));
        }
        text.push('\n');
        output::print(text.as_bytes())?;
    }
    match problem {
        None => Ok(ExitCode::Ok),
        Some(_) if args.json => Ok(ExitCode::TestsFailed),
        Some(problem) => Err(Failure::new(ExitCode::TestsFailed, problem)),
    }
}
