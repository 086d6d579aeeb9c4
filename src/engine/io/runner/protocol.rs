//! What engine and runner say to each other: one JSON value a line, requests on the runner's standard input, answers on
//! its standard output. Private to one run of one binary.

use super::identity::Identity;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How much of a script's output is kept.
pub const KEPT: usize = 4 << 10;
/// The longest line that is taken.
pub const LONGEST: usize = 256 << 10;

/// To the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Run this; exactly one [`Ended`] with its number follows.
    Run {
        /// The engine's number.
        id: u64,
        /// What.
        job: Job,
    },
    /// End it early.
    Cancel {
        /// Its number.
        id: u64,
    },
}

/// A script to run once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The program, as a path or a name to look for, and its arguments.
    pub command: Vec<String>,
    /// Who runs it.
    pub identity: Identity,
    /// Root does not run it when somebody else can change it.
    pub secure: bool,
    /// How long it may take.
    pub limit: Duration,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The request's number.
    pub id: u64,
    /// Its end.
    pub how: How,
    /// The first 4 KiB of what it printed on standard output and standard error.
    pub output: String,
    /// How long it took.
    pub took: Duration,
    /// What others than root can change of what root ran.
    pub exposed: Option<PathBuf>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal of somebody else.
    Killed(i32),
    /// It took too long and was ended.
    TimedOut,
    /// The engine asked for it.
    Cancelled,
    /// It never ran, and why.
    NotRun(String),
    /// It can't be run as it lies there: it is missing, not its user's to run, or not safe for root.
    Unfit(String),
}

impl Ended {
    /// Whether its exit code was 0.
    pub fn succeeded(&self) -> bool {
        self.how == How::Exited(0)
    }
}

impl Ended {
    /// Whether it never ran because there is no process any more that could run it.
    pub fn is_without_runner(&self) -> bool {
        matches!(&self.how, How::NotRun(why) if why == LOST)
    }
}

/// Why what ran when that process was killed has no end.
pub(super) const AGAIN: &str = "the process that runs scripts was ended by somebody, and is started again";

/// Why nothing runs once that process has ended for good.
pub(super) const LOST: &str = "the process that runs scripts has ended; restart lvsdeck";

/// For operators: `exit code 1 after 12 ms: "connection refused"`. What a success printed is of no interest.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.took.as_millis();
        match &self.how {
            How::Exited(0) => return write!(f, "exit code 0 after {millis} ms"),
            How::Exited(code) => write!(f, "exit code {code} after {millis} ms")?,
            How::Killed(signal) => write!(f, "killed by signal {signal} after {millis} ms")?,
            How::TimedOut => write!(f, "ended after {millis} ms, for taking too long")?,
            How::Cancelled => write!(f, "ended early after {millis} ms")?,
            How::NotRun(why) | How::Unfit(why) => return f.write_str(why),
        }
        let printed: String = self.output.trim().lines().last().unwrap_or("").chars().take(200).collect();
        if printed.is_empty() { Ok(()) } else { write!(f, ": {printed:?}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_with_the_last_line_that_was_printed() {
        let ended = |how, output: &str| {
            Ended { id: 1, how, output: output.to_owned(), took: Duration::from_millis(12), exposed: None }.to_string()
        };
        assert_eq!(ended(How::Exited(0), "all is well"), "exit code 0 after 12 ms");
        assert_eq!(ended(How::Exited(7), "a\ncan't connect\n\n"), "exit code 7 after 12 ms: \"can't connect\"");
        assert_eq!(ended(How::NotRun("no such file".into()), ""), "no such file");
        let long = ended(How::TimedOut, &"x".repeat(4096));
        assert!(long.len() < 300 && long.starts_with("ended after 12 ms, for taking too long: \"xxx"), "{long}");
        assert!(!ended(How::Exited(1), "\u{1b}[31mred").contains('\u{1b}'), "no terminal's commands get through");
    }
}
