//! One short run of a binary with an empty machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Details, Features, Machine};
use crate::binary::Binary;
use crate::error::ProbeError;

/// How long the run may take. Normal are 100 ms, and 400 ms with the properties of all devices.
const LIMIT: Duration = Duration::from_secs(30);

/// More than any QEMU says.
const OUTPUT_MAX: u64 = 64 << 20;

/// A command of the monitor.
fn command(name: &str, arguments: Option<Value>) -> Value {
    match arguments {
        Some(arguments) => json!({"execute": name, "arguments": arguments}),
        None => json!({"execute": name}),
    }
}

fn types(implements: &str) -> Option<Value> {
    Some(json!({"implements": implements, "abstract": false}))
}

/// Asks what the binary has.
pub(super) fn features(binary: &Binary) -> Result<Features, ProbeError> {
    let commands = [
        command("query-target", None),
        command("query-machines", None),
        command("qom-list-types", types("device")),
        command("qom-list-types", types("user-creatable")),
        command("query-commands", None),
        command("query-cpu-definitions", None),
        command("query-kvm", None),
    ];
    let answers = run(binary, &commands)?;
    let list = |index: usize| answers.get(index).and_then(Value::as_array);
    let names = |index: usize| {
        let entries = list(index).into_iter().flatten();
        entries
            .filter_map(|entry| entry["name"].as_str().map(str::to_owned))
            .collect()
    };
    let mut features = Features {
        arch: answers[0]["arch"].as_str().unwrap_or_default().to_owned(),
        devices: names(2),
        objects: names(3),
        commands: names(4),
        cpus: names(5),
        kvm: answers[6]["present"].as_bool().unwrap_or(false),
        ..Features::default()
    };
    for machine in list(1).into_iter().flatten() {
        let Some(name) = machine["name"].as_str() else {
            continue;
        };
        let found = Machine {
            alias_of: None,
            max_cpus: number(&machine["cpu-max"]),
            deprecated: machine["deprecated"].as_bool().unwrap_or(false),
        };
        if let Some(alias) = machine["alias"].as_str() {
            let alias_of = Some(name.to_owned());
            let short = Machine {
                alias_of,
                ..found.clone()
            };
            features.machines.insert(alias.to_owned(), short);
        }
        features.machines.insert(name.to_owned(), found);
    }
    if features.machines.is_empty() || features.devices.is_empty() {
        return Err(failed(binary, "it named no machine types or no devices"));
    }
    Ok(features)
}

fn number(value: &Value) -> u32 {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}

/// Asks for the properties of these devices, and for the arguments of all commands.
pub(super) fn details(binary: &Binary, features: &Features) -> Result<Details, ProbeError> {
    let mut commands = vec![command("query-qmp-schema", None)];
    commands.extend(
        features
            .devices
            .iter()
            .map(|name| command("device-list-properties", Some(json!({"typename": name})))),
    );
    let answers = run(binary, &commands)?;
    let mut details = Details {
        arguments: arguments(answers.first()),
        ..Details::default()
    };
    for (device, answer) in features.devices.iter().zip(answers.iter().skip(1)) {
        let entries = answer.as_array().into_iter().flatten();
        let properties = entries
            .filter_map(|entry| {
                let name = entry["name"].as_str()?.to_owned();
                Some((name, entry["type"].as_str().unwrap_or_default().to_owned()))
            })
            .collect();
        details.properties.insert(device.clone(), properties);
    }
    Ok(details)
}

/// By command: the names of its arguments.
fn arguments(
    schema: Option<&Value>,
) -> std::collections::BTreeMap<String, std::collections::BTreeSet<String>> {
    let entries = || schema.and_then(Value::as_array).into_iter().flatten();
    let objects: std::collections::HashMap<&str, &Value> = entries()
        .filter(|entry| entry["meta-type"] == "object")
        .filter_map(|entry| Some((entry["name"].as_str()?, entry)))
        .collect();
    entries()
        .filter(|entry| entry["meta-type"] == "command")
        .filter_map(|entry| {
            let object = objects.get(entry["arg-type"].as_str()?)?;
            let members = object["members"].as_array()?.iter();
            let names = members
                .filter_map(|member| member["name"].as_str().map(str::to_owned))
                .collect();
            Some((entry["name"].as_str()?.to_owned(), names))
        })
        .collect()
}

fn failed(binary: &Binary, reason: impl Into<String>) -> ProbeError {
    ProbeError::Features {
        path: binary.path().to_owned(),
        reason: reason.into(),
    }
}

/// Runs the binary, and gives one answer for each command; `null` for one that it refused.
fn run(binary: &Binary, commands: &[Value]) -> Result<Vec<Value>, ProbeError> {
    let run = |source| ProbeError::Run {
        path: binary.path().to_owned(),
        source,
    };
    let mut command_line = Command::new(binary.path());
    crate::process::end_with_this_thread(&mut command_line);
    let mut child = command_line
        .args(["-machine", "none", "-nodefaults", "-no-user-config"])
        .args(["-display", "none", "-qmp", "stdio"])
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(run)?;
    let (sender, receiver) = mpsc::channel();
    let wanted = commands.len() + 1;
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            // Nobody listens any more if it took too long.
            let _ = sender.send(answers(output, wanted));
        });
    }
    // It stays open, and QEMU is not told to quit, until all is read: it drops what still waits, in both directions.
    let mut input = child.stdin.take();
    if let Some(input) = &mut input {
        let mut text = command("qmp_capabilities", None).to_string();
        for command in commands {
            text.push_str(&command.to_string());
        }
        // A binary that ended early is told by what it did not answer.
        let _ = input.write_all(text.as_bytes());
    }
    let answers = receiver.recv_timeout(LIMIT);
    // An empty machine has nothing to lose.
    let _ = child.kill();
    let _ = child.wait();
    let mut answers = match answers {
        Ok(read) => read.map_err(run)?,
        Err(_) => {
            let seconds = LIMIT.as_secs();
            return Err(failed(binary, format!("no answer within {seconds} s")));
        }
    };
    if answers.len() < wanted {
        let problem = format!(
            "it answered {} of {} questions",
            answers.len().saturating_sub(1),
            commands.len()
        );
        return Err(failed(binary, problem));
    }
    // The one to `qmp_capabilities`.
    answers.remove(0);
    Ok(answers)
}

/// The first `wanted` answers, one a line; fewer if the output ends. Lines that are no answers are left out.
fn answers(output: impl Read, wanted: usize) -> io::Result<Vec<Value>> {
    let mut output = BufReader::new(output.take(OUTPUT_MAX));
    let mut found = Vec::with_capacity(wanted);
    let mut line = Vec::new();
    while found.len() < wanted {
        line.clear();
        if output.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if let Ok(mut message) = serde_json::from_slice::<Value>(&line)
            && (message.get("return").is_some() || message.get("error").is_some())
        {
            found.push(message["return"].take());
        }
    }
    Ok(found)
}
