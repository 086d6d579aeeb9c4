//! How a drain or a maintenance goes, and in how many words.

use super::rfc3339;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::SystemTime;

/// A server that an operator took out: since when, who and why, what is left of it, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainStatus {
    /// Since when.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// Who had the last word on it; none where that is not known.
    pub who: Option<String>,
    /// Why, as it was given.
    pub reason: Option<String>,
    /// The weight that it gets back when it is restored.
    pub weight: u32,
    /// Connections that it is empty without: the active ones; the inactive ones too where the kernel calls all of them so (UDP) or
    /// the protocol is not known (a firewall mark).
    pub left: u32,
    /// Clients that persistence binds to it (templates): their new connections come to it at weight 0 too. 0 where the kernel lets go
    /// of them then (`net.ipv4.vs.expire_quiescent_template` is 1).
    #[serde(default)]
    pub bound: u32,
    /// About how many seconds until none is left, at the pace of the last half minute; 0: none is. None: there is no pace yet, they
    /// do not get fewer, or clients are bound to it.
    pub empty_in_s: Option<u64>,
    /// When it leaves the table whatever is left; none without a deadline.
    #[serde(with = "rfc3339::option")]
    pub deadline_at: Option<SystemTime>,
    /// The deadline passed: it is out of the table until `restore`.
    pub is_over: bool,
    /// When it ends by itself.
    #[serde(with = "rfc3339::option")]
    pub return_at: Option<SystemTime>,
}

/// What an operator changed of a server beside the file: since when, who and why. Of a drain or a maintenance, where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideStatus {
    /// When the last word on it was said.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// By whom.
    pub who: String,
    /// Why, as it was given.
    pub reason: Option<String>,
    /// The weight that it has by that while it serves.
    pub weight: u32,
    /// When it ends by itself, and the server serves again or has the file's weight; none: it stays until `restore`.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<SystemTime>,
}

/// `anna since 2026-11-29T12:00:00Z until 2026-11-29T14:00:00Z: new kernel`.
impl fmt::Display for OverrideStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.who, humantime::format_rfc3339_seconds(self.since))?;
        self.until.map_or(Ok(()), |until| write!(f, " until {}", humantime::format_rfc3339_seconds(until)))?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl DrainStatus {
    /// `empty in about 40s, out in 8m`: what comes next, with spans of time written by `span` (of seconds).
    pub fn outlook(&self, now: SystemTime, span: impl Fn(u64) -> String) -> String {
        let until = |at: SystemTime| span(at.duration_since(now).map_or(0, |left| left.as_secs()));
        let empty = match (self.is_over, self.empty_in_s, self.bound) {
            (true, ..) => "nothing goes to it".to_owned(),
            (false, Some(0), _) => "empty".to_owned(),
            (false, Some(left), _) => format!("empty in about {}", span(left)),
            (false, None, 0) => "empty at a time unknown".to_owned(),
            (false, None, 1) => "1 persistent client still comes to it".to_owned(),
            (false, None, bound) => format!("{bound} persistent clients still come to it"),
        };
        let out = self.deadline_at.map(|at| format!("out in {}", until(at)));
        let back = self.return_at.map(|at| format!("back in {}", until(at)));
        std::iter::once(empty).chain(out).chain(back).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_outlook_says_what_is_known_and_that_it_is_unknown() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let drain = DrainStatus {
            since: now,
            who: None,
            reason: None,
            weight: 1,
            left: 31,
            bound: 0,
            empty_in_s: None,
            deadline_at: None,
            is_over: false,
            return_at: None,
        };
        let after = |seconds| Some(now + Duration::from_secs(seconds));
        for (drain, said) in [
            (drain.clone(), "empty at a time unknown"),
            (DrainStatus { empty_in_s: Some(40), ..drain.clone() }, "empty in about 40s"),
            (DrainStatus { deadline_at: after(60), ..drain.clone() }, "empty at a time unknown, out in 60s"),
            (DrainStatus { left: 0, empty_in_s: Some(0), return_at: after(9), ..drain.clone() }, "empty, back in 9s"),
            (DrainStatus { left: 0, bound: 1, ..drain.clone() }, "1 persistent client still comes to it"),
            (DrainStatus { bound: 22, ..drain.clone() }, "22 persistent clients still come to it"),
            (DrainStatus { is_over: true, ..drain }, "nothing goes to it"),
        ] {
            assert_eq!(drain.outlook(now, |seconds| format!("{seconds}s")), said);
        }
    }
}
