//! Lines 1 and 2, on every screen and at every size: who is master, what is down, what changed, may I write, what time.

use super::pen::{Pen, Spans, put_spans, spans_width};
use crate::engine::{Problem, Role, Summary};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::rows::event_list::{MINUTE, stopped};
use crate::ui::state::{Lost, UiState};
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::alarming;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// The role in a word.
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Master => "MASTER",
        Role::Backup => "BACKUP",
        Role::Fault => "FAULT",
        Role::Mixed => "MIXED",
        Role::Init => "INIT",
        Role::SplitBrain => "SPLIT-BRAIN",
    }
}

const fn role_paint(role: Role) -> Paint {
    match role {
        Role::Master => Paint::Master,
        Role::Backup | Role::Mixed => Paint::Backup,
        Role::Fault | Role::SplitBrain => Paint::Fault,
        Role::Init => Paint::Header,
    }
}

/// A piece of line 1: what it says at full length, abbreviated, where every column counts and where hardly one is left, and how soon
/// it is left out (0: never).
struct Piece {
    long: Spans,
    short: Spans,
    tiny: Spans,
    bare: Spans,
    leaves: u8,
}

fn piece(leaves: u8, long: Spans, short: Spans) -> Piece {
    Piece { tiny: short.clone(), bare: short.clone(), long, short, leaves }
}

/// Draws line 1.
pub fn line_one(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let mut pen = Pen::at(buffer, theme, area, 0);
    pen = pen.over(if alarming(state) { Paint::Alarm } else { Paint::Header });
    if !alarming(state) {
        pen = Pen::at(buffer, theme, area, 0);
    }
    let Some(summary) = state.summary() else {
        let why = |lost: &Lost| format!("{} (for {})", lost.why, format::age(lost_for(state, lost)));
        let why = state.lost.as_ref().map_or_else(|| state.unloaded().to_owned(), why);
        pen.skip(1).put(Paint::Header, "lvsdeck").skip(2).put(Paint::Text, &why);
        return;
    };
    let (left, right) = pieces(state, summary);
    let (left, right) = fit(&left, &right, usize::from(area.width).saturating_sub(2));
    pen.skip(1);
    put_spans(&mut pen, &left);
    let gap = pen.left_over().saturating_sub(spans_width(&right) + 1);
    pen.skip(gap);
    put_spans(&mut pen, &right);
}

fn pieces(state: &UiState, summary: &Summary) -> (Vec<Piece>, Vec<Piece>) {
    let t = summary.totals;
    let head = |text: String| vec![(Paint::Header, text)];
    let (mine, all) = summary.masters;
    // What nobody confirms any more is not shown as if it were so.
    let is_old = state.lost.is_some() || state.paused_at.is_some();
    let look = if is_old { Paint::Stale } else { role_paint(summary.role) };
    let masters = if all == 0 { String::new() } else { format!(" {mine}/{all}") };
    let word = if all == 0 && summary.role == Role::Init { "NO VRRP" } else { role_word(summary.role) };
    let mut bare = vec![(look, word.to_owned())];
    let mut role = [&bare[..], &[(Paint::Header, masters)]].concat();
    if summary.held > 0 {
        let count = if all == 1 { String::new() } else { format!("{} ", summary.held) };
        role.push((Paint::Drain, format!(" {count}held")));
        bare.push((Paint::Drain, " held".to_owned()));
    }
    let mut reals: Spans = head(format!("reals {}: {} up", t.real_servers, t.up));
    let mut reals_short: Spans = head(format!("RS {}/{}", t.up, t.real_servers));
    for (number, word, paint) in
        [(t.down, "DOWN", Paint::Down), (t.draining, "out", Paint::Drain), (t.unknown, "unknown", Paint::Unknown)]
    {
        if number > 0 {
            reals.push((paint, format!(" {number} {word}")));
            reals_short.push((paint, format!(" {number} {word}")));
        }
    }
    // In the narrowest line, what is wrong alone.
    let mut tiny: Spans = reals_short.iter().skip(1).cloned().collect();
    match tiny.first_mut() {
        Some((_, first)) => *first = first.trim_start().to_owned(),
        None => tiny.clone_from(&reals_short),
    }
    let ailing = |is_told: fn(&str) -> bool| {
        let told = summary.services_ailing().filter(|(_, word)| is_told(word));
        told.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
    };
    let mut services = head(format!("services {}", summary.services_degraded.1));
    let all = ailing(|_| true);
    if !all.is_empty() {
        services.push((Paint::Down, format!(": {all}")));
    }
    // Beside the number of servers that are down, DEGRADED says nothing new.
    let worst = if t.down > 0 { ailing(|word| word == "NO QUORUM") } else { all };
    let services_short = if worst.is_empty() { Spans::new() } else { vec![(Paint::Down, worst)] };
    let (here, addresses) = summary.addresses_here;
    let left = vec![
        Piece { bare, ..piece(0, role.clone(), role) },
        piece(5, head(summary.node.clone()), head(format::cut(&format::clean(&summary.node), 12, '~').into_owned())),
        Piece {
            bare: head(format!("VIP{here}/{addresses}")),
            ..piece(4, head(format!("VIPs here {here}/{addresses}")), head(format!("VIPs {here}/{addresses}")))
        },
        piece(if services_short.is_empty() { 6 } else { 3 }, services, services_short),
        Piece { bare: tiny.clone(), tiny, ..piece(1, reals, reals_short) },
    ];
    (left, right_pieces(state, summary))
}

fn right_pieces(state: &UiState, summary: &Summary) -> Vec<Piece> {
    let now = state.engine_now().unwrap_or(summary.now);
    let mut right = Vec::new();
    if let Some(lost) = &state.lost {
        let word = match stopped(state) {
            Some(_) => "STOPPED",
            None if lost.gone_since.is_some() => "NO ENGINE",
            None => "NO ANSWER",
        };
        let text = format!("{word} {}", format::age(lost_for(state, lost)));
        right.push(piece(0, vec![(Paint::Bad, text.clone())], vec![(Paint::Bad, text)]));
    }
    if let Some(at) = state.viewing {
        let word = if state.replay.is_some() { "REPLAY" } else { "PAST" };
        let ago = format::age(state.live_now().map_or(Duration::ZERO, |live| format::since(live, at)));
        let mark = if state.playing.is_some() { ">" } else { "" };
        let text = format!("{word}{mark} -{ago}");
        right.push(piece(0, vec![(Paint::Warning, text.clone())], vec![(Paint::Warning, text)]));
    }
    if let Some(still) = frozen_for(state) {
        // In minutes: a picture that stands still costs a slow line nothing. The clock has the moment.
        let still = if still < MINUTE { "<1m".to_owned() } else { format::age_in_a_unit(still) };
        let (text, word) =
            (vec![(Paint::Warning, format!("PAUSED {still}"))], vec![(Paint::Warning, "PAUSED".to_owned())]);
        right.push(Piece { tiny: word.clone(), bare: word, ..piece(0, text.clone(), text) });
    }
    if let Some(changed) = summary.changed_at {
        let ago = format::since(now, changed);
        let paint = if ago < Duration::from_mins(1) { Paint::Fresh } else { Paint::Text };
        let said = |age: String| vec![(paint, format!("chg {age}"))];
        right.push(piece(2, said(format::age(ago)), said(format::age_in_a_unit(ago))));
    }
    let lock = if state.may_write() { (Paint::Warning, "RW") } else { (Paint::Header, "RO") };
    let lock = vec![(lock.0, lock.1.to_owned())];
    right.push(piece(0, lock.clone(), lock));
    // What the time was is half of what is said of the past; of an engine that is silent, the picture's ages stand still and the
    // clock goes on.
    let is_old = state.viewing.is_some() || state.lost.is_some() || state.paused_at.is_some();
    let clock = if state.lost.is_some() { state.live_now().unwrap_or(now) } else { now };
    let clock = vec![(Paint::Text, format::clock(clock))];
    right.push(piece(if is_old { 3 } else { 7 }, clock.clone(), clock));
    right
}

/// Shortens first, then leaves out, until both sides fit.
fn fit(left: &[Piece], right: &[Piece], columns: usize) -> (Spans, Spans) {
    let join = |pieces: &[Piece], form: u8, gap: usize, limit: u8| {
        let texts = pieces.iter().filter(|piece| piece.leaves < limit).map(|piece| match form {
            0 => &piece.bare,
            1 => &piece.tiny,
            2 => &piece.short,
            _ => &piece.long,
        });
        texts.filter(|text| !text.is_empty()).fold(Spans::new(), |mut spans, text| {
            if !spans.is_empty() {
                spans.push((Paint::Header, " ".repeat(gap.max(1))));
            }
            spans.extend(text.iter().cloned());
            spans
        })
    };
    let steps = [(2, 7), (2, 6), (1, 6), (2, 5), (1, 5), (0, 5), (1, 4), (1, 3), (0, 3), (1, 2), (0, 2), (1, 1)]
        .map(|(form, limit)| (form, usize::from(form), limit));
    // Nothing leaves while there are two spaces where one would do.
    for (form, gap, limit) in [(3, 3, 8), (2, 2, 8), (2, 1, 8)].into_iter().chain(steps) {
        let (l, r) = (join(left, form, gap, limit), join(right, form, gap, limit));
        if spans_width(&l) + spans_width(&r) < columns || limit == 1 {
            return (l, r);
        }
    }
    (Spans::new(), Spans::new())
}

/// How long an engine is gone, or else silent.
fn lost_for(state: &UiState, lost: &Lost) -> Duration {
    state.clock.saturating_sub(lost.gone_since.unwrap_or(lost.since))
}

/// How long the screen is frozen.
pub fn frozen_for(state: &UiState) -> Option<Duration> {
    Some(format::since(state.live_now()?, state.paused_at?))
}

/// What is worse now than a frozen screen shows, without ages, which would count on.
pub fn worse_now(state: &UiState) -> Option<String> {
    let (shown, now) = (state.summary()?, &state.behind.as_ref()?.polled.summary);
    let role = (now.role != shown.role || now.masters < shown.masters).then(|| {
        let (mine, all) = now.masters;
        format!("{} {mine}/{all}", role_word(now.role))
    });
    let word = |problem: &Problem| problem.text.split(' ').next().unwrap_or_default().to_owned();
    let is_new = |problem: &&Problem| {
        let known = |old: &Problem| old.key == problem.key && word(old) == word(problem);
        !shown.problems.iter().any(known)
    };
    let new = now.problems.iter().filter(is_new).map(|problem| problem.text.clone());
    let all: Vec<String> = role.into_iter().chain(new).collect();
    let (first, more) = (all.first()?, all.len() - 1);
    Some(if more > 0 { format!("{first}  +{more}") } else { first.clone() })
}

/// Tells in line 2 of a frozen screen what is worse now.
pub fn draw_worse(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let is_frozen = state.paused_at.is_some() && state.lost.is_none();
    let Some(worse) = worse_now(state).filter(|_| is_frozen) else { return };
    let hint = format!("({} goes on)", state.keys.hint(Intent::Pause));
    // What stands there is longer or shorter: nothing of it may be read on.
    Pen::at(buffer, theme, area, 0).fill(Paint::Text, ' ');
    let mut pen = Pen::at(buffer, theme, area, 0);
    let room = pen.left_over().saturating_sub(hint.len() + 9);
    pen.skip(1).put(Paint::Bad, "! now ").left(Paint::Down, &worse, room).skip(1).put(Paint::Dim, &hint);
}

/// Why what is shown is old, where it is.
pub fn lost_text(state: &UiState) -> Option<String> {
    let lost = state.lost.as_ref()?;
    let age = format::age(lost_for(state, lost));
    Some(match stopped(state) {
        Some(who) => format!("! the engine was stopped {age} ago{who}"),
        None if lost.gone_since.is_some() => format!("! the engine is gone for {age}"),
        None => format!("! the engine does not answer for {age}"),
    })
}

/// Draws line 2: problems by name, worst first.
pub fn line_two(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let mut pen = Pen::at(buffer, theme, area, 0);
    let Some(summary) = state.summary() else { return };
    pen.skip(1);
    let lost = lost_text(state);
    if let Some(text) = &lost {
        pen.put(Paint::Bad, text);
    }
    if lost.is_some() && (summary.problem_count == 0 || pen.left_over() < LEAST) {
        pen.put(Paint::Bad, ": this is old");
        return;
    }
    if lost.is_some() {
        pen.put(Paint::Bad, "; before: ");
    }
    if summary.problem_count == 0 {
        pen.put(Paint::Up, "no problems");
        return;
    }
    let now = state.engine_now().unwrap_or(summary.now);
    let hint = format!("({} next)", state.keys.hint(Intent::NextProblem));
    if lost.is_none() {
        pen.put(Paint::Bad, "! ");
    }
    // Whom it is about counts for more than of which service, and both for more than the key.
    let room = pen.left_over();
    let fitting = |texts: &[String]| {
        let mut used = 0;
        let fits = texts.iter().enumerate().take_while(|(n, text)| {
            let hidden = summary.problem_count.saturating_sub(n + 1);
            used += format::width(&format::clean(text)) + if *n == 0 { 0 } else { BETWEEN.len() };
            used + if hidden > 0 { more(hidden).len() } else { 0 } < room
        });
        fits.count()
    };
    let full: Vec<String> = summary.problems.iter().map(|problem| problem_text(problem, now)).collect();
    let short: Vec<String> = summary.problems.iter().map(|problem| short_text(problem, now)).collect();
    let texts = if fitting(&short) > fitting(&full) { &short } else { &full };
    let shown = fitting(texts).max(1);
    for (n, text) in texts.iter().take(shown).enumerate() {
        if n > 0 {
            pen.put(Paint::Dim, BETWEEN);
        }
        let hidden = summary.problem_count.saturating_sub(shown);
        let reserve = if hidden > 0 { more(hidden).len() } else { 0 };
        let width = format::width(&format::clean(text)).min(pen.left_over().saturating_sub(reserve).max(12));
        pen.left(Paint::Down, text, width);
    }
    if summary.problem_count > shown {
        pen.put(Paint::Down, &more(summary.problem_count - shown));
    }
    if pen.left_over() > hint.len() + 1 {
        let gap = pen.left_over() - hint.len() - 1;
        pen.skip(gap).put(Paint::Dim, &hint);
    }
}

/// Between two problems in line 2.
const BETWEEN: &str = " | ";

/// So many problems have no room.
fn more(problems: usize) -> String {
    format!(" +{problems}")
}

/// Columns in which a problem can be told behind something else.
const LEAST: usize = 24;

/// A problem with its age behind its first word, where a narrow screen does not cut it: `DOWN 12s 10.0.3.21:80 …`.
pub fn problem_text(problem: &Problem, now: SystemTime) -> String {
    let Some(since) = problem.since else { return problem.text.clone() };
    let age = format::age(format::since(now, since));
    match problem.text.split_once(' ') {
        Some((word, rest)) => format!("{word} {age} {rest}"),
        None => format!("{} {age}", problem.text),
    }
}

/// The same of a server without its service.
fn short_text(problem: &Problem, now: SystemTime) -> String {
    let text = problem_text(problem, now);
    match problem.key.split_once(' ') {
        Some((service, _)) => text.replacen(&format!(" {service}"), "", 1),
        None => text,
    }
}
