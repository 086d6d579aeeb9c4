//! One event as a line of the list of changes: `-12s x 10.0.3.21:80 DOWN timeout`.

use crate::engine::{Event, EventKind, Severity};
use crate::ui::theme::Paint;

/// Whether an event belongs to what changed. Passing checks and refused packets are for the log, and a command says itself what it
/// set.
pub fn shown(event: &Event) -> bool {
    !matches!(event.kind, EventKind::CheckResult | EventKind::Override) || event.severity >= Severity::Notice
}

/// The mark: `x` worse, `+` better, `~` a check failed, `*` somebody acted, `!` look here, `-` a fact.
pub fn mark(event: &Event) -> (char, Paint) {
    let to = event.to.as_deref().unwrap_or("").to_ascii_lowercase();
    match (event.kind, to.as_str()) {
        (EventKind::Command | EventKind::ServerAdmin | EventKind::Override, _) => ('*', Paint::Drain),
        (EventKind::CheckResult, _) => ('~', Paint::Warning),
        (_, "down" | "fault" | "lost") => ('x', Paint::Down),
        (_, "up" | "master" | "present" | "gained") => ('+', Paint::Up),
        (_, _) if event.severity == Severity::Error => ('x', Paint::Down),
        (_, _) if event.severity == Severity::Warning => ('!', Paint::Warning),
        (EventKind::ServerWeight, to) if event.from.as_deref().is_some_and(|from| number(from) < number(to)) => {
            ('+', Paint::Text)
        }
        _ => ('-', Paint::Text),
    }
}

fn number(weight: &str) -> u64 {
    weight.parse().unwrap_or(0)
}

/// Who did something, in a word: who logged in, or else the user of the process.
pub fn name_of(who: &str) -> &str {
    let login = who.split(", ").find_map(|part| part.strip_prefix("logged in as "));
    login.or_else(|| who.split([' ', ',']).next()).unwrap_or(who)
}

/// What happened, in as few words as possible.
pub fn text(event: &Event) -> String {
    said(event, None)
}

/// The same with the service that it is about behind the change.
pub fn said(event: &Event, service: Option<&str>) -> String {
    let mut words: Vec<String> = Vec::new();
    if let Some(who) = &event.who {
        words.push(name_of(who).to_owned());
    }
    // `VS RS`: the server is what a reader looks for.
    let of_several = event.several();
    match of_several {
        Some((act, _)) => words.push(act.to_owned()),
        None => words.push(event.subject.rsplit(' ').next().unwrap_or(&event.subject).to_owned()),
    }
    let change = match (event.kind, &event.from, &event.to) {
        (EventKind::ServerWeight | EventKind::Drift | EventKind::Priority, Some(from), Some(to)) => {
            Some(format!("{from}>{to}"))
        }
        (
            EventKind::ServerTable
            | EventKind::ServiceTable
            | EventKind::Address
            | EventKind::Command
            | EventKind::Override,
            _,
            Some(to),
        ) => Some(to.clone()),
        (EventKind::Warning, Some(code), Some(_)) => Some(format!("{code} is over")),
        (_, _, Some(to)) => Some(to.to_uppercase()),
        _ => None,
    };
    let kind = match event.kind {
        EventKind::ServerWeight => Some("weight"),
        EventKind::Quorum => Some("quorum"),
        EventKind::SplitBrain => Some("SPLIT-BRAIN"),
        EventKind::AdvertisementRejected => Some("advert refused"),
        EventKind::OperationRefused => Some("kernel refused"),
        EventKind::EngineStarted => Some("engine started"),
        EventKind::EngineStopping => Some("engine stopping"),
        EventKind::Drift => Some("drift"),
        EventKind::Hold => Some("hold"),
        EventKind::Priority => Some("priority"),
        EventKind::Script => Some("script"),
        EventKind::ServerTable | EventKind::ServiceTable => Some("table"),
        EventKind::InstanceState
        | EventKind::SyncDaemon
        | EventKind::Tracked
        | EventKind::Link
        | EventKind::Address
        | EventKind::ServerHealth
        | EventKind::CheckResult
        | EventKind::ServerAdmin
        | EventKind::Override
        | EventKind::Command
        | EventKind::Warning
        | EventKind::Unknown => None,
    };
    words.extend(kind.map(str::to_owned));
    words.extend(change);
    words.extend(service.map(str::to_owned));
    words.extend(event.reason.clone());
    if event.reason.is_none() {
        // A command and its end: of several, what is said of each of them; of one, not the verb that stands before it already.
        let one = || event.detail.as_ref().map(|detail| detail.strip_prefix(event.subject.as_str()).unwrap_or(detail));
        words.extend(
            of_several.map(|(_, rest)| rest).or_else(one).map(|said| said.trim_start_matches([':', ' ']).to_owned()),
        );
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_acts_in_one_are_called_what_they_are() {
        let event = Event {
            seq: 1,
            at: std::time::SystemTime::UNIX_EPOCH,
            monotonic_ms: 0,
            kind: EventKind::Command,
            severity: Severity::Notice,
            subject: "several".to_owned(),
            from: None,
            to: Some("done".to_owned()),
            reason: None,
            who: Some("root, pid 7".to_owned()),
            detail: Some("drain of 2 servers: drain 10.0.0.71:80; drain 10.0.0.72:80: is 0".to_owned()),
        };
        let said = text(&event);
        assert_eq!(said, "root drain of 2 servers done drain 10.0.0.71:80; drain 10.0.0.72:80: is 0");
        assert_eq!(event.about(), "drain of 2 servers");
        let reload = Event { subject: "reload".to_owned(), detail: Some("reload: read".to_owned()), ..event };
        assert_eq!((reload.about(), text(&reload)), ("reload", "root reload done read".to_owned()), "no verb twice");
        let drain = Event {
            subject: "drain".to_owned(),
            detail: Some("drain 10.0.0.71:80: drains".to_owned()),
            ..reload.clone()
        };
        assert_eq!(text(&drain), "root drain done 10.0.0.71:80: drains");
        let priority = Event {
            kind: EventKind::Priority,
            subject: "VI_db".to_owned(),
            from: Some("150".to_owned()),
            to: Some("140".to_owned()),
            who: None,
            detail: None,
            ..reload
        };
        assert_eq!(text(&priority), "VI_db priority 150>140");
    }
}
