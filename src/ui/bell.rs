//! When the terminal's bell rings: never, unless somebody said so.

use crate::engine::{Event, EventKind, Severity};
use crate::ui::rows::event_list;
use crate::ui::state::Kinds;
use std::str::FromStr;

/// What rings the bell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bell {
    /// Nothing.
    #[default]
    Never,
    /// What needs a person at once: two masters, an instance that can't serve, a server or a service that is down.
    Critical,
    /// Every change of state of an instance, a server, a link or an address.
    Changes,
}

impl Bell {
    /// Each of them with its word.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Never, "never"), (Self::Critical, "critical"), (Self::Changes, "changes")];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(bell, _)| *bell == self).map_or("never", |(_, word)| word)
    }

    /// Whether this event rings it.
    pub fn rings(self, event: &Event) -> bool {
        let is_critical = event.severity == Severity::Error || event.kind == EventKind::SplitBrain;
        match self {
            Self::Never => false,
            Self::Critical => is_critical,
            Self::Changes => is_critical || event_list::is_of(Kinds::States, event),
        }
    }
}

impl FromStr for Bell {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map(|(bell, _)| *bell).ok_or_else(|| format!("bell is never, critical or changes, and not \"{word}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn event(kind: EventKind, severity: Severity) -> Event {
        Event {
            seq: 1,
            at: SystemTime::UNIX_EPOCH,
            monotonic_ms: 0,
            kind,
            severity,
            subject: String::new(),
            from: None,
            to: None,
            reason: None,
            who: None,
            detail: None,
        }
    }

    #[test]
    fn it_rings_for_what_its_word_says() {
        for (kind, severity, rings) in [
            (EventKind::ServerHealth, Severity::Error, [false, true, true]),
            (EventKind::ServerHealth, Severity::Notice, [false, false, true]),
            (EventKind::SplitBrain, Severity::Warning, [false, true, true]),
            (EventKind::InstanceState, Severity::Notice, [false, false, true]),
            (EventKind::CheckResult, Severity::Warning, [false, false, false]),
            (EventKind::Command, Severity::Notice, [false, false, false]),
        ] {
            assert_eq!(Bell::ALL.map(|(bell, _)| bell.rings(&event(kind, severity))), rings, "{kind:?} {severity:?}");
        }
        assert_eq!("critical".parse(), Ok(Bell::Critical));
        assert!("loud".parse::<Bell>().unwrap_err().contains("never, critical or changes"));
    }
}
