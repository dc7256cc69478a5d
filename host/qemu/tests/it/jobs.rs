//! Block jobs. The data is written by QEMU's own `qemu-io` through the device, as a guest would.

use std::time::Duration;

use serde_json::Value;
use vthost_qemu::block::{
    Backing, Backup, BackupSync, BlockAction, BlockJob, Commit, JobEnd, JobOptions, JobState,
    NewBitmap, NewNode, OnError, Stream,
};
use vthost_qemu::spec::DriveFormat;

use crate::common::{Bench, LONG};
use crate::disk::{MIB, holds, image_holds, mirror_to, overlay, target, with_disk, write};
use crate::life::signal;

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_pile_up_and_are_committed_and_streamed() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    write(&machine, 1, 0).await;
    let frozen = machine
        .live_snapshot(&[overlay(&bench, "snap1")])
        .await
        .expect("taken");
    assert_eq!(frozen, ["drive_disk1"]);
    write(&machine, 2, 1).await;
    let frozen = machine
        .live_snapshot_sync(&overlay(&bench, "snap2"))
        .await
        .expect("taken");
    assert_eq!(frozen, "snap1");
    write(&machine, 3, 2).await;
    machine
        .live_snapshot(&[overlay(&bench, "snap3")])
        .await
        .expect("taken");
    write(&machine, 4, 3).await;
    let medium = machine.block_device("disk1").await.expect("there").medium;
    let medium = medium.expect("a disk");
    assert_eq!((medium.node.as_str(), medium.backing_depth), ("snap3", 3));
    let name = |node: &str| overlay(&bench, node).path.display().to_string();
    assert_eq!(medium.backing_file, Some(name("snap2")));
    assert_eq!(medium.virtual_size, 16 * MIB);

    // An overlay in the middle goes down into the one below it.
    let middle = Commit {
        node: "snap3".to_owned(),
        top: Some("snap2".to_owned()),
        base: Some("snap1".to_owned()),
        job: JobOptions::default(),
    };
    let job = machine.commit(&middle).await.expect("started");
    assert_eq!(
        job.wait(&machine, LONG).await.expect("done"),
        JobEnd::Completed
    );
    // All that is left of it goes up: the disk stands alone.
    let stream = Stream {
        node: "snap3".to_owned(),
        base: Some("drive_disk1".to_owned()),
        job: JobOptions::default(),
    };
    let job = machine.stream(&stream).await.expect("started");
    job.wait(&machine, LONG).await.expect("done");
    let depth = async || {
        let medium = machine.block_device("disk1").await.expect("there").medium;
        medium.expect("a disk").backing_depth
    };
    assert_eq!(depth().await, 1);
    // The active layer goes down: the device is on the base again.
    let active = Commit {
        node: "snap3".to_owned(),
        top: None,
        base: None,
        job: JobOptions::default(),
    };
    let job = machine.commit(&active).await.expect("started");
    job.complete(&machine, LONG).await.expect("done");
    assert_eq!(
        machine.root_node("disk1").await.expect("there"),
        "drive_disk1"
    );
    for (pattern, place) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
        assert!(holds(&machine, pattern, place).await, "{pattern}");
    }
    assert_eq!(
        machine.jobs().await.expect("asked"),
        [],
        "all are dismissed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_takes_the_place_of_the_disk_or_does_not() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    write(&machine, 7, 0).await;
    let first = target(&machine, &bench, "target1").await;
    let node = machine.root_node("disk1").await.expect("there");
    let job = machine
        .mirror(&mirror_to(node.clone(), "target1"))
        .await
        .expect("started");
    job.ready(&machine, LONG).await.expect("ready");
    assert_eq!(
        job.status(&machine).await.expect("exists").state,
        JobState::Ready
    );
    write(&machine, 8, 1).await;
    job.complete(&machine, LONG).await.expect("pivots");
    assert_eq!(machine.root_node("disk1").await.expect("there"), "target1");
    let medium = machine.block_device("disk1").await.expect("there").medium;
    let file = first.path.display().to_string();
    assert_eq!(
        medium.expect("a disk").file,
        file,
        "its name, not the descriptor's"
    );
    assert!(holds(&machine, 7, 0).await && holds(&machine, 8, 1).await);

    // Cancelled when it is ready, the target is a copy and the guest stays where it is.
    let second = target(&machine, &bench, "target2").await;
    let job = machine
        .mirror(&mirror_to("target1".to_owned(), "target2"))
        .await
        .expect("started");
    job.ready(&machine, LONG).await.expect("ready");
    let end = job.cancel(&machine, false, LONG).await.expect("ends");
    assert_eq!(end, JobEnd::Completed);
    assert_eq!(machine.root_node("disk1").await.expect("there"), "target1");
    machine.delete_node("target2").await.expect("unused");
    assert!(image_holds(&second.path, 7, 0) && image_holds(&second.path, 8, 1));
    let sets = machine.qmp().execute("query-fdsets", Value::Null).await;
    let sets = sets.expect("asked");
    assert_eq!(
        sets.as_array().map(Vec::len),
        Some(1),
        "only target1: {sets}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_slowed_paused_and_cancelled() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    for place in 0..8 {
        write(&machine, 9, place).await;
    }
    target(&machine, &bench, "target1").await;
    let mut mirror = mirror_to("drive_disk1".to_owned(), "target1");
    mirror.job.speed = Some(1);
    mirror.job.id = Some("copy".to_owned());
    let job = machine.mirror(&mirror).await.expect("started");
    let short = Duration::from_millis(200);
    let error = job.ready(&machine, short).await.expect_err("far too slow");
    let message = error.to_string();
    assert!(
        message.starts_with("mirror job \"copy\" is not ready after 0.2 s: it is Running, "),
        "{message}"
    );
    job.pause(&machine).await.expect("pauses");
    job.resume(&machine).await.expect("goes on");
    assert_eq!(
        job.cancel(&machine, true, LONG).await.expect("ends"),
        JobEnd::Cancelled
    );
    let error = job.status(&machine).await.expect_err("dismissed");
    assert!(
        error
            .to_string()
            .starts_with("there is no mirror job \"copy\" any more")
    );

    let job = machine.mirror(&mirror).await.expect("the id is free again");
    job.set_speed(&machine, 0).await.expect("faster");
    job.ready(&machine, LONG).await.expect("ready");
    job.cancel(&machine, true, LONG).await.expect("ends");

    // A QEMU that is killed in the middle of a job.
    let job = machine.mirror(&mirror).await.expect("started");
    let wait = job.ready(&machine, LONG * 10);
    let kill = async {
        tokio::task::yield_now().await;
        signal(&machine, rustix::process::Signal::KILL);
    };
    let (outcome, ()) = tokio::join!(wait, kill);
    let error = outcome.expect_err("killed");
    assert!(error.is_ended(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_says_why() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    write(&machine, 1, 0).await;
    // A target on which every write fails.
    let full = serde_json::json!({ "driver": "raw", "node-name": "full", "size": 16 * MIB,
        "file": { "driver": "blkdebug", "image": { "driver": "null-co", "size": 16 * MIB },
            "inject-error": [{ "event": "none", "iotype": "write", "errno": 28 }] } });
    machine
        .qmp()
        .execute("blockdev-add", full)
        .await
        .expect("added");
    let backup = Backup {
        node: "drive_disk1".to_owned(),
        target: "full".to_owned(),
        sync: BackupSync::Full,
        compress: false,
        job: JobOptions::default(),
    };
    let job = machine.backup(&backup).await.expect("started");
    let error = job.wait(&machine, LONG).await.expect_err("no space");
    let message = error.to_string();
    assert!(
        message.starts_with("backup job \"backup_")
            && message.contains("failed: No space left on device"),
        "{message}"
    );
    // In a group, the other one does not succeed either.
    target(&machine, &bench, "good").await;
    let other = Backup {
        target: "good".to_owned(),
        ..backup.clone()
    };
    let group = [
        BlockAction::Backup(backup.clone()),
        BlockAction::Backup(other),
    ];
    let jobs = machine.transaction(&group, true).await.expect("begin");
    jobs[0].wait(&machine, LONG).await.expect_err("no space");
    let end = jobs[1].wait(&machine, LONG).await.expect("ends");
    assert_eq!(end, JobEnd::Cancelled);
    // Told to stop at errors, it pauses instead.
    let mut patient = backup.clone();
    patient.job.on_error = OnError::Enospc;
    let since = machine.qmp().cursor();
    let job = machine.backup(&patient).await.expect("started");
    machine
        .qmp()
        .wait_event("BLOCK_JOB_ERROR", since, LONG)
        .await
        .expect("told");
    let short = Duration::from_millis(200);
    let error = job.wait(&machine, short).await.expect_err("it pauses");
    assert!(error.to_string().contains("it is Paused"), "{error}");
    assert_eq!(
        job.cancel(&machine, true, LONG).await.expect("ends"),
        JobEnd::Cancelled
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn incremental_backups_follow_a_bitmap() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    write(&machine, 1, 0).await;
    let full = target(&machine, &bench, "full").await;
    let node = "drive_disk1".to_owned();
    // The bitmap begins at the very moment that the full backup holds.
    let job = JobOptions::default();
    let backup = |target: &str, sync| Backup {
        node: node.clone(),
        target: target.to_owned(),
        sync,
        compress: false,
        job: job.clone(),
    };
    let actions = [
        BlockAction::Backup(backup("full", BackupSync::Full)),
        BlockAction::BitmapAdd(NewBitmap::new(&node, "changes")),
    ];
    let jobs: Vec<BlockJob> = machine.transaction(&actions, false).await.expect("begins");
    assert_eq!(jobs.len(), 1);
    jobs[0].wait(&machine, LONG).await.expect("done");
    write(&machine, 2, 5).await;
    let bitmap = async |name: &str| {
        let nodes = machine.block_nodes().await.expect("listed");
        let bitmaps = nodes.into_iter().flat_map(|node| node.bitmaps);
        bitmaps
            .into_iter()
            .find(|bitmap| bitmap.name.as_deref() == Some(name))
    };
    let changes = bitmap("changes").await.expect("there");
    assert_eq!((changes.count, changes.recording), (MIB, true));

    machine
        .add_bitmap(NewBitmap {
            granularity: Some(65536),
            disabled: true,
            ..NewBitmap::new(&node, "other")
        })
        .await
        .expect("added");
    machine
        .merge_bitmaps(&node, "other", &["changes".to_owned()])
        .await
        .expect("merged");
    assert_eq!(bitmap("other").await.expect("there").count, MIB);
    machine
        .enable_bitmap(&node, "other", true)
        .await
        .expect("on");
    assert!(bitmap("other").await.expect("there").recording);
    machine
        .enable_bitmap(&node, "other", false)
        .await
        .expect("off");
    machine.clear_bitmap(&node, "other").await.expect("cleared");
    assert_eq!(bitmap("other").await.expect("there").count, 0);
    machine.remove_bitmap(&node, "other").await.expect("gone");
    assert_eq!(bitmap("other").await, None);

    let path = bench.path().join("delta.qcow2");
    let delta = NewNode {
        backing: Backing::Node("full".to_owned()),
        ..NewNode::new("delta", path, DriveFormat::Qcow2)
    };
    machine.create_node(&delta, 16 * MIB).await.expect("made");
    let sync = BackupSync::Incremental {
        bitmap: "changes".to_owned(),
    };
    let job = machine
        .backup(&backup("delta", sync))
        .await
        .expect("starts");
    job.wait(&machine, LONG).await.expect("done");
    assert_eq!(bitmap("changes").await.expect("there").count, 0);
    machine.delete_node("delta").await.expect("unused");
    machine.delete_node("full").await.expect("unused");
    assert!(image_holds(&full.path, 1, 0) && image_holds(&full.path, 0, 5));
    assert!(image_holds(&delta.path, 2, 5));
}
