//! Machines: taken from an earlier test, or made; started.

use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use vthost_params::Params;
use vthost_qemu::spec::{Firmware, Netdev};
use vthost_qemu::{Binary, Landlock, MachineSpec, Paths};

use super::Task;
use crate::environment::binary;
use crate::error::check_name;
use crate::spec::machine_spec;
use crate::vm::{Hardware, HostKeys, stamps};
use crate::{Environment, Error, ErrorKind, Result, Unready, Vm, VmState, image};

/// Every machine of `vms` in order (guide, section on the parameters of the VM preprocessor).
pub(super) async fn make(env: &mut Environment, task: &Task<'_>) -> Result<(), Unready> {
    for name in task.params.objects("vms") {
        if env.vms.iter().any(|vm| vm.name() == name) {
            continue;
        }
        check_name("machine", name)?;
        let params = task.params.object(name);
        let asked = asked(name, &params, task)?;
        let binary = binary(&params, &task.context.binaries).map_err(|error| {
            Error::caused(ErrorKind::NotFound, "there is no QEMU to run", error)
        })?;
        let vm = match take(env, task, &params, &asked, &binary).await? {
            Some(vm) => vm,
            None => Arc::new(new(env, task, params, asked, binary).await?),
        };
        env.vms.push(Arc::clone(&vm));
        start(&vm, task).await?;
    }
    Ok(())
}

/// What the parameters ask for.
fn asked(name: &str, params: &Params, task: &Task<'_>) -> Result<MachineSpec> {
    let context = task.context;
    let mut asked = machine_spec(name, params, &context.data_dir)?;
    asked.incoming = !params.get_or("migration_mode", "").is_empty();
    for nic in asked.nics.iter_mut().filter(|nic| nic.mac.is_none()) {
        nic.mac = Some(context.pool.mac(name, &nic.id));
    }
    Ok(asked)
}

/// The machine that an earlier test left, if this test can go on with it; if it cannot, it is taken away.
async fn take(
    env: &Environment,
    task: &Task<'_>,
    params: &Params,
    asked: &MachineSpec,
    binary: &Binary,
) -> Result<Option<Arc<Vm>>> {
    let context = task.context;
    let Some(old) = context.pool.take(&asked.name) else {
        return Ok(None);
    };
    let Some(why) = unfit(env, &old, params, asked, binary).await? else {
        let vm = old.adopt(params.clone(), &context.log_dir)?;
        return Ok(Some(Arc::new(vm)));
    };
    let name = &asked.name;
    let text = format!("{name} is not the machine that an earlier test left: {why}");
    context.log.info(text);
    let gracefully = params.flag("kill_vm_gracefully", false)?;
    if let Err(error) = old.destroy(gracefully).await {
        // What an earlier test did to its machine is no matter of this one.
        context.log.warn(error.chain());
    }
    Ok(None)
}

/// Why this test cannot go on with a machine.
async fn unfit(
    env: &Environment,
    old: &Vm,
    params: &Params,
    asked: &MachineSpec,
    binary: &Binary,
) -> Result<Option<String>> {
    for key in ["restart_vm", "kill_vm_before_test"] {
        if params.flag(key, false)? {
            return Ok(Some(format!("{key} = yes")));
        }
    }
    if asked.incoming {
        return Ok(Some("it is to wait for a migration".to_owned()));
    }
    let is_made = |drive: &vthost_qemu::spec::Drive| {
        let mut made = env.made.iter();
        made.any(|made| made.stands_for(&drive.path))
    };
    if asked.drives.iter().any(is_made) {
        return Ok(Some("an image of it was made anew".to_owned()));
    }
    if let Some(why) = old.hardware().differs(asked, binary) {
        return Ok(Some(why.to_owned()));
    }
    Ok(old.verify_alive().await.err().map(|error| error.chain()))
}

async fn new(
    env: &mut Environment,
    task: &Task<'_>,
    params: Params,
    asked: MachineSpec,
    binary: Binary,
) -> Result<Vm> {
    let context = task.context;
    let dir = context.pool.new_dir()?;
    let mut dirs = vec![Arc::clone(&dir)];
    let mut spec = asked.clone();
    let others: Vec<_> = env.vms.iter().chain(task.beside).collect();
    for drive in &mut spec.drives {
        if asked.incoming
            && let Some(shared) = image::share(drive, &others)
        {
            dirs.extend(shared);
            continue;
        }
        let view = params.object(&drive.id);
        dirs.extend(image::stand_in(drive, &view, dir.path(), &env.made, context).await?);
    }
    if let Some(direct) = &spec.kernel {
        let files = [
            ("kernel", Some(&direct.kernel)),
            ("initrd", direct.initrd.as_ref()),
        ];
        for (key, file) in files {
            if let Some(file) = file {
                image::check_read_only(file, &[key], &params, context)?;
            }
        }
    }
    own_variables(&mut spec, dir.path())?;
    passt_ports(&mut spec)?;
    let paths = Paths::new(dir.path(), &context.log_dir).map_err(|error| {
        let text = "the directories of a machine cannot be used";
        Error::caused(ErrorKind::Other, text, error)
    })?;
    let name = asked.name.clone();
    let hardware = Hardware {
        bases: stamps(&asked),
        asked,
        spec,
        binary,
        dirs,
        host_keys: HostKeys::default(),
    };
    Vm::new(&name, params, Arc::new(hardware), paths)
}

/// Gives a machine with UEFI variables of its own: the file that the parameters name is the template of them, and is
/// never written to.
fn own_variables(spec: &mut MachineSpec, dir: &Path) -> Result<()> {
    let Firmware::Pflash {
        vars: Some(vars), ..
    } = &mut spec.firmware
    else {
        return Ok(());
    };
    let own = dir.join("uefi-variables.fd");
    std::fs::copy(&*vars, &own)
        .and_then(|_| std::fs::set_permissions(&own, Permissions::from_mode(0o600)))
        .map_err(|error| {
            let text = format!("the UEFI variables {} cannot be copied", vars.display());
            Error::caused(ErrorKind::NotFound, text, error)
        })?;
    *vars = own;
    Ok(())
}

/// Chooses the ports of the host that passt listens on, which does not choose by itself. Somebody else may take one before
/// passt does: then passt says so, and the machine does not start.
fn passt_ports(spec: &mut MachineSpec) -> Result<()> {
    let mut held = Vec::new();
    for nic in &mut spec.nics {
        let Netdev::Passt { forwards, .. } = &mut nic.netdev else {
            continue;
        };
        for forward in forwards.iter_mut().filter(|forward| forward.host.is_none()) {
            // Held until all are chosen, so that none is chosen twice.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            let chosen =
                listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
            let (port, listener) = chosen.map_err(|error| {
                Error::caused(ErrorKind::Other, "there is no free port for passt", error)
            })?;
            forward.host = Some(port);
            held.push(listener);
        }
    }
    Ok(())
}

/// Brings a machine into the state that the test asks for.
async fn start(vm: &Vm, task: &Task<'_>) -> Result<()> {
    let params = vm.params();
    let paused = params.flag("paused_after_start_vm", false)?;
    if let Some(machine) = vm.alive() {
        let text = format!(
            "{} goes on from an earlier test: pid {}; its console is logged there: {}",
            vm.name(),
            machine.pid(),
            machine.paths().log_dir().display()
        );
        task.context.log.info(text);
        return match (vm.state().await?, paused) {
            (VmState::Paused, false) => vm.resume().await,
            (VmState::Running, true) => vm.pause().await,
            _ => Ok(()),
        };
    }
    if !params.flag("start_vm", true)? && !vm.hardware().asked.incoming {
        return Ok(());
    }
    vm.create().await?;
    tell(vm, task);
    Ok(())
}

/// What was started, and how it is confined.
fn tell(vm: &Vm, task: &Task<'_>) {
    let Some(machine) = vm.alive() else {
        return;
    };
    let (log, name) = (&task.context.log, vm.name());
    let (pid, took) = (machine.pid(), machine.startup().as_millis());
    let accel = machine.command_line().accel();
    log.info(format!(
        "started {name}: pid {pid}, {accel}, monitor ready in {took} ms"
    ));
    let confined = machine.confinement();
    let (seccomp, landlock) = (confined.seccomp, &confined.landlock);
    let text = format!("{name} is confined: seccomp {seccomp}, landlock {landlock:?}");
    // What QEMU may do when its guest has taken it over is worth a look where it is much.
    if seccomp && *landlock == Landlock::Enforced {
        log.debug(text);
    } else {
        log.warn(text);
    }
}
