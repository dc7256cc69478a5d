//! The tasks behind a job: one reads its channel to the end, one writes to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::bytes::Regex;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::scanner::Scanner;
use crate::expect::DEFAULT_CAPACITY;
use crate::ssh::Slot;
use crate::tail::Tail;
use crate::transport::Ending;

/// A greeting that has not come within so many bytes will not come: the user's login shell is no POSIX shell.
const GREETING_WINDOW: usize = 64 * 1024;

/// After the exit of a command its channel stays open for as long as a child in the background holds the output. The command
/// has ended all the same: what it wrote itself is on the way, and so long a silence shows that it has come.
const SILENCE_AFTER_EXIT: Duration = Duration::from_secs(2);
/// A child that goes on writing is not listened to for longer.
const LONGEST_AFTER_EXIT: Duration = Duration::from_secs(10);

/// How long the last word to the shell of a job may wait for room in the channel.
const FAREWELL: Duration = Duration::from_secs(5);

/// How the command ended.
#[derive(Clone, Debug)]
pub(super) enum Finish {
    Exit { status: i32, signal: Option<String> },
    Gone(String),
}

pub(super) enum Order {
    Stdin(Vec<u8>),
    EndOfStdin,
}

/// What a command has written.
pub(super) struct Output {
    pub(super) tail: Tail,
    /// What the shell of the job says first: its process id. `None` once it was seen (or will not come).
    pub(super) greeting: Option<Regex>,
    pub(super) pid: Option<u32>,
}

impl Output {
    pub(super) fn new(greeting: Option<Regex>) -> Self {
        Self {
            tail: Tail::new(DEFAULT_CAPACITY),
            greeting,
            pid: None,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.tail.push(bytes);
        let Some(greeting) = &self.greeting else {
            return;
        };
        if let Some(found) = greeting.captures(self.tail.bytes()) {
            self.pid = found
                .get(1)
                .and_then(|m| std::str::from_utf8(m.as_bytes()).ok()?.parse().ok());
            let place = found.get_match().range();
            self.tail.cut(place);
            self.greeting = None;
        } else if self.tail.bytes().len() > GREETING_WINDOW {
            self.greeting = None;
        }
    }
}

/// The two streams of a job whose shell says where they end: standard output, standard error.
pub(super) type Scanners = Option<[Scanner; 2]>;

/// Reads the channel until the job or the channel ends, so that one job's output never holds up the connection.
pub(super) async fn collect(
    mut channel: ChannelReadHalf,
    mut scanners: Scanners,
    output: Arc<Mutex<Output>>,
    finish: watch::Sender<Option<Finish>>,
    connection: Ending,
    rest: oneshot::Sender<ChannelReadHalf>,
) {
    let mut exit: Option<(Finish, Instant)> = None;
    loop {
        let message = match &exit {
            None => channel.wait().await,
            Some((_, last)) => {
                let silence = (Instant::now() + SILENCE_AFTER_EXIT).min(*last);
                timeout_at(silence, channel.wait()).await.unwrap_or(None)
            }
        };
        let ended = match message {
            None => break,
            Some(message @ (ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. })) => {
                match take(message, scanners.as_mut(), &output) {
                    // Told by the shell of the job, which waits for the channel to be closed.
                    Some(status) => {
                        let signal = None;
                        exit = Some((Finish::Exit { status, signal }, Instant::now()));
                        break;
                    }
                    None => continue,
                }
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => Finish::Exit {
                status: i32::try_from(exit_status).unwrap_or(i32::MAX),
                signal: None,
            },
            Some(ChannelMsg::ExitSignal {
                signal_name: signal,
                ..
            }) => Finish::Exit {
                status: 128 + signal_number(&signal),
                signal: Some(signal_name(&signal)),
            },
            Some(ChannelMsg::Failure) => {
                Finish::Gone("the guest refused to start the command".to_owned())
            }
            Some(_) => continue,
        };
        exit = Some((ended, Instant::now() + LONGEST_AFTER_EXIT));
    }
    let exit = exit.map_or_else(
        || {
            let reason = connection.facts().reason;
            Finish::Gone(
                reason.unwrap_or_else(|| "the channel was closed without a status".to_owned()),
            )
        },
        |(finish, _)| finish,
    );
    for scanner in scanners.iter_mut().flatten() {
        lock(&output).push(&scanner.rest());
    }
    // Together, so that a job that has just ended is not taken for one that never said its process id.
    let mut output = lock(&output);
    output.greeting = None;
    // Fails only if nobody holds the job any more.
    let _ = finish.send(Some(exit));
    drop(output);
    // Fails only if the runtime ends.
    let _ = rest.send(channel);
}

/// Keeps what came on one of the streams; gives the status once both have ended.
fn take(
    message: ChannelMsg,
    scanners: Option<&mut [Scanner; 2]>,
    output: &Mutex<Output>,
) -> Option<i32> {
    let (data, stream) = match message {
        ChannelMsg::Data { data } => (data, 0),
        ChannelMsg::ExtendedData { data, .. } => (data, 1),
        _ => return None,
    };
    let Some(scanners) = scanners else {
        lock(output).push(&data);
        return None;
    };
    let clean = scanners[stream].feed(&data);
    lock(output).push(&clean);
    let [out, err] = scanners;
    out.status().filter(|_| err.status().is_some())
}

/// Carries out what the job's owner wants, until the owner is gone or the command has ended; then the channel is free for
/// another. `rest` is the channel after the end of the command.
pub(super) async fn obey(
    channel: ChannelWriteHalf<Msg>,
    mut orders: mpsc::Receiver<Order>,
    mut finished: watch::Receiver<Option<Finish>>,
    rest: oneshot::Receiver<ChannelReadHalf>,
    slot: Slot,
) {
    let mut open = true;
    let turns = slot.turns().clone();
    let work = async {
        while let Some(order) = orders.recv().await {
            let done = match order {
                Order::Stdin(bytes) => channel.data_bytes(bytes).await,
                Order::EndOfStdin => {
                    open = false;
                    channel.eof().await
                }
            };
            if done.is_err() {
                return;
            }
        }
    };
    // A command that has ended does not take what is still to be written.
    let mut ended = tokio::select! {
        () = work => false,
        _ = finished.wait_for(Option::is_some) => true,
    };
    if !ended && turns.needed() {
        // Nobody would let the command end at the right time if its channel were closed now.
        if open {
            open = false;
            // Fails only if the connection is gone.
            let _ = channel.eof().await;
        }
        ended = finished.wait_for(Option::is_some).await.is_ok();
    }
    let turn = turns.take().await;
    if ended && open {
        // What the shell of the job waits for. Fails only if the connection is gone, or the shell.
        let _ = timeout(FAREWELL, channel.data_bytes(&b"\n"[..])).await;
    }
    let seen = !turns.needed() || timeout(FAREWELL, closed(rest)).await.is_ok();
    // Fails only if the connection is gone, and the channel with it.
    let _ = channel.close().await;
    if seen {
        drop(slot);
    } else {
        slot.abandon();
    }
    drop(turn);
}

/// Waits until the guest has closed a channel.
async fn closed(rest: oneshot::Receiver<ChannelReadHalf>) {
    if let Ok(mut rest) = rest.await {
        while rest.wait().await.is_some() {}
    }
}

fn lock(output: &Mutex<Output>) -> std::sync::MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a signal without `SIG`.
pub(crate) fn signal_name(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// The number of a signal on Linux; the protocol carries names only.
fn signal_number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(_) => 0,
    }
}
