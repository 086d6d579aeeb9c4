//! From the preview to the commit, and what its answer means.
//!
//! Nothing here changes the director without a dry run that the operator saw and a token that names exactly that dry run.

use crate::engine::{Answer, Command, CommandRequest, Outcome, Preview};
use crate::ui::intent::Effect;
use crate::ui::popup::{Field, Phase, Popup, PreviewPopup, Target};
use crate::ui::state::{Tone, UiState};
use crate::ui::update::{acts, on_key, targets};
use crate::ui::widgets::preview::reach;
use std::time::Duration;

/// How long a preview is on the screen before Enter means it: a double tap in a form or in the list of undo ends earlier.
const READ: Duration = Duration::from_millis(300);
/// Most lines of what changed.
const MOST_CHANGES: usize = 8;

/// Asks the engine what a command would do, and shows that on top of what is there.
pub fn preview(state: &mut UiState, command: Command, always_type: Option<String>) -> Vec<Effect> {
    preview_of(state, command, always_type, Vec::new())
}

/// The same of an act for these servers, of which some may be as it would make them already.
pub fn preview_of(
    state: &mut UiState,
    command: Command,
    always_type: Option<String>,
    meant: Vec<Target>,
) -> Vec<Effect> {
    state.serial += 1;
    state.said = None;
    let request = CommandRequest { command, reason: None, dry_run: true, token: None, force: false };
    let hidden = targets::hidden_text(state, &request.command);
    state.popups.push(Popup::Preview(Box::new(PreviewPopup {
        title: describe(&request.command),
        request: request.clone(),
        serial: state.serial,
        phase: Phase::Asking,
        always_type,
        typed: Field::default(),
        hidden,
        overtaken: None,
        meant,
        changed: Vec::new(),
        unread_until: None,
        scroll: 0,
        ahead: Vec::new(),
    })));
    vec![Effect::Command(state.serial, request)]
}

/// A command in a line, in the words of `ctl`.
pub fn describe(command: &Command) -> String {
    match command {
        Command::Several { .. } => command.act().into_owned(),
        other => other.to_string(),
    }
}

/// Enter in a preview: commits what was shown when nothing is missing.
pub fn commit(state: &mut UiState) -> Vec<Effect> {
    let serial = state.serial + 1;
    if let Some(why) = acts::no_room(state) {
        state.say(Tone::Bad, why);
        return Vec::new();
    }
    if state.lost.is_some() {
        state.say(Tone::Bad, "the engine does not answer: nothing was done; Enter again when it does");
        return Vec::new();
    }
    // What was not on screen yet is read first.
    let (below, lines) = reach(state);
    let Some(Popup::Preview(popup)) = state.popups.last_mut() else { return Vec::new() };
    if below > 0 && matches!(popup.phase, Phase::Ready(_)) {
        popup.scroll += lines.clamp(1, below);
        return Vec::new();
    }
    let missing = popup.required().is_some_and(|word| popup.typed.text().trim() != word);
    let answer = match &popup.phase {
        Phase::Ready(answer) => answer,
        Phase::Refused(_) | Phase::Failed(_) => {
            state.popups.pop();
            return Vec::new();
        }
        Phase::Asking => {
            state.say(Tone::Bad, "the engine has not said yet what this would do");
            return Vec::new();
        }
        Phase::Committing(_) => {
            state.say(Tone::Bad, "this is being done already; Esc does not wait for its end");
            return Vec::new();
        }
    };
    if popup.unread_until.is_some() {
        state.say(Tone::Bad, "Enter came before this could be read: nothing was done; Enter again does it");
        return Vec::new();
    }
    if missing {
        let word = popup.required().unwrap_or_default().to_owned();
        state.say(Tone::Bad, format!("type {word} to confirm, or press Esc"));
        return Vec::new();
    }
    let request = CommandRequest { dry_run: false, token: answer.token.clone(), ..popup.request.clone() };
    popup.phase = Phase::Committing(answer.clone());
    popup.serial = serial;
    (state.serial, state.said) = (serial, None);
    vec![Effect::Command(serial, request)]
}

/// What an answer means: for the preview on top when it is that one's, otherwise for the status line.
pub fn on_answer(state: &mut UiState, serial: u64, answer: Result<Box<Answer>, String>) -> Vec<Effect> {
    state.dirty = true;
    let read_at = state.clock + READ;
    let at = state.popups.iter().position(|p| matches!(p, Popup::Preview(popup) if popup.serial == serial));
    let Some(Popup::Preview(popup)) = at.and_then(|at| state.popups.get_mut(at)) else {
        return without_popup(state, answer);
    };
    if !matches!(&answer, Ok(answer) if answer.outcome == Outcome::Done) {
        // It was typed for what comes after this, and that does not come.
        popup.ahead.clear();
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            popup.phase = Phase::Refused(why);
            return Vec::new();
        }
    };
    match (answer.outcome, &popup.phase) {
        (Outcome::Preview, _) if answer.preview.is_empty() => {
            state.popups.clear();
            state.say(Tone::Good, format!("nothing to do: {}", answer.message));
            Vec::new()
        }
        (Outcome::Preview, _) => {
            let mut is_anew = false;
            if let Some(old) = popup.overtaken.take() {
                popup.changed = difference(&old, &answer.preview);
                // All of it is read again, what changed first.
                popup.scroll = 0;
                is_anew = true;
            }
            popup.phase = Phase::Ready(answer);
            // A word takes its time.
            popup.unread_until = popup.required().is_none().then_some(read_at);
            if is_anew {
                state.say(Tone::Bad, "nothing was done: it would do something else by now; read it again");
            }
            Vec::new()
        }
        (Outcome::Done, _) => {
            if popup.meant.len() > 1 || matches!(popup.request.command, Command::Several { .. }) {
                state.table.marks.clear();
            }
            let ahead = std::mem::take(&mut popup.ahead);
            state.popups.clear();
            state.say(Tone::Good, answer.message);
            let mut effects = vec![Effect::Poll];
            effects.extend(ahead.iter().flat_map(|key| on_key(state, key)));
            effects
        }
        (Outcome::Stale, Phase::Committing(shown)) => {
            // What is new is seen when the engine has said it anew: a refusal need not carry it.
            popup.overtaken = Some(Box::new(shown.preview.clone()));
            popup.typed = Field::default();
            show_again(state, at)
        }
        (Outcome::Refused | Outcome::Stale, _) => {
            popup.phase = Phase::Refused(answer.message);
            vec![Effect::Poll]
        }
        (Outcome::Failed, _) => {
            popup.phase = Phase::Failed(answer.message);
            vec![Effect::Poll]
        }
    }
}

/// Asks for the preview anew, because the old one is not true any more.
fn show_again(state: &mut UiState, at: Option<usize>) -> Vec<Effect> {
    state.serial += 1;
    let serial = state.serial;
    let Some(Popup::Preview(popup)) = at.and_then(|at| state.popups.get_mut(at)) else { return Vec::new() };
    popup.serial = serial;
    popup.phase = Phase::Asking;
    vec![Effect::Command(serial, popup.request.clone()), Effect::Poll]
}

/// What differs between two previews of a command: the lines that are not in both, with a sign.
fn difference(old: &Preview, new: &Preview) -> Vec<String> {
    let clauses = |preview: &Preview| preview.blast_radius.split("; ").map(str::to_owned).collect::<Vec<_>>();
    let touches = (clauses(old), clauses(new));
    let states = [(&old.before, &new.before), (&old.after, &new.after)];
    let mut found: Vec<String> = states.into_iter().flat_map(|(old, new)| changes(old, new)).collect();
    if found.is_empty() {
        found = changes(&old.ops, &new.ops);
    }
    found.extend(changes(&touches.0, &touches.1));
    if found.is_empty() {
        return vec!["what this does is not what was shown: look at it again".to_owned()];
    }
    if found.len() > MOST_CHANGES {
        let more = found.len() - MOST_CHANGES;
        found.truncate(MOST_CHANGES);
        found.push(format!("… and {more} more lines"));
    }
    found
}

/// The lines that are not in both; one in which only numbers of connections or ages differ is in both.
fn changes(old: &[String], new: &[String]) -> Vec<String> {
    let (was, is): (Vec<String>, Vec<String>) =
        (old.iter().map(|line| steady(line)).collect(), new.iter().map(|line| steady(line)).collect());
    let only = |lines: &[String], steady: &[String], other: &[String], sign: &str| -> Vec<String> {
        let lines = lines.iter().zip(steady).filter(|(line, steady)| !line.is_empty() && !other.contains(steady));
        lines.map(|(line, _)| format!("{sign} {line}")).collect()
    };
    [only(old, &was, &is, "-"), only(new, &is, &was, "+")].concat()
}

/// A line without what changes by itself: numbers of connections and ages.
fn steady(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let word =
        |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |word| word.trim_matches(['(', ')', ',', ';']));
    let is_count = |at: usize| {
        let (before, after, next) = (word(at.checked_sub(1)), word(Some(at + 1)), word(Some(at + 2)));
        let is_closed = words.get(at + 1).is_some_and(|word| word.starts_with("active)"));
        let counted = after == "active" && (next == "connections" || is_closed);
        matches!(before, "active" | "inactive") || counted || matches!(after, "ago" | "clients")
    };
    let kept = words.iter().enumerate().filter(|(at, word)| {
        !(is_count(*at) && word.trim_start_matches('(').starts_with(|c: char| c.is_ascii_digit()))
    });
    kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

/// Whoever presses Enter sees from now on what is on the screen.
pub fn notice_read(state: &mut UiState) {
    let clock = state.clock;
    if let Some(Popup::Preview(popup)) = state.popups.last_mut()
        && popup.unread_until.is_some_and(|until| until <= clock)
    {
        popup.unread_until = None;
        state.dirty = true;
    }
}

/// For how long the preview on top can't have been read yet.
pub fn unread_for(state: &UiState, clock: Duration) -> Option<Duration> {
    let Some(Popup::Preview(popup)) = state.popups.last() else { return None };
    popup.unread_until.map(|until| until.saturating_sub(clock))
}

/// The answer to something whose popup was left: a commit's end is still worth saying.
fn without_popup(state: &mut UiState, answer: Result<Box<Answer>, String>) -> Vec<Effect> {
    match answer {
        Ok(answer) if answer.outcome == Outcome::Preview => Vec::new(),
        Ok(answer) => {
            let tone = if answer.outcome == Outcome::Done { Tone::Good } else { Tone::Bad };
            state.say(tone, answer.message);
            vec![Effect::Poll]
        }
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
    }
}
