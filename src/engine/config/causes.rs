//! One mistake, one message: what only comes of a name that nobody defined, of a template that was not filled in or of a file
//! that is missing is told at its cause.

use super::diagnostic::Problem;
use super::source::{Sources, Span};

/// Something that makes whatever stands at its places wrong.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    code: &'static str,
    what: String,
    /// What happens where nothing comes of it that has a message of its own.
    otherwise: &'static str,
    help: String,
    /// Whether it stops the configuration from running by itself, whatever comes of it.
    is_error: bool,
    /// Whether it says enough, whatever comes of it.
    is_whole: bool,
    places: Vec<Span>,
    /// Further places, which were not kept.
    more: usize,
}

/// Causes that are kept, and places of each.
const MOST_PLACES: usize = 1_000;

impl Cause {
    /// A cause that says with its first consequence what follows.
    pub fn new(code: &'static str, what: String, otherwise: &'static str, help: String) -> Self {
        Self { code, what, otherwise, help, is_error: false, is_whole: false, places: Vec::new(), more: 0 }
    }
    /// A cause that is an error by itself, and says enough.
    pub fn error(code: &'static str, what: &str, otherwise: &'static str, help: &str) -> Self {
        Self { is_error: true, ..Self::whole(code, what.to_owned(), otherwise, help.to_owned()) }
    }
    /// A cause that says enough.
    pub fn whole(code: &'static str, what: String, otherwise: &'static str, help: String) -> Self {
        Self { is_whole: true, ..Self::new(code, what, otherwise, help) }
    }

    /// Its places, where it is a name that is not defined.
    pub fn undefined(&self) -> impl Iterator<Item = Span> {
        self.places.iter().copied().filter(|_| self.code == "definition")
    }

    /// The message, without those that it stands for.
    fn told(self, problems: &mut Vec<Problem>, sources: &Sources) -> Option<Problem> {
        let (mut consequence, mut is_error, mut breaking) = (None, self.is_error, None);
        let mut places: Vec<_> = self.places.iter().map(|at| sources.written_at(*at)).collect();
        places.sort_unstable();
        let first = *places.first()?;
        problems.retain(|problem| {
            let (code, breaks, at) = problem.subject();
            let at = sources.written_at(at);
            let place = places.iter().position(|place| overlap(*place, at));
            let Some(place) = place.filter(|_| !FOR_ITSELF.contains(&code)) else { return true };
            is_error |= breaks;
            breaking = breaking.or(breaks.then_some(code));
            if place == 0 && (consequence.is_none() || breaks) {
                consequence = Some(problem.clone());
            }
            false
        });
        let is_hidden = consequence.as_ref().is_some_and(Problem::is_secret);
        let follows = consequence.filter(|_| !self.is_whole && !is_hidden);
        let message = match follows {
            Some(problem) => format!("{}: {}", self.what, problem.message()),
            None => format!("{}: {}", self.what, self.otherwise),
        };
        let mut lines: Vec<_> = places.iter().map(|at| (at.source, sources.place(*at).line)).collect();
        lines.sort_unstable();
        lines.dedup();
        let more = match lines.len() - 1 + self.more {
            0 => String::new(),
            1 => " (also on 1 more line)".to_owned(),
            more => format!(" (also on {more} more lines)"),
        };
        // What keepalived does is known of what the name's place says of it, where the name alone breaks nothing.
        let code = breaking.filter(|_| self.code == "definition" && !self.is_error).unwrap_or(self.code);
        let problem = Problem::new(is_error, first, code, message + &more).help(self.help);
        Some(if is_hidden { problem.secret() } else { problem })
    }
}

/// What is worth a message of its own wherever it stands.
const FOR_ITSELF: &[&str] = &["not-acted-on", "missing-brace", "missing-word", "difference"];

const fn overlap(one: Span, other: Span) -> bool {
    one.source == other.source
        && one.start < other.start.saturating_add(other.length)
        && other.start < one.start.saturating_add(one.length)
}

/// Adds a place to the cause that says the same, or the cause. Beyond those that are kept an error is a message of its own.
pub(super) fn note(causes: &mut Vec<Cause>, cause: Cause, at: Span) -> Option<Problem> {
    let is_full = causes.len() >= MOST_PLACES;
    match causes.iter_mut().find(|known| known.what == cause.what) {
        Some(known) if known.places.len() < MOST_PLACES => known.places.push(at),
        Some(known) => known.more += 1,
        None if is_full => {
            return cause
                .is_error
                .then(|| Problem::error(at, cause.code, format!("{}: {}", cause.what, cause.otherwise)));
        }
        None => causes.push(Cause { places: vec![at], ..cause }),
    }
    None
}

/// The causes as messages, in the place of what comes of them.
pub(super) fn gathered(causes: Vec<Cause>, problems: &mut Vec<Problem>, sources: &Sources) {
    let told: Vec<_> = causes.into_iter().filter_map(|cause| cause.told(problems, sources)).collect();
    problems.extend(told);
    missing_files(problems);
}

/// Names that are not known, and like no other one, where a file is not there that may define them.
fn missing_files(problems: &mut Vec<Problem>) {
    let is_missing = |problem: &Problem| problem.subject().0 == "include";
    if !problems.iter().any(is_missing) {
        return;
    }
    let before = problems.len();
    problems.retain(|problem| problem.subject().0 != "unknown-name" || problem.subject().1 || problem.has_help());
    let names = match before - problems.len() {
        0 => return,
        1 => "1 name that is used here is not known".to_owned(),
        names => format!("{names} names that are used here are not known"),
    };
    if let Some(problem) = problems.iter_mut().find(|problem| is_missing(problem)) {
        problem.add(&format!("; {names} without what is missing"));
    }
}
