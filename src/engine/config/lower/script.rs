//! `vrrp_script` and `vrrp_sync_group`: blocks that instances are referred to by, or refer to, by name.

use super::super::argument::Argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::suggest::nearest;
use super::{Draft, small};
use crate::engine::model::{SyncGroup, TrackScript, VrrpScript};
use std::time::Duration;

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let interval = Duration::from_secs(1);
    let command = String::new();
    let mut script = VrrpScript { name, command, interval, timeout: None, weight: 0, rise: 1, fall: 1 };
    for entry in cx.entries(Block::Script, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("script", Argument::Text(command)) => script.command.clone_from(command),
            ("interval", Argument::Number(seconds)) => script.interval = Duration::from_secs(*seconds),
            ("timeout", Argument::Number(seconds)) => script.timeout = Some(Duration::from_secs(*seconds)),
            ("weight", Argument::Signed(weight)) => script.weight = i16::try_from(*weight).unwrap_or(0),
            ("rise", Argument::Number(rise)) => script.rise = small(*rise),
            ("fall", Argument::Number(fall)) => script.fall = small(*fall),
            _ => {}
        }
    }
    if script.command.is_empty() && !cx.mentions(block.inner(), "script") {
        let message = format!("vrrp_script {} has no script; it is left out", script.name);
        cx.report
            .add(Problem::warning(block.at, "no-script", message).help("write script \"/path/to/command arguments\""));
    } else if draft.configuration.scripts.iter().any(|s| s.name == script.name) {
        let message = format!("vrrp_script {} is defined above; this one is left out", script.name);
        cx.report.add(Problem::warning(block.at, "defined-twice", message));
    } else {
        let message = format!(
            "vrrp_script {} is not acted on yet: the script is not run; instances that track it behave as if it succeeded",
            script.name
        );
        cx.report.add(Problem::warning(block.at, "not-acted-on", message).help(UNWATCHED));
        draft.configuration.scripts.push(script);
    }
}

/// What follows from a script that is not run.
const UNWATCHED: &str =
    "its failure moves no address: watch what it watches by other means, or stay with keepalived on this node";

/// The scripts that an instance tracks. All `vrrp_script` blocks are lowered before.
pub(super) fn tracked<'t>(
    cx: &mut Context<'_, 't>,
    draft: &Draft,
    block: &Entry<'t>,
    instance: &str,
) -> Vec<TrackScript> {
    let mut tracked = Vec::new();
    for line in cx.lines(Block::TrackScripts, block.inner()) {
        let (words, Some(first)) = (cx.words(line), line.words.first()) else { continue };
        let Some((name, options)) = words.split_first() else { continue };
        let known = draft.configuration.scripts.iter().map(|s| s.name.as_str());
        if !known.clone().any(|known| known == name) {
            let help = nearest(name, known).map(|meant| format!("did you mean {meant}?"));
            let message = format!("there is no vrrp_script {}; this line is left out", quoted(name));
            cx.report.add(Problem::warning(first.span, "unknown-name", message).help_if(help));
            continue;
        }
        let mut script = TrackScript { name: name.clone(), weight: None };
        let mut options = options.iter().zip(line.words.iter().skip(1));
        while let Some((option, token)) = options.next() {
            match option.as_str() {
                "weight" => match options.next().map(|(value, _)| value.parse::<i16>()) {
                    Some(Ok(weight)) if (-253..=253).contains(&weight) => script.weight = Some(weight),
                    _ => cx.report.add(
                        Problem::error(token.span, "out-of-range", "weight needs a whole number from -253 to 253")
                            .help("for example: weight -20"),
                    ),
                },
                "reverse" | "noreverse" => {}
                other => {
                    let help = nearest(other, ["weight", "reverse"]).map(|meant| format!("did you mean {meant}?"));
                    let message = format!("unknown word {} behind a tracked script; it is ignored", quoted(other));
                    cx.report.add(Problem::warning(token.span, "unknown-word", message).help_if(help));
                }
            }
        }
        let message = format!("track_script {name} is not acted on yet: {instance} behaves as if the script succeeded");
        cx.report.add(Problem::warning(first.span, "not-acted-on", message).help(UNWATCHED));
        tracked.push(script);
    }
    tracked
}

/// All `vrrp_instance` blocks are lowered before.
pub(super) fn sync_group<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut members: Vec<String> = Vec::new();
    for entry in cx.entries(Block::SyncGroup, block.inner()) {
        if entry.keyword.word != "group" {
            continue;
        }
        for token in cx.lines(Block::Members, entry.inner()).iter().flat_map(|line| line.words) {
            let member = cx.sources.word(token.span);
            let known = draft.configuration.virtual_routers.iter().map(|router| router.name.as_str());
            if !known.clone().any(|known| known == member) {
                let help = nearest(&member, known).map(|meant| format!("did you mean {meant}?"));
                let message = format!("there is no vrrp_instance {} for this group; it is left out", quoted(&member));
                cx.report.add(Problem::warning(token.span, "unknown-name", message).help_if(help));
            } else if !members.contains(&member.to_string()) {
                members.push(member.into_owned());
            }
        }
    }
    let message = match members.len() {
        0 => format!("sync group {name} has no instance; it is left out"),
        1 => format!("sync group {name} has one instance only, so it does nothing"),
        _ => String::new(),
    };
    if !message.is_empty() {
        let help = "write group { … } with the names of the instances that move together, one a line";
        cx.report.add(Problem::warning(block.at, "lonely-group", message).help(help));
    }
    if let Some(different) = different_priorities(draft, &members) {
        let message = format!("the instances of sync group {name} have different priorities: {different}");
        let help = "give all instances of a group the same priority on a node: else one of them may win an election that \
                    another one loses, and the group follows to and fro";
        cx.report.add(Problem::warning(block.at, "group-priorities", message).help(help));
    }
    if !members.is_empty() {
        draft.configuration.sync_groups.push(SyncGroup { name, members });
    }
}

/// `A has 150, B has 100`: the first member, and the first one that differs from it.
fn different_priorities(draft: &Draft, members: &[String]) -> Option<String> {
    let routers = &draft.configuration.virtual_routers;
    let mut members = members.iter().filter_map(|name| routers.iter().find(|router| router.name == *name));
    let first = members.next()?;
    let other = members.find(|router| router.priority != first.priority)?;
    Some(format!("{} has {}, {} has {}", first.name, first.priority, other.name, other.priority))
}
