//! The reference parser, in one Python process that lives as long as the comparison.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::case::{Case, MAX_VARIANTS, Outcome};

/// Seconds that the reference may take for one configuration.
const MAX_SECONDS: u32 = 5;

pub(crate) struct Reference {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts the reference with a Python that has it installed.
    pub(crate) fn start(python: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/reference.py");
        let mut child = Command::new(python)
            .arg(script)
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", python.display()));
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            requests,
            answers,
        }
    }

    /// What the reference makes of a case.
    pub(crate) fn expand(&mut self, case: &Case) -> Outcome {
        let mut request = case.to_json();
        request["limit"] = json!(MAX_VARIANTS);
        request["seconds"] = json!(MAX_SECONDS);
        writeln!(self.requests, "{request}").expect("the reference takes requests");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the reference answers");
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the reference answers {line:?}: {error}"));
        match (answer["variants"].as_array(), answer["error"].as_str()) {
            (Some(variants), _) => Outcome::Variants(variants.iter().map(sorted).collect()),
            (None, Some(error)) => Outcome::Error(error.to_owned()),
            (None, None) => Outcome::Unbounded,
        }
    }
}

/// The same with its keys in order, as what is recorded shall have them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Nothing is lost with it; it must not stay behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
