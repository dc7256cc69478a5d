//! Sessions against real shells, a real sshd and a real console login, all on this machine.

mod pty;
mod ready;
mod serial;
mod server;
mod shell;
mod ssh;
