//! What the processors of a machine do, again and again.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::Watched;
use crate::{Result, Vm};

/// How often, if the parameters do not say.
const DELAY: Duration = Duration::from_secs(5);
/// No machine is asked more often.
const SHORTEST: Duration = Duration::from_secs(1);
/// How much is written.
const MOST: usize = 16 << 20;

/// Writes down what a machine says of itself.
pub(super) struct Registers {
    vm: Arc<Vm>,
    commands: Vec<String>,
    delay: Duration,
    file: PathBuf,
}

impl Registers {
    /// With `store_vm_info = yes`: every `vm_info_delay` seconds the answers of QEMU's `info` to each of `vm_info_cmds`,
    /// in `vm_info_<vm>.log`.
    pub(super) fn new(vm: &Arc<Vm>) -> Result<Option<Self>> {
        let params = vm.params();
        if !params.flag("store_vm_info", false)? {
            return Ok(None);
        }
        let commands = params.get_or("vm_info_cmds", "registers");
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | ',');
        if !commands.chars().all(plain) {
            return Err(params
                .invalid("vm_info_cmds", "names of what QEMU's `info` shows")
                .into());
        }
        let commands = commands.split([',', ' ']).filter(|name| !name.is_empty());
        Ok(Some(Self {
            commands: commands.map(str::to_owned).collect(),
            delay: params.seconds("vm_info_delay", DELAY)?.max(SHORTEST),
            file: vm.log_dir().join(format!("vm_info_{}.log", vm.name())),
            vm: Arc::clone(vm),
        }))
    }

    pub(super) async fn watch(self, mut stop: oneshot::Receiver<()>) -> Option<Watched> {
        let mut written = 0;
        let mut file = None;
        while written < MOST {
            if tokio::time::timeout(self.delay, &mut stop).await.is_ok() {
                break;
            }
            for command in &self.commands {
                let Some(text) = self.ask(command).await else {
                    continue;
                };
                written += text.len();
                // Results that cannot be written are told by what cannot do without them.
                if file.is_none() {
                    file = self.open();
                }
                if let Some(file) = &mut file {
                    let _ = writeln!(file, "{command}:\n{text}");
                }
            }
        }
        None
    }

    fn open(&self) -> Option<File> {
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.file);
        opened.ok()
    }

    async fn ask(&self, what: &str) -> Option<String> {
        let mut arguments = Map::new();
        arguments.insert("command-line".to_owned(), json!(format!("info {what}")));
        let answer = self.vm.qmp("human-monitor-command", arguments).await;
        answer
            .ok()
            .as_ref()
            .and_then(Value::as_str)
            .map(str::to_owned)
    }
}
