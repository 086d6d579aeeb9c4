//! What is tracked: `vrrp_track_process`, `track_file`, and the lines of `track_script`, `track_process`, `track_file` and
//! `track_interface`.

use super::super::Wanted;
use super::super::argument::{self, Argument};
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tolerance::leading;
use super::super::tree::Statement;
use super::super::unfit::shown;
use super::{Draft, command, script, small};
use crate::engine::model::{ParameterMatch, Track, TrackKind, TrackedFile, TrackedProcess};
use std::collections::HashSet;
use std::time::Duration;

/// What an instance or a sync group tracks, each thing once.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub all: Vec<Track>,
    names: HashSet<(TrackKind, String)>,
}

/// `vrrp_track_process`.
pub(super) fn process<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let (mut command, mut quorum) = (Vec::new(), None);
    let mut process = TrackedProcess {
        name,
        command: String::new(),
        parameters: Vec::new(),
        parameter_match: None,
        full_command: false,
        weight: 0,
        reverse: false,
        quorum: 1,
        quorum_max: None,
        fork_delay: Duration::ZERO,
        terminate_delay: Duration::ZERO,
    };
    for entry in cx.entries(Block::Process, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("process", _) => command = cx.words(entry.statement).split_off(1),
            ("param_match", Argument::Text(how)) => {
                let how = if how == "initial" { ParameterMatch::Initial } else { ParameterMatch::Partial };
                process.parameter_match = Some(how);
            }
            ("weight", Argument::Signed(weight)) => {
                process.weight = i32::try_from(*weight).unwrap_or(0);
                process.reverse = script::reversed(cx, &entry);
            }
            ("quorum", Argument::Number(number)) => quorum = Some(small(*number)),
            ("quorum_max", Argument::Number(number)) => process.quorum_max = Some(small(*number)),
            ("delay", Argument::Time(delay)) => (process.fork_delay, process.terminate_delay) = (*delay, *delay),
            ("fork_delay", Argument::Time(delay)) => process.fork_delay = *delay,
            ("terminate_delay", Argument::Time(delay)) => process.terminate_delay = *delay,
            ("full_command", Argument::Switch(on)) => process.full_command = *on,
            _ => {}
        }
    }
    // "None of them" asks for no quorum.
    process.quorum = quorum.unwrap_or(u32::from(process.quorum_max != Some(0)));
    let mut words = command.into_iter();
    process.command = words.next().unwrap_or_default();
    process.parameters = words.collect();
    if process.quorum_max.is_some_and(|most| most < process.quorum) {
        process.quorum_max = None;
        let message = format!("quorum_max of {} is below its quorum; it is ignored", process.name);
        cx.report.add(Problem::warning(block.at, "out-of-range", message).help("write quorum_max from quorum up"));
    }
    let key = (TrackKind::Process, process.name.clone());
    let known = draft.tracked.contains_key(&key);
    if fits(cx, block, &process.name, ("process", "process nginx"), process.command.is_empty(), known) {
        draft.tracked.insert(key, (process.weight, process.reverse));
        draft.configuration.processes.push(process);
    }
}

/// `track_file`, and its old name `vrrp_track_file`.
pub(super) fn file<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut file = TrackedFile { name, path: String::new(), weight: 1, reverse: false, start: None };
    for entry in cx.entries(Block::File, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("file", Argument::Text(path)) => file.path = command::absolute(cx, path, &entry),
            ("weight", Argument::Signed(weight)) => {
                file.weight = i32::try_from(*weight).unwrap_or(0);
                file.reverse = script::reversed(cx, &entry);
            }
            ("init_file", _) => file.start = Some(start(cx, &entry)),
            _ => {}
        }
    }
    let key = (TrackKind::File, file.name.clone());
    let known = draft.tracked.contains_key(&key);
    if fits(cx, block, &file.name, ("file", "file /path/to/file"), file.path.is_empty(), known) {
        draft.tracked.insert(key, (file.weight, file.reverse));
        draft.files.insert(file.name.clone(), file.clone());
        draft.configuration.files.push(file);
    }
}

/// Whether a definition is complete and the first of its name; reported otherwise.
fn fits(
    cx: &mut Context,
    block: &Entry,
    name: &str,
    (word, example): (&str, &str),
    is_empty: bool,
    is_known: bool,
) -> bool {
    let kind = block.keyword.word;
    if is_empty {
        if !cx.mentions(block.inner(), word) {
            let message = format!("{kind} {name} has no {word}; it is left out");
            cx.report.add(Problem::warning(block.at, "no-script", message).help(format!("write {example}")));
        }
    } else if is_known {
        let message = format!("{kind} {name} is defined above; this one is left out");
        cx.report.add(Problem::warning(block.at, "defined-twice", message));
    }
    !is_empty && !is_known
}

/// `init_file [VALUE] [overwrite]`, whose value has no + before it.
fn start(cx: &mut Context, entry: &Entry) -> (i32, bool) {
    let (mut value, mut over) = (0, false);
    for (word, index) in cx.words(entry.statement).into_iter().skip(1).zip(1..) {
        let number = if word.starts_with('+') { "" } else { word.trim_ascii_start() };
        match (word.as_str(), number.parse()) {
            ("overwrite", _) => over = true,
            (_, Ok(number)) => {
                if !(-254..=254).contains(&number) {
                    let message = format!("init_file {number} is more than any priority: no weight is above 254");
                    cx.report.add(Problem::warning(entry.value_at(index), "out-of-range", message));
                }
                value = number;
            }
            _ => {
                let message = format!(
                    "init_file {} is neither a whole number nor overwrite; it is ignored, as keepalived does",
                    quoted(&word)
                );
                let meant = word.strip_prefix('+').filter(|number| number.parse::<i32>().is_ok());
                let help = meant.map(|number| format!("write init_file {number}, without the +"));
                cx.report.add(Problem::warning(entry.value_at(index), "unknown-word", message).help_if(help));
            }
        }
    }
    (value, over)
}

/// The list that an entry is, if it is one; each line is a thing that is tracked.
pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &Draft, entry: &Entry<'t>, tracks: &mut Tracks) -> bool {
    let (kind, block) = match entry.keyword.word {
        "track_script" => (TrackKind::Script, Block::TrackScripts),
        "track_process" => (TrackKind::Process, Block::TrackProcesses),
        "track_file" => (TrackKind::File, Block::TrackFiles),
        "track_interface" => (TrackKind::Interface, Block::TrackInterfaces),
        _ => return false,
    };
    for line in cx.lines(block, entry.inner()) {
        let (words, Some(first)) = (cx.words(line), line.words.first()) else { continue };
        let Some((name, options)) = words.split_first() else { continue };
        let Some((weight, reverse)) = defined(draft, kind, name) else {
            unknown(cx, draft, (kind, name), &tracks.names, first.span);
            continue;
        };
        if kind == TrackKind::Interface {
            super::interface::check(cx, name, first.span);
            cx.wanted.push((first.span, Wanted::Interface(name.clone())));
        }
        let mut track = Track { kind, name: name.clone(), weight, reverse };
        let spans: Vec<Span> = line.words.iter().skip(1).map(|token| token.span).collect();
        if !self::options(cx, options, &spans, &mut track) {
            continue;
        }
        if !tracks.names.insert((kind, name.clone())) {
            let message = format!("{name} is tracked in a line above; this line is left out, as keepalived does");
            cx.report.add(Problem::warning(first.span, "listed-twice", message));
            continue;
        }
        tracks.all.push(track);
    }
    true
}

/// The instance's own interface is tracked anyway, or with `dont_track_primary` not at all; a line of it, and its weight, count for
/// nothing, as in keepalived.
pub(super) fn leave_out_own(
    cx: &mut Context,
    tracks: &mut Vec<Track>,
    (interface, is_tracked): (&str, bool),
    at: Span,
) {
    let is_own = |track: &Track| track.kind == TrackKind::Interface && track.name == interface;
    let Some(own) = tracks.iter().find(|track| is_own(track)) else { return };
    let told = match (is_tracked, own.weight) {
        (true, 0) => None,
        (true, _) => Some((
            "which is FAULT when it is down: its weight is ignored, as in keepalived",
            "remove it from track_interface",
        )),
        (false, _) => Some((
            "which dont_track_primary leaves alone: track_interface does not change that, as in keepalived",
            "remove dont_track_primary if the instance is to be FAULT when it is down, or the line if not",
        )),
    };
    if let Some((what, help)) = told {
        let message = format!("{interface} is the instance's own interface, {what}");
        cx.report.add(Problem::warning(at, "own-interface", message).help(help));
    }
    tracks.retain(|track| !is_own(track));
}

/// Where `track_interface` names the instance's own interface.
pub(super) fn own_line(cx: &Context, statements: &[Statement], interface: &str) -> Option<Span> {
    let tracks = |s: &&Statement| s.words.first().is_some_and(|word| cx.sources.word(word.span) == "track_interface");
    let inner = statements.iter().filter(tracks).filter_map(|statement| statement.block.as_ref());
    inner.filter_map(|block| cx.place_of(&block.statements, interface)).next_back()
}

/// Weight and direction that a thing has by itself; none when it is not defined.
fn defined(draft: &Draft, kind: TrackKind, name: &str) -> Option<(i32, bool)> {
    match kind {
        TrackKind::Script | TrackKind::Process | TrackKind::File => {
            draft.tracked.get(&(kind, name.to_owned())).copied()
        }
        TrackKind::Interface => Some((0, false)),
    }
}

/// What is tracked already is no suggestion.
fn unknown(
    cx: &mut Context,
    draft: &Draft,
    (kind, name): (TrackKind, &str),
    tracked: &HashSet<(TrackKind, String)>,
    at: Span,
) {
    let configuration = &draft.configuration;
    if kind == TrackKind::Script && cx.is_left_out("vrrp_script", name).is_some_and(|why| why == "it has no script") {
        return; // that was said
    }
    let (block, known): (_, Box<dyn Iterator<Item = &str>>) = match kind {
        TrackKind::Script => ("vrrp_script", Box::new(configuration.scripts.iter().map(|s| s.name.as_str()))),
        TrackKind::Process => ("vrrp_track_process", Box::new(configuration.processes.iter().map(|p| p.name.as_str()))),
        TrackKind::File => ("track_file", Box::new(configuration.files.iter().map(|f| f.name.as_str()))),
        TrackKind::Interface => ("interface", Box::new(std::iter::empty())),
    };
    let is_free = |known: &&str| !tracked.contains(&(kind, (*known).to_owned()));
    let meant = |cx: &mut Context| cx.nearest(name, known.filter(is_free));
    let help = cx.is_left_out(block, name).or_else(|| meant(cx).map(|meant| format!("did you mean {meant}?")));
    let message = format!("there is no {block} {}; this line is left out", quoted(name));
    cx.report.add(Problem::warning(at, "unknown-name", message).help_if(help));
}

/// The weight behind a tracked name. Like keepalived, digits with something behind them count, and a number that is out of
/// range does not.
fn weight(cx: &mut Context, value: &str, bound: i64, at: Span) -> Option<i32> {
    let digits = match leading(value) {
        "" => "0",
        digits => digits,
    };
    // One more than a script or an interface may have counts as the most.
    let taken = match argument::signed(digits, -254, 254) {
        Ok(Argument::Signed(weight)) => i32::try_from(weight.clamp(-bound, bound)).ok(),
        _ => None,
    };
    let is_cut = taken.is_some_and(|taken| digits.parse() != Ok(taken));
    if taken.is_none() || is_cut || digits != value.trim_ascii_start() {
        let what = taken.map_or("is ignored, as keepalived does".to_owned(), |taken| {
            format!("counts as {taken}, as with keepalived")
        });
        let code = if taken.is_none() || is_cut { "out-of-range" } else { "not-a-number" };
        let help = format!("write a whole number from -{bound} to {bound}: weight -20");
        cx.report.add(Problem::warning(at, code, format!("weight {} {what}", shown(value))).help(help));
    }
    taken
}

/// What becomes of a line with a word that keepalived does not know there.
const LEFT_OUT: &str = "this line is left out";

/// `weight N [reverse|noreverse]` behind a tracked name, and whether the line counts: keepalived leaves it out with another word
/// there, passes over one behind the weight, but of a file's, and says nothing of the rest.
fn options(cx: &mut Context, words: &[String], spans: &[Span], track: &mut Track) -> bool {
    let bound = match track.kind {
        TrackKind::Script | TrackKind::Interface => 253,
        TrackKind::Process | TrackKind::File => 254,
    };
    let (kind, mut words) = (track.kind, words.iter().map(String::as_str).zip(spans.iter().copied()));
    let one_a_line = || format!("write one {} a line: NAME weight N", kind.name());
    let unknown = |cx: &mut Context, (word, at): (&str, Span), known: &[&str], does: &str| {
        let meant = cx.nearest(word, known.iter().copied()).map(|meant| format!("did you mean {meant}?"));
        let message =
            format!("unknown word {} behind a tracked {}; {does}, as keepalived does", quoted(word), kind.name());
        cx.report.add(Problem::warning(at, "unknown-word", message).help(meant.unwrap_or_else(one_a_line)));
    };
    match (words.next(), words.next()) {
        (None, _) => return true,
        (Some(("weight", _)), Some((value, at))) => {
            track.weight = weight(cx, value, bound, at).unwrap_or(track.weight);
        }
        (Some(("weight", at)), None) => {
            let message = format!("weight has no value; {LEFT_OUT}, as keepalived does");
            let help = format!("write a whole number from -{bound} to {bound}: weight -20");
            cx.report.add(Problem::warning(at, "missing-parameter", message).help(help));
            return false;
        }
        (Some(other), _) => {
            unknown(cx, other, &["weight"], LEFT_OUT);
            return false;
        }
    }
    match words.next() {
        None => {}
        Some(("reverse", _)) => track.reverse = true,
        Some(("noreverse", _)) if kind != TrackKind::Interface => track.reverse = false,
        Some(other) => {
            let is_file = kind == TrackKind::File;
            unknown(cx, other, &["reverse"], if is_file { LEFT_OUT } else { "it is ignored" });
            return !is_file;
        }
    }
    if let Some((word, at)) = words.next() {
        let message = format!("{} is not used: a line ends with its weight, and perhaps reverse", quoted(word));
        cx.report.add(Problem::warning(at, "too-many-values", message).help(one_a_line()));
    }
    true
}
