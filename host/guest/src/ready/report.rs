//! How far the ladder was climbed, in words.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::escapes::{sanitize, tail_for_humans};

/// How much of the console stands in a message.
const CONSOLE_LINES: usize = 10;
const CONSOLE_CHARS: usize = 1000;

/// How far the ladder was climbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderReport {
    /// Every rung that was set foot on, from the lowest.
    pub rungs: Vec<RungReport>,
    /// The time from the first step.
    pub elapsed: Duration,
    /// What the caller knows about the guest; asked for only when the top was not reached.
    pub facts: GuestFacts,
}

/// What happened on one rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungReport {
    /// Which.
    pub rung: Rung,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it failed.
    pub failures: u32,
    /// Why it failed the last time.
    pub last_reason: Option<String>,
    /// The time spent on it.
    pub spent: Duration,
}

/// How far the way into a guest has been gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The guest's own sign that it is up (its console shows a login prompt or a marker).
    Gate,
    /// TCP connection, and the first word of the shell server.
    Banner,
    /// Key exchange and authentication by ssh; the dialogue and the shell by telnet.
    Login,
    /// A shell under control.
    Shell,
}

/// What is known about a guest that cannot be logged into, by whoever runs it: this crate sees only its shell server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestFacts {
    /// The state of the machine, e.g. `running`.
    pub machine: Option<String>,
    /// The last lines of the console.
    pub console: Option<String>,
    /// What the guest agent says.
    pub agent: Option<String>,
    /// The file with the last screen.
    pub screen: Option<PathBuf>,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gate => "sign of the guest",
            Self::Banner => "banner",
            Self::Login => "login",
            Self::Shell => "shell",
        })
    }
}

impl fmt::Display for LadderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rung) in self.rungs.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            let RungReport {
                rung,
                attempts,
                failures,
                last_reason,
                spent,
            } = rung;
            write!(
                f,
                "{rung}: failed {failures} of {attempts} in {:.1} s",
                spent.as_secs_f64()
            )?;
            if let Some(reason) = last_reason {
                write!(f, " ({reason})")?;
            }
        }
        self.facts.fmt(f)
    }
}

/// Each fact behind a semicolon; nothing if nothing is known.
impl fmt::Display for GuestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(machine) = &self.machine {
            write!(f, "; machine: {}", sanitize(machine))?;
        }
        if let Some(agent) = &self.agent {
            write!(f, "; agent: {}", tail_for_humans(agent, 1, 200))?;
        }
        if let Some(screen) = &self.screen {
            write!(f, "; screen: {}", screen.display())?;
        }
        if let Some(console) = &self.console {
            let console = tail_for_humans(console, CONSOLE_LINES, CONSOLE_CHARS);
            let console = if console.is_empty() {
                "silent"
            } else {
                &console
            };
            write!(f, "; console: {console}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_and_made_harmless() {
        let facts = GuestFacts {
            machine: Some("running".to_owned()),
            console: Some("\x1b[2Jbooting\r\nKernel panic\r\n".to_owned()),
            agent: Some("no answer".to_owned()),
            screen: Some("/results/screen.png".into()),
        };
        assert_eq!(
            facts.to_string(),
            "; machine: running; agent: no answer; screen: /results/screen.png; console: booting | Kernel panic"
        );
        assert_eq!(GuestFacts::default().to_string(), "");
        let silent = GuestFacts {
            console: Some("\r\n".to_owned()),
            ..GuestFacts::default()
        };
        assert_eq!(silent.to_string(), "; console: silent");
    }
}
