//! What happens around a test: machines that are kept, commands, leaks, dependencies.

use rustix::process::{Pid, Signal, kill_process};
use vthost_metadata::{EventKind, Phase, Status};
use vthost_tests::{Job, Running, is_qemu, logged, pid, run};

/// Runs tests of a fixture pack with these parameters.
fn with(pack: &str, tests: &[&str], params: &[&str]) -> Job {
    let mut args = tests.to_vec();
    for param in params {
        args.extend(["--extra-params", param]);
    }
    run(&[pack], &args)
}

#[test]
fn a_machine_is_kept_for_an_equal_one_and_no_other() {
    let tests = ["leave_mark", "find_mark", "no_mark", "leave_mark"];
    let job = with("fixture-guest", &tests, &["kill_vm=no"]);
    job.assert_statuses(&[Status::Pass; 4]);
    // The third asks for other memory, and the fourth for that of the first again, whose machine is gone by then: both
    // find guests without a mark.
    let log = job.log();
    assert_eq!(
        log.matches("goes on from an earlier test").count(),
        1,
        "{log}"
    );
    job.assert_clean(3);
}

#[test]
fn a_machine_is_started_anew_if_it_is_asked_for() {
    let tests = ["leave_mark", "leave_mark"];
    let job = with("fixture-guest", &tests, &["kill_vm=no", "restart_vm=yes"]);
    job.assert_statuses(&[Status::Pass; 2]);
    assert!(job.log().contains("restart_vm = yes"), "{}", job.log());
    job.assert_clean(2);
}

#[test]
fn what_a_failure_leaves_is_its_own_affair() {
    let kept = with(
        "fixture-fail",
        &["fail"],
        &[
            "kill_vm=yes",
            "kill_vm_on_error=no",
            "kill_unresponsive_vms=no",
        ],
    );
    kept.assert_statuses(&[Status::Fail]);
    assert!(
        kept.log().contains("is kept for later tests"),
        "{}",
        kept.log()
    );
    kept.assert_clean(1);
    let ended = with(
        "fixture-fail",
        &["fail"],
        &["kill_vm=no", "kill_vm_on_error=yes"],
    );
    ended.assert_statuses(&[Status::Fail]);
    assert!(!ended.log().contains("is kept for later tests"));
    ended.assert_clean(1);
}

#[test]
fn the_postprocess_runs_after_every_end() {
    let mark = "post_command=echo after $KVM_TEST_type, no $KVM_TEST_password";
    let cases = [
        ("fixture-panic", "panic", Status::Error),
        ("fixture-spin", "spin", Status::Error),
        ("fixture-skip", "skip", Status::Skip),
        ("fixture-fail", "fail", Status::Fail),
    ];
    for (pack, test, status) in cases {
        let job = with(pack, &[test], &[mark, "vms="]);
        job.assert_statuses(&[status]);
        let line = format!("post_command: after {test}, no\n");
        assert!(job.log().contains(&line), "{}", job.log());
    }
    let unready = with("fixture-fail", &["fail"], &[mark, "pre_command=exit 3"]);
    unready.assert_statuses(&[Status::Error]);
    assert_eq!(unready.reasons(), ["pre_command ended with exit status: 3"]);
    assert!(unready.log().contains("post_command: after fail"));
    unready.assert_clean(0);
}

#[test]
fn the_postprocess_runs_after_an_interrupt() {
    let args = [
        "spin",
        "--extra-params",
        "test_timeout=3600",
        "--extra-params",
        "vms=",
        "--extra-params",
        "post_command=echo after the interrupt",
    ];
    let mut running = Running::start(&["fixture-spin"], &args);
    running.wait_for(|event| match &event.kind {
        EventKind::TestPhase(phase) if phase.phase == Phase::Run => Some(()),
        _ => None,
    });
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let job = running.finish();
    job.assert_statuses(&[Status::Interrupted]);
    assert!(job.log().contains("post_command: after the interrupt"));
}

#[test]
fn a_command_that_takes_too_long_is_killed() {
    let slow = ["vms=", "pre_command=sleep 1000", "pre_command_timeout=1"];
    let job = with("fixture-nothing", &["nothing"], &slow);
    job.assert_statuses(&[Status::Error]);
    let reason = job.reasons()[0];
    assert!(
        reason.contains("pre_command took longer than 1s"),
        "{reason}"
    );
    let noncritical = [&slow[..], &["pre_command_noncritical=yes"]].concat();
    let job = with("fixture-nothing", &["nothing"], &noncritical);
    job.assert_statuses(&[Status::Pass]);
    assert!(job.log().contains("pre_command_noncritical = yes"));
}

#[test]
fn a_process_that_is_left_is_named_and_ended() {
    // It is waited for until it is what it is to become.
    let stray = "pre_command=setsid sleep 1000 >/dev/null 2>&1 & \
                 until grep -q sleep /proc/$!/comm; do :; done; echo stray $!";
    let stray_of = |job: &Job| -> String {
        let log = job.log();
        let line = log
            .lines()
            .find_map(|line| line.strip_prefix("pre_command: stray "));
        line.expect("the process is told").to_owned()
    };
    let job = with("fixture-nothing", &["nothing", "sandbox"], &["vms=", stray]);
    job.assert_statuses(&[Status::Error, Status::Error]);
    let stray_pid = stray_of(&job);
    let leak = format!("postprocess: the process {stray_pid} (sleep) was left");
    assert_eq!(job.reasons()[0], leak);
    assert!(!std::path::Path::new("/proc").join(stray_pid).exists());

    let job = with("fixture-fail", &["fail"], &["vms=", stray]);
    job.assert_statuses(&[Status::Fail]);
    let detail = job.ends()[0].detail.clone().unwrap_or_default();
    assert!(detail.contains("(sleep) was left"), "{detail}");
}

/// Here a reservation works (as root), or the test says what it lacks.
#[test]
fn huge_pages_are_reserved_and_given_back() {
    let file = "/proc/sys/vm/nr_hugepages";
    let reserved = || std::fs::read_to_string(file).unwrap();
    let before = reserved();
    let params = ["hugepage=yes", "setup_hugepages=yes"];
    let job = with("fixture-guest", &["leave_mark"], &params);
    assert_eq!(reserved(), before);
    if rustix::process::geteuid().is_root() {
        job.assert_statuses(&[Status::Pass]);
        assert!(job.log().contains("huge pages of"), "{}", job.log());
        let dir = &job.ends()[0].dir;
        let line = job.file(&format!("{dir}/qemu-avocado-vt-vm1.cmdline"));
        assert!(line.contains("hugetlb"), "{line}");
    } else {
        job.assert_statuses(&[Status::Error]);
        let reason = job.reasons()[0];
        assert!(reason.contains("setup_hugepages needs root"), "{reason}");
    }
}

#[test]
fn what_depends_on_a_failure_and_what_says_so_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("deps.cfg");
    let text = "test_timeout = 60\nvms =\nvariants:\n    - install:\n        type = fail\n    - boot: install\n        \
                type = nothing\n    - stress: boot\n        type = nothing\n    - never:\n        type = nothing\n        \
                skip = yes\n    - other:\n        type = nothing\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let job = run(
        &["fixture-nothing", "fixture-fail"],
        &["--config-file", file],
    );
    job.assert_statuses(&[
        Status::Fail,
        Status::Skip,
        Status::Skip,
        Status::Skip,
        Status::Pass,
    ]);
    let reasons = job.reasons();
    assert_eq!(
        reasons[1],
        "the test depends on `install`, and install did not pass"
    );
    assert_eq!(
        reasons[2],
        "the test depends on `boot`, and boot did not pass"
    );
    assert!(
        reasons[3].starts_with("skip = yes (") && reasons[3].contains("deps.cfg:12"),
        "{}",
        reasons[3]
    );
}

#[test]
fn a_host_that_is_not_as_the_test_asks_is_no_failure() {
    let job = with(
        "fixture-nothing",
        &["nothing"],
        &["vms=", "cmds_installed_host=sh no-such-program"],
    );
    job.assert_statuses(&[Status::Skip]);
    assert!(
        job.reasons()[0].ends_with(": no-such-program"),
        "{:?}",
        job.reasons()
    );
    assert_eq!(job.code, 0);
}

#[test]
fn what_vthost_does_not_make_is_no_silent_pass() {
    for asked in ["storage_type=nbd", "pci_assignable=pf"] {
        let job = with("fixture-guest", &["commands"], &[asked]);
        job.assert_statuses(&[Status::Skip]);
        assert!(
            job.reasons()[0].contains("does not do yet"),
            "{:?}",
            job.reasons()
        );
    }
    let job = with(
        "fixture-nothing",
        &["nothing"],
        &["required_qemu=(,6.0)", "vms=vm1"],
    );
    job.assert_statuses(&[Status::Skip]);
    assert!(
        job.reasons()[0].contains("required_qemu"),
        "{:?}",
        job.reasons()
    );
}

#[test]
fn an_image_that_is_made_for_a_test_goes_with_it() {
    let job = with("fixture-guest", &["write_disk"], &[]);
    job.assert_statuses(&[Status::Pass]);
    let log = job.log();
    let made = log.lines().find(|line| line.contains("made the image stg"));
    let made = made.expect("the image is told").rsplit(' ').next().unwrap();
    assert!(made.starts_with("/var/tmp/vthost-"), "{made}");
    assert!(!std::path::Path::new(made).exists());
    job.assert_clean(1);
}

#[test]
fn a_job_that_is_killed_leaves_no_machine_and_the_next_one_clears_its_directory() {
    let mut running = Running::start(&["fixture-guest"], &["visit"]);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    let dir = std::fs::read_link(format!("/proc/{qemu}/cwd")).unwrap();
    running.kill();
    while is_qemu(qemu) {
        std::thread::yield_now();
    }
    let job_dir = dir.parent().unwrap();
    // Another test may have begun a job in the meantime: any next one clears.
    let next = run(&["fixture-nothing"], &["nothing"]);
    next.assert_statuses(&[Status::Pass]);
    assert!(!job_dir.exists(), "{} is left", job_dir.display());
}

#[test]
fn what_the_kernel_of_a_guest_complains_of_is_told() {
    let job = with("fixture-guest", &["complain"], &[]);
    job.assert_statuses(&[Status::Error]);
    let reason = job.reasons()[0];
    assert!(
        reason.contains("the kernel of avocado-vt-vm1 complains") && reason.contains("swap-space"),
        "{reason}"
    );
    let expected = ["expected_guest_dmesg=swap-space"];
    with("fixture-guest", &["complain"], &expected).assert_statuses(&[Status::Pass]);
    let ignored = ["guest_dmesg_ignore=yes"];
    let job = with("fixture-guest", &["complain"], &ignored);
    job.assert_statuses(&[Status::Pass]);
    assert!(job.log().contains("complains in"), "{}", job.log());
}

#[test]
fn a_screen_that_changes_is_recorded_and_one_that_does_not_is_told() {
    let often = ["screendump_delay=0.2", "keep_ppm_files=yes"];
    let watcher = ["inactivity_treshold=0.5", "inactivity_watcher=error"];
    let job = with("fixture-guest", &["commands"], &[often, watcher].concat());
    job.assert_statuses(&[Status::Error]);
    let reason = job.reasons()[0];
    assert!(reason.contains("has not changed for 0.5 s"), "{reason}");
    let dir = job.dir().join(&job.ends()[0].dir);
    let pictures = std::fs::read_dir(dir.join("screendumps_avocado-vt-vm1")).unwrap();
    let endings: Vec<_> = pictures
        .map(|entry| entry.unwrap().path().extension().unwrap().to_owned())
        .collect();
    let count = |ending: &str| endings.iter().filter(|found| *found == ending).count();
    assert!(
        count("png") >= 2 && count("png") == count("ppm"),
        "{endings:?}"
    );
    let video = std::fs::read(dir.join("video-avocado-vt-vm1.apng")).unwrap();
    assert!(video.starts_with(b"\x89PNG"));
    assert!(
        video.windows(4).any(|chunk| chunk == b"acTL"),
        "it is animated"
    );

    let thrown_away = ["keep_screendumps=no", "keep_video_files=no"];
    let job = with("fixture-guest", &["commands"], &thrown_away);
    job.assert_statuses(&[Status::Pass]);
    let dir = job.dir().join(&job.ends()[0].dir);
    assert!(!dir.join("screendumps_avocado-vt-vm1").exists());
    assert!(!dir.join("video-avocado-vt-vm1.apng").exists());
}
