//! What happened: numbered facts for the journal, the console and `ctl events` (layer 2).

use super::command::{Asked, Command, Outcome, Who, clean, steers};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// A kind of event. Names are promises: they are listed in `docs/api.md` and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The engine runs; subject: the node.
    EngineStarted,
    /// The engine stops in order.
    EngineStopping,
    /// A virtual router changed its state; `from` and `to` are states, `reason` says why.
    InstanceState,
    /// An advertisement was refused; subject: the instance, `reason`: the check that failed, `detail`: from whom. Sent
    /// for the first of its kind and sender, then at most once a minute with the number in `detail`.
    AdvertisementRejected,
    /// Another master is heard while this one is master.
    SplitBrain,
    /// An interface came, went, or changed its link.
    Link,
    /// A virtual address was added or removed; `to` is `present` or `absent`.
    Address,
    /// A real server's health changed; subject: `VS RS`.
    ServerHealth,
    /// A check failed or passed without changing the health yet (`reason`: `2/3 fails: timeout`).
    CheckResult,
    /// A real server's weight in the table changed.
    ServerWeight,
    /// The operator's wish for a real server changed (enabled, draining, maintenance; `ended` where its object left the file).
    ServerAdmin,
    /// What else an operator set beside the file: a weight, or what a reload or the end of its time makes of it; `from` and
    /// `to` say both in words, of which [`own_weight`] reads the weight.
    Override,
    /// A real server joined or left the table; `to` is `present` or `absent`.
    ServerTable,
    /// A service joined or left the table.
    ServiceTable,
    /// A service's quorum was gained or lost.
    Quorum,
    /// The kernel differs from what lvsdeck wants; `from` is wanted, `to` is found.
    Drift,
    /// The kernel or the system refused an operation; `reason` says which way out there is.
    OperationRefused,
    /// A command ended, one event each (none for a dry run); subject: the verb, `to`: the outcome, `who` and `reason` as it
    /// was given, `detail`: the whole command as `ctl` is told it, a colon, and the answer's message.
    Command,
    /// An operator holds an instance: `to` is `begun` or `ended` (`failover`, `takeover`), or `priority 50`, with `of the file`
    /// behind it when that counts again.
    Hold,
    /// A reload gave an instance another priority: `from` and `to`.
    Priority,
    /// A tracked script counts differently: `up`, `down`, or `left-out` when it can't be run; `reason` is what its last run
    /// came to.
    Script,
    /// A tracked interface, process or file counts differently; subject: `process NAME`, `to`: `up`, `down` or the file's
    /// number, `reason`: what was seen.
    Tracked,
    /// Connection synchronisation was started, ended or turned: `from` and `to` are `off`, `master`, `backup` or both.
    SyncDaemon,
    /// Something the operator should know (a warning of the configuration or of the host).
    Warning,
    /// A kind that this version does not know: an engine of another version, or its journal, told it. Never told by an engine.
    #[serde(other)]
    Unknown,
}

impl EventKind {
    /// Whether an event is a change of state that an operator counts from (`chg 12s`).
    pub const fn is_change(self) -> bool {
        match self {
            Self::InstanceState
            | Self::SplitBrain
            | Self::Link
            | Self::ServerHealth
            | Self::ServerWeight
            | Self::ServerAdmin
            | Self::Override
            | Self::ServerTable
            | Self::ServiceTable
            | Self::Quorum
            | Self::Priority
            | Self::Script
            | Self::Tracked
            | Self::SyncDaemon => true,
            Self::EngineStarted
            | Self::EngineStopping
            | Self::AdvertisementRejected
            | Self::Address
            | Self::CheckResult
            | Self::Drift
            | Self::OperationRefused
            | Self::Command
            | Self::Hold
            | Self::Warning
            | Self::Unknown => false,
        }
    }
    /// The kind as JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EngineStarted => "engine-started",
            Self::EngineStopping => "engine-stopping",
            Self::InstanceState => "instance-state",
            Self::AdvertisementRejected => "advertisement-rejected",
            Self::SplitBrain => "split-brain",
            Self::Link => "link",
            Self::Address => "address",
            Self::ServerHealth => "server-health",
            Self::CheckResult => "check-result",
            Self::ServerWeight => "server-weight",
            Self::ServerAdmin => "server-admin",
            Self::Override => "override",
            Self::ServerTable => "server-table",
            Self::ServiceTable => "service-table",
            Self::Quorum => "quorum",
            Self::Drift => "drift",
            Self::OperationRefused => "operation-refused",
            Self::Command => "command",
            Self::Hold => "hold",
            Self::Script => "script",
            Self::Tracked => "tracked",
            Self::Priority => "priority",
            Self::SyncDaemon => "sync-daemon",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
        }
    }
}

/// How an [`EventKind::Override`] says a weight that an operator gave.
const BY_OPERATOR: &str = " by an operator in place of ";

/// A weight as an [`EventKind::Override`] says it.
pub fn weight_words(weight: u32, of_file: u32) -> String {
    let instead = if weight == of_file { String::new() } else { format!("{BY_OPERATOR}{of_file}") };
    format!("weight {weight}{instead}")
}

/// The weight that an operator gave, in the words of an [`EventKind::Override`]; none where the file's counts.
pub fn own_weight(words: &str) -> Option<u32> {
    words.split_once(BY_OPERATOR)?.0.rsplit(' ').next()?.parse().ok()
}

/// How much an event matters: the journal, the log's level and the console's mark follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Progress.
    Info,
    /// A state that an operator asked for or expects.
    Notice,
    /// Something is worse than before.
    Warning,
    /// Service is or may be lost.
    Error,
}

/// A fact as a pure core reports it: no number and no time yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What kind.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: an instance, a service key, or `VS RS`.
    pub subject: String,
    /// State before, where there is one.
    pub from: Option<String>,
    /// State after, where there is one.
    pub to: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who asked, where somebody did.
    pub who: Option<String>,
    /// More, for people.
    pub detail: Option<String>,
}

/// Most characters of a command's reason, and of who gave it, that are kept.
pub const MAX_REASON: usize = 256;
/// Most characters of a command with its answer that are kept.
const MAX_DETAIL: usize = 1024;

impl Fact {
    /// A fact with a kind, a severity and a subject; the rest by the `with` functions.
    pub fn new(kind: EventKind, severity: Severity, subject: impl Into<String>) -> Self {
        Self { kind, severity, subject: subject.into(), from: None, to: None, reason: None, who: None, detail: None }
    }
    /// A command that was refused before it came to the engine, as far as it could be read. What came from outside is cut and
    /// cleaned here.
    pub fn not_permitted(command: Option<&Command>, who: &Who, why: &str) -> Self {
        let (verb, whole) =
            command.map_or(("unreadable", "a command that can't be read".to_owned()), |c| (c.verb(), c.to_string()));
        let fact = Self::new(EventKind::Command, Severity::Warning, verb).to(Outcome::Refused.name());
        fact.who(clean(&who.to_string(), MAX_REASON)).detail(clean(&format!("{whole}: {why}"), MAX_DETAIL))
    }
    /// How a command ended, whoever carried it out; none for a dry run. What came from outside is cut and cleaned here.
    pub fn command(asked: &Asked, outcome: Outcome, message: impl Into<String>) -> Option<Self> {
        let severity = match outcome {
            Outcome::Preview => Severity::Info,
            // The file on disk would not run: neither would the next start.
            Outcome::Refused if asked.command == Command::Reload => Severity::Warning,
            Outcome::Done | Outcome::Refused | Outcome::Stale => Severity::Notice,
            Outcome::Failed => Severity::Warning,
        };
        let fact = Self::new(EventKind::Command, severity, asked.command.verb()).to(outcome.name());
        let undoes = asked.undoes.as_ref().map(|undoes| format!("undo of {}", undoes.what));
        let reasons: Vec<&str> = undoes.as_deref().into_iter().chain(asked.reason.as_deref()).collect();
        let reason = (!reasons.is_empty()).then(|| clean(&reasons.join(": "), MAX_REASON));
        let detail = clean(&format!("{}: {}", asked.command, message.into()), MAX_DETAIL);
        let fact = Self { reason, ..fact.who(clean(&asked.who.to_string(), MAX_REASON)).detail(detail) };
        (!asked.dry_run).then_some(fact)
    }
    /// The change of a state.
    #[must_use]
    pub fn change(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self.to = Some(to.into());
        self
    }
    /// The state it came to.
    #[must_use]
    pub fn to(mut self, to: impl Into<String>) -> Self {
        self.to = Some(to.into());
        self
    }
    /// Why it happened.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
    /// Who asked for it.
    #[must_use]
    pub fn who(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }
    /// More about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// A fact with its number and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1 without gaps within one run of the engine.
    pub seq: u64,
    /// Wall clock, RFC 3339 on the wire.
    #[serde(with = "super::snapshot::rfc3339")]
    pub at: SystemTime,
    /// Milliseconds since the engine started, from the monotonic clock.
    pub monotonic_ms: u64,
    /// What kind.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// State before.
    pub from: Option<String>,
    /// State after.
    pub to: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who asked.
    pub who: Option<String>,
    /// More, for people.
    pub detail: Option<String>,
}

impl Event {
    /// Stamps a fact. Whatever it was made of, no text in it steers a terminal or is longer than a line.
    pub fn stamp(fact: Fact, seq: u64, at: SystemTime, monotonic_ms: u64) -> Self {
        // As it is written: who asks how it was at that moment means this event too.
        let below = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos() % 1_000_000);
        let at = at.checked_sub(Duration::from_nanos(below.into())).unwrap_or(at);
        let Fact { kind, severity, subject, from, to, reason, who, detail } = fact;
        let subject = harmless(subject);
        let [from, to, reason, who, detail] = [from, to, reason, who, detail].map(|text| text.map(harmless));
        Self { seq, at, monotonic_ms, kind, severity, subject, from, to, reason, who, detail }
    }
    /// What it is about, in the words of people: the subject, or `drain of 2 servers` of several acts in one.
    pub fn about(&self) -> &str {
        self.several().map_or(&self.subject, |(act, _)| act)
    }
    /// What several acts in one were, `drain of 2 servers`, and each of them with the end of it.
    pub fn several(&self) -> Option<(&str, &str)> {
        let detail = self.detail.as_deref().filter(|_| self.kind == EventKind::Command && self.subject == "several");
        detail?.split_once(": ")
    }
}

fn harmless(text: String) -> String {
    if text.chars().any(steers) { clean(&text, usize::MAX) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Command, Who};

    #[test]
    fn no_text_of_an_event_steers_a_terminal() {
        let fact = Fact::new(EventKind::ServerAdmin, Severity::Notice, "a\nb").reason("\u{1b}[2Jx").detail("wéb");
        let event = Event::stamp(fact.who("anna\u{202e}"), 1, SystemTime::UNIX_EPOCH, 0);
        let texts = [Some(event.subject), event.reason, event.who, event.detail].map(Option::unwrap);
        assert_eq!(texts, ["a?b", "?[2Jx", "anna?", "wéb"]);
    }

    #[test]
    fn the_settings_know_every_kind_and_no_other() {
        let kinds = crate::engine::model::EVENT_KINDS;
        for name in kinds {
            let kind: EventKind = serde_json::from_value((*name).into()).unwrap();
            assert_eq!(kind.name(), *name);
        }
        // It is the last: all others are before it.
        assert_eq!(kinds.len(), EventKind::Unknown as usize);
        assert_eq!(serde_json::from_value::<EventKind>("no-such".into()).unwrap(), EventKind::Unknown);
    }

    #[test]
    fn every_command_leaves_the_same_trace_and_a_dry_run_none() {
        let asked = |dry_run| {
            let who = Who { user: "anna".into(), ..Who::default() };
            let reason = Some("kernel\nupdate".to_owned());
            Asked {
                id: 1,
                command: Command::Rejoin { instance: None },
                dry_run,
                token: None,
                force: false,
                who,
                reason,
                undoes: None,
            }
        };
        for (outcome, word, severity) in [
            (Outcome::Done, "done", Severity::Notice),
            (Outcome::Refused, "refused", Severity::Notice),
            (Outcome::Stale, "stale", Severity::Notice),
            (Outcome::Failed, "failed", Severity::Warning),
        ] {
            let fact = Fact::new(EventKind::Command, severity, "rejoin").to(word);
            let fact = fact.who("anna").reason("kernel?update").detail("rejoin --all: because");
            assert_eq!(Fact::command(&asked(false), outcome, "because"), Some(fact));
            assert_eq!(Fact::command(&asked(true), outcome, "because"), None);
        }
    }
}
