//! The life of a machine: what is noticed, what is told, what can be pressed.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{MachineSpec, UsbController, UsbDevice, UsbModel, WatchdogAction};
use vthost_qemu::{
    Ending, Keys, Machine, MachineError, MachineState, PictureFormat, PointerButton, PointerMove,
    Stuck,
};

use crate::common::{Bench, LONG, bare};

/// Long enough to fail the test if it is waited for in vain, and shorter than any limit that is given to a wait.
const AT_ONCE: Duration = Duration::from_secs(20);

pub(crate) fn signal(machine: &Machine, signal: Signal) {
    let pid = Pid::from_raw(machine.pid().cast_signed()).expect("a process");
    rustix::process::kill_process(pid, signal).expect("sent");
}

async fn booted(machine: &Machine) {
    machine
        .serial("serial0")
        .expect("the default console")
        .subscribe(Replay::All)
        .wait_for_bytes(b"boot sector\r\n> ", LONG)
        .await
        .expect("the sector boots");
}

/// Whatever is waited for: a killed QEMU ends it at once, and the error tells how it ended and what was seen last.
#[tokio::test]
async fn a_kill_in_the_middle_of_every_wait_is_told_with_the_last_words() {
    let bench = Bench::new();
    for what in [
        "state", "panic", "watchdog", "tray", "write", "shutdown", "answer",
    ] {
        let machine = bench.started(bench.bootable("vm1")).await;
        machine.cont().await.expect("runs");
        booted(&machine).await;
        let begun = Instant::now();
        let wait = async {
            let limit = LONG * 10;
            match what {
                "state" => machine
                    .wait_for_state("suspended", limit, |state| {
                        *state == MachineState::Suspended
                    })
                    .await
                    .map(drop),
                "panic" => machine.wait_guest_panic(0, limit).await.map(drop),
                "watchdog" => machine.wait_watchdog(0, limit).await.map(drop),
                "tray" => machine.wait_tray("cd1", 0, limit).await.map(drop),
                "write" => machine
                    .wait_write_threshold("drive_disk1", 0, limit)
                    .await
                    .map(drop),
                "shutdown" => machine.shutdown(limit).await.map(drop),
                // Stopped, it cannot answer: the kill comes in the middle of the command.
                _ => {
                    signal(&machine, Signal::STOP);
                    machine.system_reset().await
                }
            }
        };
        let kill = async {
            // Every wait has begun when the other future is polled for the first time.
            tokio::task::yield_now().await;
            signal(&machine, Signal::KILL);
        };
        let (outcome, ()) = tokio::join!(wait, kill);
        assert!(begun.elapsed() < AT_ONCE, "{what}: {:?}", begun.elapsed());
        if what == "shutdown" {
            // That it ended is what was wanted, and the exit tells how.
            outcome.expect("ended");
            continue;
        }
        let error = outcome.expect_err(what);
        assert!(error.is_ended(), "{what}: {error:?}");
        let message = error.to_string();
        assert!(
            message.contains("QEMU has ended (signal: 9 (SIGKILL))"),
            "{what}: {message}"
        );
        assert!(message.contains("vthost boot sector"), "{what}: {message}");
    }
}

#[tokio::test]
async fn a_stopped_qemu_is_named_by_every_timeout() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    machine.verify_alive(LONG).await.expect("alive");
    signal(&machine, Signal::STOP);
    let short = Duration::from_millis(300);
    let error = machine.verify_alive(short).await.expect_err("stopped");
    assert!(
        matches!(
            &error,
            MachineError::Stuck {
                state: Stuck::Stopped,
                ..
            }
        ),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.contains("is stopped (T); send it SIGCONT"),
        "{message}"
    );
    let error = machine.wait_watchdog(0, short).await.expect_err("stopped");
    assert!(error.to_string().contains("is stopped (T)"), "{error}");
    signal(&machine, Signal::CONT);
    machine.verify_alive(LONG).await.expect("alive again");
    let error = machine
        .wait_watchdog(0, short)
        .await
        .expect_err("no watchdog");
    assert!(!matches!(error, MachineError::Stuck { .. }), "{error}");
}

#[tokio::test]
async fn states_are_awaited_and_pauses_counted() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    assert_eq!((machine.pauses(), machine.resumes()), (0, 0));
    machine.cont().await.expect("runs");
    let running = |state: &MachineState| *state == MachineState::Running;
    machine
        .wait_for_state("running", LONG, running)
        .await
        .expect("it runs");
    let paused = |state: &MachineState| *state == MachineState::Paused;
    let wait = machine.wait_for_state("paused", LONG, paused);
    let (found, stopped) = tokio::join!(wait, machine.stop());
    stopped.expect("pauses");
    assert_eq!(found.expect("noticed"), MachineState::Paused);
    machine.cont().await.expect("runs");
    assert_eq!((machine.pauses(), machine.resumes()), (1, 2));
    let error = machine
        .wait_for_state("paused", Duration::from_millis(50), paused)
        .await
        .expect_err("it runs");
    assert_eq!(
        error.to_string(),
        "machine \"vm1\" is Running and not paused after 0.05 s"
    );
    machine.inject_nmi().await.expect("taken");
    let error = machine.system_wakeup().await.expect_err("it is awake");
    assert!(error.qmp().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_panic_is_told_with_what_qemu_did() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    machine.cont().await.expect("runs");
    booted(&machine).await;
    assert_eq!(machine.guest_panics(0), []);
    machine
        .serial("serial0")
        .expect("a console")
        .write(b"?")
        .expect("typed");
    let panic = machine.wait_guest_panic(0, LONG).await.expect("it panics");
    assert_eq!(
        (panic.action.as_str(), panic.crash_kernel),
        ("pause", false)
    );
    assert_eq!(machine.guest_panics(0), [panic]);
    let crashed = |state: &MachineState| *state == MachineState::GuestPanicked;
    machine
        .wait_for_state("panicked", LONG, crashed)
        .await
        .expect("stays as it is");
    assert_eq!(machine.guest_panics(machine.qmp().cursor()), []);
}

/// The boot sector echoes what is typed, so that the console shows what a crashed kernel would print.
#[tokio::test]
async fn a_crash_on_the_console_is_found() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    machine.cont().await.expect("runs");
    booted(&machine).await;
    machine.verify_kernel_crash().expect("all is well");
    let serial = machine.serial("serial0").expect("a console");
    let mut output = serial.subscribe(Replay::None);
    // `!` and `?` would be commands.
    serial
        .write(b"\r\n[  1.0] Kernel panic - not syncing: Fatal exception\r\nend.")
        .expect("typed");
    output.wait_for_bytes(b"end.", LONG).await.expect("echoed");
    let error = machine.verify_kernel_crash().expect_err("a panic");
    let message = error.to_string();
    assert!(
        message.contains("kernel panic, seen on console \"serial0\":\n    [  1.0] Kernel panic"),
        "{message}"
    );
}

#[tokio::test]
async fn the_end_tells_what_it_took() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    let (exit, how) = machine.destroy_after(Duration::ZERO).await.expect("ends");
    assert!(exit.status.success());
    assert_eq!(how, Ending::Quit);
    let (_, how) = machine.destroy_after(LONG).await.expect("has ended");
    assert_eq!(how, Ending::Before);

    let machine = bench.started(bare("vm2")).await;
    signal(&machine, Signal::STOP);
    let (_, how) = machine.destroy_after(Duration::ZERO).await.expect("ends");
    assert_eq!(how, Ending::Killed);
}

#[tokio::test]
async fn a_watchdog_fires_and_the_cable_can_be_pulled() {
    let bench = Bench::new();
    let spec = MachineSpec {
        nics: vec![vthost_qemu::spec::Nic::virtio_user("nic1", &[])],
        // The device that the firmware leaves alone, and that its port starts by itself when it is written to.
        extra_args: vec!["-device".to_owned(), "ib700".to_owned()],
        ..bench.bootable("vm1")
    };
    let machine = bench.started(spec).await;
    machine
        .set_watchdog_action(WatchdogAction::Pause)
        .await
        .expect("known");
    machine.set_link("nic1", false).await.expect("pulled");
    machine
        .set_link("netdev_nic1", true)
        .await
        .expect("plugged");
    let error = machine.set_link("nic9", true).await.expect_err("no such");
    assert_eq!(
        error.qmp().and_then(|error| error.class()),
        Some("DeviceNotFound")
    );
    machine.cont().await.expect("runs");
    booted(&machine).await;
    // What a guest's driver would do: start it with the shortest time.
    machine
        .qmp()
        .human("o /b 0x443 0xf")
        .await
        .expect("written");
    let action = machine.wait_watchdog(0, LONG).await.expect("it fires");
    assert_eq!(action, "pause");
    let paused = |state: &MachineState| *state == MachineState::Paused;
    machine
        .wait_for_state("paused", LONG, paused)
        .await
        .expect("by the watchdog");
}

#[tokio::test]
async fn the_screen_has_a_size_and_two_formats() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    machine.cont().await.expect("runs");
    booted(&machine).await;
    let size = machine.screen_size().await.expect("a screen");
    assert!(size.width >= 640 && size.height >= 400, "{size:?}");
    let file = bench.path().join("screen.ppm");
    machine
        .screendump(&file, PictureFormat::Ppm)
        .await
        .expect("a picture");
    let picture = std::fs::read(&file).expect("a file");
    let head = format!("P6\n{} {}\n255\n", size.width, size.height);
    assert!(picture.starts_with(head.as_bytes()));
}

/// Whether a key arrives is seen in the keyboard controller: its data port holds the scan code.
#[tokio::test]
async fn keys_and_pointers_reach_the_guest() {
    let bench = Bench::new();
    let spec = MachineSpec {
        usb_controllers: vec![UsbController {
            ports: None,
            id: "usb0".to_owned(),
            model: UsbModel::Xhci,
            address: None,
        }],
        usb_devices: vec![UsbDevice {
            id: "tablet0".to_owned(),
            driver: "usb-tablet".to_owned(),
            controller: None,
            port: None,
        }],
        ..bench.bootable("vm1")
    };
    let machine = bench.started(spec).await;
    machine.cont().await.expect("runs");
    booted(&machine).await;
    let qmp = machine.qmp();
    // The sector never reads the keyboard; the monitor does, as the guest would.
    let pressed = async {
        let read = qmp.human("i /b 0x60").await.expect("read");
        read.rsplit_once("0x")
            .map(|(_, code)| code.trim().to_owned())
    };
    let keys: Keys = "a".parse().expect("a key");
    machine
        .send_key(&keys, Duration::from_millis(20))
        .await
        .expect("taken");
    assert_eq!(pressed.await.as_deref(), Some("1e"), "the scan code of A");

    let pointers = machine.pointers().await.expect("listed");
    assert!(
        pointers.iter().any(|pointer| pointer.absolute),
        "{pointers:?}"
    );
    machine
        .move_pointer(PointerMove::To { x: 0x4000, y: 0 })
        .await
        .expect("moved");
    let outside = PointerMove::To { x: 0x8000, y: 0 };
    let error = machine.move_pointer(outside).await.expect_err("outside");
    assert!(matches!(error, MachineError::Argument { .. }), "{error}");
    for down in [true, false] {
        machine
            .pointer_button(PointerButton::Left, down)
            .await
            .expect("pressed");
    }
    machine
        .move_pointer(PointerMove::By { x: -1, y: 1 })
        .await
        .expect("there is a mouse, too");
    let error = machine
        .send_string("größe", Duration::from_millis(1))
        .await
        .expect_err("not on the keyboard");
    assert!(error.to_string().contains("no key for 'ö'"), "{error}");
    machine
        .send_string("Hello-World", Duration::from_millis(1))
        .await
        .expect("typed");
}

#[tokio::test]
async fn memory_is_dumped_into_a_file_that_only_we_can_open() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    let file = bench.path().join("memory.elf");
    let elf = vthost_qemu::DumpFormat::Elf;
    machine.dump_memory(&file, elf, LONG).await.expect("dumped");
    let dump = std::fs::read(&file).expect("a file");
    assert!(dump.starts_with(b"\x7fELF"));
    assert!(dump.len() > 32 << 20, "{}", dump.len());
    let error = machine
        .dump_memory(&file, elf, LONG)
        .await
        .expect_err("exists");
    assert!(matches!(error, MachineError::File { .. }), "{error}");
    let events = machine.qmp().event_count("DUMP_COMPLETED");
    assert_eq!(events, 1);
    let status: Value = machine
        .qmp()
        .execute("query-dump", json!(null))
        .await
        .expect("answered");
    assert_eq!(status["status"], "completed");
}
