//! What comes of a command: how it ended, what it changes, how it is taken back.

use super::{Changed, Command};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A dry run: nothing was done.
    Preview,
    /// Done.
    Done,
    /// Not done; `message` says why and what to do next.
    Refused,
    /// Begun and not finished; `message` says how far it came.
    Failed,
    /// Refused because what the preview showed has changed since: HTTP 409.
    Stale,
}

impl Outcome {
    /// The outcome as JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Stale => "stale",
        }
    }
}

/// A command that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    /// Its number.
    pub id: u64,
    /// The command, as `ctl` is told it.
    pub command: String,
    /// Who gave it.
    pub who: String,
    /// Seconds since it was done.
    pub age_s: u64,
    /// What takes it back.
    pub undo: Command,
}

/// What a command does, for people to read before it acts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    /// The objects as they are, a line each.
    pub before: Vec<String>,
    /// The same objects as they will be.
    pub after: Vec<String>,
    /// What is done to the kernel or on the wire, a line each.
    pub ops: Vec<String>,
    /// The equivalent ipvsadm commands; empty where there is none.
    pub ipvsadm: Vec<String>,
    /// Who feels it: connections, share of capacity, addresses.
    pub blast_radius: String,
    /// The command that takes it back, when there is one.
    pub undo: Option<Command>,
    /// Why what that brings back was wanted, as it was given then.
    #[serde(skip)]
    pub undo_reason: Option<String>,
    /// The services and real servers that it changes.
    #[serde(skip)]
    pub changed: Vec<Changed>,
    /// When what it ends or changes would end by itself; with other ends it is another preview.
    #[serde(skip)]
    pub ends: Vec<Instant>,
    /// The word to type before it is done, for the worst: the console asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

impl Preview {
    /// Whether nothing would change.
    pub const fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.ops.is_empty()
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Number of the command in this run of the engine; 0 for a dry run.
    pub id: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// A sentence: what was done, or why not and what to do next.
    pub message: String,
    /// What was (or would be) changed.
    #[serde(flatten)]
    pub preview: Preview,
    /// Commits exactly this preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Answer {
    /// A refusal.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { id: 0, outcome: Outcome::Refused, message: message.into(), preview: Preview::default(), token: None }
    }
}

impl Preview {
    /// Names exactly this preview of this command: a commit with another token is stale. Means something within one run of
    /// the engine only.
    pub fn token(&self, command: &Command) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        format!("{command:?} {:?} {:?} {:?} {:?}", self.before, self.after, self.ops, self.ends).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}
