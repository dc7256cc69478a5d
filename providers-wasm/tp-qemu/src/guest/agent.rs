//! The QEMU guest agent.

use std::time::Duration;

use vthost::Error;
use vthost::prelude::*;

/// How long the agent may take.
const ANSWER: Duration = Duration::from_secs(120);

/// Asks the agent, has it run a program, write and read a file, freeze and thaw the file systems.
#[vthost::test(tags = ["agent"])]
fn qemu_guest_agent(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let agent = vm.agent()?;
    agent.ping(ANSWER)?;
    let info = agent
        .execute("guest-info", None, ANSWER)?
        .unwrap_or_default();
    ensure!(
        info.contains("\"version\""),
        "the agent does not tell its version: {info}"
    );

    let ran = agent.exec(
        "/bin/sh",
        &["-c", "cat; echo out; echo err >&2; exit 3"],
        b"in\n",
        ANSWER,
    )?;
    ensure!(
        ran.status == 3,
        "the program ended with {}, not 3",
        ran.status
    );
    ensure!(
        ran.stdout == b"in\nout\n",
        "the program printed {:?}",
        String::from_utf8_lossy(&ran.stdout)
    );
    ensure!(
        ran.stderr == b"err\n",
        "the program complained {:?}",
        String::from_utf8_lossy(&ran.stderr)
    );

    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    agent.write_file("/root/by-agent", &content, ANSWER)?;
    ensure!(
        agent.read_file("/root/by-agent", ANSWER)? == content,
        "the file comes back changed"
    );
    let size = session.cmd("stat -c %s /root/by-agent")?;
    ensure!(
        size.trim() == "100000",
        "the guest has {} bytes of the file",
        size.trim()
    );

    match agent.execute("guest-nothing-at-all", None, ANSWER) {
        Err(Error::Other(text)) => info!("an unknown command is refused: {text}"),
        answer => bail_fail!("an unknown command is answered by {answer:?}"),
    }
    Ok(())
}

/// Freezes the file systems through the agent, checks that nothing is written, and thaws them.
#[vthost::test(tags = ["agent"])]
fn guest_agent_fsfreeze(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let agent = vm.agent()?;
    agent.ping(ANSWER)?;
    let frozen = agent.execute("guest-fsfreeze-freeze", None, ANSWER)?;
    let written = session.start("dd if=/dev/zero of=/root/written bs=4k count=1 conv=fsync")?;
    let while_frozen = written.wait(Duration::from_secs(3));
    let thawed = agent.execute("guest-fsfreeze-thaw", None, ANSWER);
    info!("frozen: {frozen:?}, thawed: {thawed:?}");
    ensure!(
        matches!(while_frozen, Err(Error::TimedOut(_))),
        "a frozen file system was written to: {while_frozen:?}"
    );
    thawed?;
    let end = written.wait(ANSWER)?;
    ensure!(
        end.status == 0,
        "nothing can be written after the thaw: {}",
        end.output
    );
    Ok(())
}

/// Shuts the guest down through the agent.
#[vthost::test(tags = ["agent"])]
fn guest_agent_shutdown(test: &Test) -> Result {
    let vm = test.main_vm()?;
    vm.wait_for_login()?;
    let agent = vm.agent()?;
    agent.ping(ANSWER)?;
    agent.execute("guest-shutdown", Some(r#"{"mode": "powerdown"}"#), ANSWER)?;
    vm.wait_for_shutdown(ANSWER)?;
    Ok(())
}
