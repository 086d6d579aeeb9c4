//! `vrrp_script` and `vrrp_sync_group`: blocks that instances are referred to by, or refer to, by name.

use super::super::Wanted;
use super::super::argument::Argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::{Draft, command, notify, small, track};
use crate::engine::model::{ScriptUser, SyncGroup, Track, TrackKind, VrrpScript};
use std::collections::HashSet;
use std::collections::hash_map::Entry as Entered;
use std::time::Duration;

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut script = VrrpScript {
        name,
        command: Vec::new(),
        interval: Duration::from_secs(1),
        timeout: None,
        weight: 0,
        reverse: false,
        rise: 1,
        fall: 1,
        init_fail: false,
        user: None,
    };
    let mut script_at = block.at;
    for entry in cx.entries(Block::Script, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("script", _) => (script.command, script_at) = (by_shell(command::only(cx, &entry)), entry.value_at(1)),
            ("interval", Argument::Number(seconds)) => script.interval = Duration::from_secs(*seconds),
            ("timeout", Argument::Number(seconds)) => script.timeout = Some(Duration::from_secs(*seconds)),
            ("weight", Argument::Signed(weight)) => {
                script.weight = i16::try_from(*weight).unwrap_or(0);
                script.reverse = reversed(cx, &entry);
            }
            ("rise", Argument::Number(rise)) => script.rise = small(*rise),
            ("fall", Argument::Number(fall)) => script.fall = small(*fall),
            ("user", _) => script.user = user(cx, &entry),
            ("init_fail", Argument::Switch(on)) => script.init_fail = *on,
            _ => {}
        }
    }
    cx.wants_program(&script.command, script.user.as_ref(), script_at);
    if script.command.is_empty() {
        // A script without a good value was reported there.
        if !cx.mentions(block.inner(), "script") {
            let message = format!("vrrp_script {} has no script; it is left out", script.name);
            let help = "write script \"/path/to/command arguments\"";
            cx.report.add(Problem::warning(block.at, "no-script", message).help(help));
        }
        cx.left_out.insert(("vrrp_script", script.name), "it has no script".to_owned());
        return;
    }
    match draft.tracked.entry((TrackKind::Script, script.name.clone())) {
        Entered::Occupied(_) => {
            let message = format!("vrrp_script {} is defined above; this one is left out", script.name);
            cx.report.add(Problem::warning(block.at, "defined-twice", message));
        }
        Entered::Vacant(place) => {
            place.insert((script.weight.into(), script.reverse));
            draft.configuration.scripts.push(script);
        }
    }
}

/// Like keepalived, a script that begins with `</` is a redirection, for the shell to do: it passes where the file can be opened.
fn by_shell(command: Vec<String>) -> Vec<String> {
    if command.first().is_some_and(|first| first.starts_with("</")) {
        return vec!["/bin/sh".to_owned(), "-c".to_owned(), command.join(" ")];
    }
    command
}

/// A user and perhaps a group behind a keyword.
pub(super) fn user(cx: &mut Context, entry: &Entry) -> Option<ScriptUser> {
    let mut words = cx.words(entry.statement).into_iter().skip(1);
    let user = ScriptUser { user: words.next()?, group: words.next() };
    cx.wanted.push((entry.value_at(1), Wanted::User(user.clone())));
    if words.next().is_some() {
        let message = format!("{} takes a user and perhaps a group; what follows is not used", entry.keyword.word);
        cx.report.add(Problem::warning(entry.value_at(3), "too-many-values", message));
    }
    Some(user)
}

/// Whether `reverse` stands behind a weight; anything else there is reported.
pub(super) fn reversed(cx: &mut Context, entry: &Entry) -> bool {
    match cx.words(entry.statement).get(2).map(String::as_str) {
        None => false,
        Some("reverse") => true,
        Some(other) => {
            let help = cx.nearest(other, ["reverse"]).map(|meant| format!("did you mean {meant}?"));
            let message = format!("unknown word {} behind weight; it is ignored", quoted(other));
            cx.report.add(Problem::warning(entry.value_at(2), "unknown-word", message).help_if(help));
            false
        }
    }
}

/// Inside of a group only what has no weight counts: the members have to keep their priorities alike. What the group
/// itself tracks counts for all of them alike; the weight of an interface counts, as in keepalived 2.2.7, which says that it does not.
fn leave_out_weights(cx: &mut Context, draft: &mut Draft, group: &str, members: &[String]) {
    let is_left_out = |track: &Track| track.weight != 0 && track.kind != TrackKind::Interface;
    for place in members.iter().filter_map(|name| draft.routers.get(name)) {
        let Some(router) = draft.configuration.virtual_routers.get_mut(*place) else { continue };
        let Some(at) = draft.instances.get(*place).map(|places| places.tracks) else { continue };
        for link in router.tracks.iter().filter(|track| track.weight != 0 && !is_left_out(track)) {
            let message = format!(
                "{} tracks {} with a weight inside of sync group {group}: it counts for {} alone, as in keepalived, which says that it \
                 does not",
                router.name, link.name, router.name
            );
            let help = "track it in the group, for all of its instances";
            cx.report.add(Problem::warning(at, "weight-in-group", message).help(help));
        }
        let weighty: Vec<&str> = router.tracks.iter().filter(|s| is_left_out(s)).map(|s| s.name.as_str()).collect();
        if weighty.is_empty() {
            continue;
        }
        let message = format!(
            "{} tracks {} with a weight inside of sync group {group}: it is not counted, as in keepalived",
            router.name,
            weighty.join(", ")
        );
        let help = "write weight 0, so that failure is FAULT for the whole group, or track it in the group, for all of its \
                    instances";
        cx.report.add(Problem::warning(at, "weight-in-group", message).help(help));
        router.tracks.retain(|track| !is_left_out(track));
    }
}

/// What the group tracks, each of its members tracks.
fn track_in_members(draft: &mut Draft, members: &[String], tracks: &[Track]) {
    if tracks.is_empty() {
        return;
    }
    for place in members.iter().filter_map(|name| draft.routers.get(name)) {
        let Some(router) = draft.configuration.virtual_routers.get_mut(*place) else { continue };
        let own: HashSet<_> = router.tracks.iter().map(|own| (own.kind, own.name.clone())).collect();
        let further = tracks.iter().filter(|track| !own.contains(&(track.kind, track.name.clone())));
        router.tracks.extend(further.cloned());
    }
}

/// All `vrrp_instance` blocks are lowered before.
pub(super) fn sync_group<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    if draft.sync_groups.contains(&name) {
        let message = format!("vrrp_sync_group {name} is defined above; this one is left out, as in keepalived");
        cx.report
            .add(Problem::warning(block.value_at(1), "defined-twice", message).help("write one block with all of it"));
        return cx.inspect(block);
    }
    draft.sync_groups.insert(name.clone());
    let mut members: Option<Vec<String>> = None;
    let mut notifications = draft.defaults.notifications();
    let (mut tracks, mut weights_count, mut broken) = (track::Tracks::default(), false, false);
    let mut group_at = block.value_at(1);
    for entry in cx.entries(Block::SyncGroup, block.inner()) {
        if let ("sync_group_tracking_weight", Argument::Switch(on)) = (entry.keyword.word, &entry.argument) {
            weights_count = *on;
        }
        let done = notify::lower(cx, &mut notifications, &entry) || track::lower(cx, draft, &entry, &mut tracks);
        if done || entry.keyword.word != "group" {
            continue;
        }
        if members.is_some() {
            let message = format!("vrrp_sync_group {name} has a group above; this one is left out, as in keepalived");
            let help = "write the names of all instances in one group { … }";
            cx.report.add(Problem::warning(entry.at, "group-twice", message).help(help));
            continue;
        }
        group_at = entry.at;
        members = Some(self::members(cx, draft, &entry, &name, &mut broken));
    }
    let (members, tracks) = (members.unwrap_or_default(), tracks.all);
    // Its scripts, and what it tracks, count for one instance too.
    let acts = !tracks.is_empty() || notifications != draft.defaults.notifications();
    let message = match members.len() {
        _ if broken => String::new(),
        1 if acts => String::new(),
        0 => format!("sync group {name} has no instance; it is left out"),
        1 => format!("sync group {name} has one instance only, so it does nothing"),
        _ => String::new(),
    };
    if !message.is_empty() {
        let help = "write group { … } with the names of the instances that move together, one a line";
        cx.report.add(Problem::warning(group_at, "lonely-group", message).help(help));
    }
    if let Some(different) = different_priorities(draft, &members) {
        let message = format!("the instances of sync group {name} have different priorities: {different}");
        let help = "give all instances of a group the same priority on a node: else one of them may win an election that \
                    another one loses, and the group follows to and fro";
        cx.report.add(Problem::warning(group_at, "group-priorities", message).help(help));
    }
    if members.len() > 1 && !weights_count {
        leave_out_weights(cx, draft, &name, &members);
    }
    track_in_members(draft, &members, &tracks);
    if !members.is_empty() {
        draft.members.extend(members.iter().map(|member| (member.clone(), name.clone())));
        draft.configuration.sync_groups.push(SyncGroup { name, members, notifications });
    }
}

/// The instances that a `group` names, each in one group at most. `broken`: one of them has errors.
fn members<'t>(
    cx: &mut Context<'_, 't>,
    draft: &Draft,
    group: &Entry<'t>,
    name: &str,
    broken: &mut bool,
) -> Vec<String> {
    let mut members: Vec<String> = Vec::new();
    let mut listed: HashSet<&str> = HashSet::new();
    for token in cx.lines(Block::Members, group.inner()).iter().flat_map(|line| line.words) {
        let member = cx.sources.word(token.span);
        if let Some(other) = draft.members.get(member) {
            let message = format!(
                "{member} is in sync group {other} already, and in no other one: it is left out of {name}, as in keepalived"
            );
            let help = "write all instances that move together into one group";
            cx.report.add(Problem::warning(token.span, "group-twice", message).help(help));
        } else if listed.contains(member) {
            let message = format!("{member} stands in this group before; this line is left out");
            cx.report.add(Problem::warning(token.span, "listed-twice", message));
        } else if draft.routers.contains_key(member) {
            listed.insert(member);
            members.push(member.to_owned());
        } else if draft.named.contains(member) {
            *broken = true; // what is wrong with it was said
        } else {
            let help = cx.is_left_out("vrrp_instance", member);
            *broken |= help.is_some();
            let known = draft.routers.keys().map(String::as_str);
            let help = help.or_else(|| cx.nearest(member, known).map(|meant| format!("did you mean {meant}?")));
            let message = format!("there is no vrrp_instance {} for this group; it is left out", quoted(member));
            cx.report.add(Problem::warning(token.span, "unknown-name", message).help_if(help));
        }
    }
    members
}

/// `A has 150, B has 100`: the first member, and the first one that differs from it.
fn different_priorities(draft: &Draft, members: &[String]) -> Option<String> {
    let router = |name| draft.configuration.virtual_routers.get(*draft.routers.get(name)?);
    let mut members = members.iter().filter_map(router);
    let first = members.next()?;
    let other = members.find(|router| router.priority != first.priority)?;
    Some(format!("{} has {}, {} has {}", first.name, first.priority, other.name, other.priority))
}
