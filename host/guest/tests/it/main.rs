//! Sessions against real shells, a real sshd and a real console login, all on this machine.

mod agent;
mod build;
mod cmd;
mod crowd;
mod dropbear;
mod hard;
mod network;
mod pty;
mod ready;
mod rss;
mod serial;
mod server;
mod shell;
mod ssh;
mod stream;
mod tcp;
mod transfer;
