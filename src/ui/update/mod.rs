//! `update`: one message in, the state changed, effects out. Pure: no clock, no terminal, no engine.

mod acts;
mod baseline;
mod clip;
mod commit;
mod connections;
mod demonstration;
mod event_list;
mod find;
mod freeze;
mod line;
mod offer;
mod pages;
mod parts;
mod picture;
mod popups;
mod table;
mod targets;
mod time;
mod undo;

pub use commit::{describe, unread_for};
pub use offer::works;
pub use popups::wrong_filter;
pub use targets::hidden_marks;

use super::intent::{Effect, Intent, Message};
use super::keymap::Chord;
use super::rows::change;
use super::screens::Screen;
use super::screens::plan::{Shape, plan};
use super::state::{Focus, Lost, Older, Tone, UiState, Wanted};
use crate::engine::{Event, EventKind, Outcome, Role, Severity, Sort};
use crossterm::event::{KeyEvent, KeyEventKind};
use std::time::Duration;

/// How long an engine may keep silent before the picture counts as old.
const SILENCE: Duration = Duration::from_millis(2_500);

/// How long what was said stays in the status line.
const SAID: Duration = Duration::from_secs(20);

/// The steps through the past.
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// What the engine is to be asked for in this state.
pub fn wanted(state: &UiState) -> Wanted {
    let plan = plan(state);
    state.wanted(plan.rows(), plan.shows_detail() || state.reads_row())
}

/// Takes a message at a time of the console's clock.
pub fn update(state: &mut UiState, message: Message, clock: Duration) -> Vec<Effect> {
    let told = time::told_while_frozen(state);
    let effects = take(state, message, clock);
    state.dirty |= time::told_while_frozen(state) != told;
    effects
}

fn take(state: &mut UiState, message: Message, clock: Duration) -> Vec<Effect> {
    state.clock = clock;
    commit::notice_read(state);
    notice_silence(state, &message);
    if state.said.as_ref().is_some_and(|said| clock.saturating_sub(said.since) > SAID) {
        state.said = None;
        state.dirty = true;
    }
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => on_key(state, &key),
        Message::Paste(text) => popups::on_paste(state, &text),
        Message::Resize(columns, rows) => {
            demonstration::resize(state, columns, rows);
            table::keep_in_sight(state);
            vec![Effect::Redraw]
        }
        Message::Tick => {
            state.dirty |= state.lost.is_some();
            time::play(state)
        }
        Message::Older(events) => event_list::on_older(state, events),
        Message::Exported(Ok(text)) => {
            state.say(Tone::Good, text);
            Vec::new()
        }
        Message::Exported(Err(why)) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
        Message::NoPast(at, why) => time::no_past(state, at, &why),
        Message::Polled(polled) => picture::on_polled(state, *polled),
        Message::Detail(of, detail) => {
            picture::on_detail(state, of, detail.map(|detail| *detail));
            Vec::new()
        }
        Message::Lost(why, is_gone) => {
            lose(state, why, is_gone);
            Vec::new()
        }
        // Who looks at the past asks for no pictures: then the next one tells when the engine answers again.
        Message::Unheard(why) if state.viewing.is_some() && state.replay.is_none() => {
            lose(state, why, false);
            vec![Effect::Poll]
        }
        Message::Unheard(_) => Vec::new(),
        Message::Events(events, anew) => on_events(state, events, anew),
        Message::Answered(serial, answer) => commit::on_answer(state, serial, answer),
        Message::Undoable(list) => undo::on_list(state, list),
        Message::Host(load) => {
            parts::on_host(state, load);
            Vec::new()
        }
        Message::Log(page) => {
            parts::on_log(state, page);
            Vec::new()
        }
        Message::Connections(serial, answer) => {
            connections::on_answer(state, serial, answer);
            Vec::new()
        }
        Message::KeysDropped(keys, seconds) => {
            state.say(Tone::Bad, format!("{keys} keys typed during a stall of {seconds} s were dropped"));
            Vec::new()
        }
        Message::Warning(text) => {
            state.say(Tone::Bad, text);
            Vec::new()
        }
        Message::Guide(guide) => demonstration::on_guide(state, *guide),
        Message::Ordered(result) => demonstration::on_ordered(state, result),
    }
}

fn lose(state: &mut UiState, why: String, is_gone: bool) {
    let gone_since = is_gone.then_some(state.clock);
    match &mut state.lost {
        Some(lost) => lost.gone_since = lost.gone_since.or(gone_since).filter(|_| is_gone),
        None => state.lost = Some(Lost { since: state.clock, why, gone_since }),
    }
    state.dirty = true;
}

/// An engine that says neither yes nor no for a while does not answer.
fn notice_silence(state: &mut UiState, message: &Message) {
    let newest = state.behind.as_ref().or(state.picture.as_ref()).map_or(Duration::ZERO, |p| p.taken_at);
    if state.viewing.is_some() {
        return; // what was is asked for once, and does not change
    }
    let silent = state.clock.saturating_sub(newest.max(state.awake_since)) > SILENCE;
    if silent && state.lost.is_none() && !matches!(message, Message::Polled(_) | Message::Lost(..)) {
        state.lost = Some(Lost { since: newest, why: "the engine does not answer".to_owned(), gone_since: None });
        state.dirty = true;
    }
}

fn on_events(state: &mut UiState, events: Vec<Event>, anew: bool) -> Vec<Effect> {
    if anew {
        state.events.clear();
        state.older = Older::default();
        state.dirty = true;
    }
    if events.is_empty() {
        return Vec::new();
    }
    let worst = events.iter().filter(|event| event.severity >= Severity::Warning).max_by_key(|event| event.severity);
    let worst = worst.filter(|_| !anew).map(change::text);
    let rings = !anew && events.iter().any(|event| state.bell.rings(event));
    if !anew {
        tell_of_others(state, &events);
    }
    state.events.extend(events);
    event_list::forget(state);
    if state.viewing.is_some() {
        notice_now(state, worst);
        return event_list::reach_back(state).into_iter().chain(rings.then_some(Effect::Ring)).collect();
    }
    state.dirty |= state.paused_at.is_none();
    std::iter::once(Effect::Poll).chain(rings.then_some(Effect::Ring)).collect()
}

/// Somebody who looks at the past is told what happens now.
fn notice_now(state: &mut UiState, worst: Option<String>) {
    if let Some(text) = worst {
        let live = state.keys.hint(Intent::Live);
        state.say(Tone::Bad, format!("now: {text}; {live} goes back to now"));
    }
}

/// What others did is told with their names. What this console did, its own answer tells.
fn tell_of_others(state: &mut UiState, events: &[Event]) {
    let own = state.own_pid.map(|pid| format!("pid {pid}"));
    let is_own = |who: &str| own.as_ref().is_some_and(|own| who.split(", ").any(|part| part == own));
    let theirs = events.iter().filter(|event| event.kind == EventKind::Command);
    let newest = theirs.rev().find_map(|event| Some((event, event.who.as_deref().filter(|who| !is_own(who))?)));
    if let Some((event, who)) = newest
        && state.paused_at.is_none()
        && state.viewing.is_none()
    {
        let text = if event.to.as_deref() == Some(Outcome::Stale.name()) {
            // What to do about it is said to who gave it.
            format!(
                "* {}: {}: nothing was done, it would do something else by now",
                change::name_of(who),
                event.about()
            )
        } else {
            let detail = event.detail.as_deref().unwrap_or(&event.subject);
            format!("* {}: {detail}", change::name_of(who))
        };
        state.say(Tone::Good, text);
    }
}

fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    state.dirty = true;
    if !state.popups.is_empty() {
        return popups::on_key(state, key);
    }
    if let Some(intent) = state.keys.intent_of(key) {
        return on_intent(state, intent);
    }
    let help = state.keys.hint(Intent::Help);
    state.say(Tone::Bad, format!("{} has no meaning here; {help} shows the keys", Chord::of(key)));
    Vec::new()
}

/// Why a key means nothing where there is no room for what it moves in.
fn without_room(state: &UiState, intent: Intent) -> Option<String> {
    let is_of_instances = state.focus == Focus::Routers;
    let reason = match intent {
        Intent::Up | Intent::Down | Intent::PageUp | Intent::PageDown | Intent::Top | Intent::Bottom
            if is_of_instances =>
        {
            return None;
        }
        Intent::Up | Intent::Down | Intent::PageUp | Intent::PageDown | Intent::Top | Intent::Bottom => "no row",
        Intent::Open | Intent::Fold | Intent::Unfold => "nothing to open",
        Intent::Filter | Intent::Sort | Intent::Baseline => "no table",
        _ => return None,
    };
    let has_room = !matches!(plan(state).shape, Shape::Line | Shape::List);
    (!has_room).then(|| format!("{reason} is on screen: enlarge to 60x15"))
}

fn on_intent(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    if let Some(why) = without_room(state, intent) {
        state.say(Tone::Bad, why);
        return Vec::new();
    }
    match intent {
        Intent::Up | Intent::Down | Intent::PageUp | Intent::PageDown | Intent::Top | Intent::Bottom => {
            travel(state, intent)
        }
        Intent::Open if state.screen == Screen::Timeline => event_list::look_at(state),
        Intent::Open if state.screen == Screen::Vrrp => pages::open(state),
        Intent::Open | Intent::Fold | Intent::Unfold => table::open(state, intent),
        Intent::Back => back(state),
        Intent::NextPanel => next_panel(state),
        Intent::NextProblem => table::go_to_problem(state, true),
        Intent::PreviousProblem => table::go_to_problem(state, false),
        Intent::Filter => popups::open_filter(state),
        Intent::Sort => next_sort(state),
        Intent::Columns => pages::open_columns(state),
        Intent::Inspect => pages::open(state),
        Intent::Connections => connections::open(state),
        Intent::Pause => time::pause(state),
        Intent::SecondBack => time::step(state, SECOND, true),
        Intent::SecondOn => time::step(state, SECOND, false),
        Intent::MinuteBack => time::step(state, MINUTE, true),
        Intent::MinuteOn => time::step(state, MINUTE, false),
        Intent::Live => time::live(state),
        Intent::Baseline => baseline::toggle(state),
        Intent::Export => export(state),
        Intent::Copy => clip::copy(state, false),
        Intent::CopyMore => clip::copy(state, true),
        Intent::Bell => clip::bell(state, ""),
        Intent::AddServer
        | Intent::AddService
        | Intent::Remove
        | Intent::RemoveServer
        | Intent::RemoveService
        | Intent::Weight
        | Intent::Drain
        | Intent::Restore
        | Intent::Maintenance
        | Intent::Failover
        | Intent::Rejoin
        | Intent::Takeover
        | Intent::Priority
        | Intent::Reload
        | Intent::Undo
        | Intent::Stop => acts::begin(state, intent, ""),
        Intent::ToggleLock => toggle_lock(state),
        Intent::Show(screen) => show_screen(state, screen),
        Intent::Help => find::open_help(state),
        Intent::Palette => find::open_palette(state),
        Intent::Mark => targets::mark(state),
        Intent::Redraw => vec![Effect::Redraw],
        Intent::Suspend => vec![Effect::Suspend],
        Intent::Detach => vec![Effect::Detach],
        Intent::LeaveScreen => vec![Effect::LeaveScreen],
    }
}

/// Another screen. What it needs is asked for at once, since it differs from what was asked before.
fn show_screen(state: &mut UiState, screen: Screen) -> Vec<Effect> {
    state.screen = screen;
    state.focus = if screen == Screen::Vrrp { Focus::Routers } else { Focus::Services };
    if screen == Screen::Vrrp && state.router.is_none() {
        state.router = state.routers().first().map(|r| r.name.clone());
    }
    table::keep_in_sight(state);
    if matches!(plan(state).shape, Shape::Line | Shape::List) {
        state.say(Tone::Good, format!("{}: enlarge to 60x15 to see it", screen.names().0));
    }
    Vec::new()
}

fn export(state: &mut UiState) -> Vec<Effect> {
    if state.picture.is_none() {
        state.say(Tone::Bad, "there is nothing to export yet");
        return Vec::new();
    }
    state.say(Tone::Good, "exporting");
    vec![Effect::Export]
}

/// One level back: details, then the marks, then the filter, then the status line.
fn back(state: &mut UiState) -> Vec<Effect> {
    if state.detail_open {
        state.detail_open = false;
        table::keep_in_sight(state);
    } else if state.focus == Focus::Routers && state.screen == Screen::Overview {
        state.focus = Focus::Services;
    } else if state.has_table() && !state.table.marks.is_empty() {
        state.table.marks.clear();
        state.say(Tone::Good, "no server is marked");
    } else if state.filter().is_empty() {
        state.said = None;
    } else {
        return popups::set_filter(state, String::new());
    }
    Vec::new()
}

fn travel(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    if parts::travel(state, intent) {
        return Vec::new();
    }
    match state.screen {
        Screen::Timeline | Screen::Log => event_list::travel(state, intent),
        Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Counters => table::travel(state, intent),
    }
}

fn next_panel(state: &mut UiState) -> Vec<Effect> {
    if parts::turn(state) {
        return Vec::new();
    }
    if state.screen != Screen::Overview {
        let key = state.keys.hint(Intent::Show(Screen::Overview));
        state.say(Tone::Bad, format!("this screen has one panel; {key} shows the overview"));
        return Vec::new();
    }
    state.focus = match state.focus {
        Focus::Services if state.routers().is_empty() => {
            state.say(Tone::Bad, "there is no VRRP instance to go to");
            Focus::Services
        }
        Focus::Services => {
            if state.router.is_none() {
                state.router = state.routers().first().map(|r| r.name.clone());
            }
            Focus::Routers
        }
        Focus::Routers => Focus::Services,
    };
    Vec::new()
}

fn next_sort(state: &mut UiState) -> Vec<Effect> {
    if state.is_on_engine_log() {
        return parts::next_level(state);
    }
    if state.event_list().is_some() {
        return event_list::next_kinds(state);
    }
    if !state.has_table() {
        state.say(Tone::Bad, "there is nothing to sort on this screen");
        return Vec::new();
    }
    let (sort, name) = match state.table.sort {
        Sort::Problems => (Sort::File, "as in the file"),
        Sort::File => (Sort::Key, "by key"),
        Sort::Key => (Sort::Active, "most active connections first"),
        Sort::Active => (Sort::Rate, "highest connection rate first"),
        Sort::Rate => (Sort::Problems, "problems first"),
    };
    state.table.sort = sort;
    state.say(Tone::Good, format!("order: {name}"));
    vec![Effect::Poll]
}

fn toggle_lock(state: &mut UiState) -> Vec<Effect> {
    let writable = state.summary().map(|s| s.writable);
    if let Some(why) = acts::not_now(state) {
        state.say(Tone::Bad, why);
    } else if state.read_only {
        state.say(Tone::Bad, acts::READ_ONLY);
    } else if state.unlocked && writable != Some(false) {
        state.unlocked = false;
        state.say(Tone::Good, "read-only again");
    } else {
        match writable {
            None => state.say(Tone::Bad, acts::unanswered(state)),
            Some(false) => state.say(Tone::Bad, acts::no_commands(state)),
            Some(true) => {
                state.unlocked = true;
                let key = state.keys.hint(Intent::ToggleLock);
                state.say(Tone::Good, format!("writes are allowed now; each shows a preview first; {key} locks again"));
            }
        }
    }
    Vec::new()
}

/// Whether line 1 has to be reversed.
pub fn alarming(state: &UiState) -> bool {
    state.summary().is_some_and(|s| s.role == Role::SplitBrain)
}

#[cfg(test)]
mod tests;
