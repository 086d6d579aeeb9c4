//! `static_ipaddress`, `static_routes`, `static_rules` and `track_group`.

use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::suggest::nearest;
use super::{Draft, address, routing};
use crate::engine::model::StaticAddress;
use std::collections::HashSet;

/// The interface of static addresses that name none.
const INTERFACE: &str = "eth0";

/// A block of addresses, routes or rules.
pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let statics = &mut draft.configuration.statics;
    if routing::lower(cx, block, &mut statics.routing) {
        return;
    }
    let mut found = Vec::new();
    let all = (&mut found, &mut draft.static_known);
    let address::Lines { groups, places } = address::lower(cx, block, all, (block.keyword.word, None));
    for mut address in found {
        if address.interface.is_none() {
            address.interface = draft.defaults.interface.clone().or_else(|| Some(INTERFACE.to_owned()));
            if draft.defaults.interface.is_none() {
                let message = format!("a static address has no dev: {INTERFACE} is used, as in keepalived");
                let at = places.iter().find(|(known, _)| *known == address.address).map_or(block.at, |(_, at)| *at);
                cx.once(Block::Top, "static_ipaddress", at, "no-dev", || message);
            }
        }
        let group = groups.iter().find(|(of, ..)| *of == (address.address, address.prefix));
        let group = group.map(|(_, group, at)| (group.clone(), *at));
        draft.static_groups.push(group);
        statics.addresses.push(StaticAddress { address, needed_by: Vec::new() });
    }
}

/// `track_group NAME { group { … } }`.
pub(super) fn track_group<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut members = Vec::new();
    let all: HashSet<_> = draft.configuration.virtual_routers.iter().map(|router| router.name.as_str()).collect();
    for entry in cx.entries(Block::TrackGroup, block.inner()) {
        let in_braces = cx.lines(Block::Members, entry.inner());
        let behind = entry.statement.words.iter().skip(1);
        for token in behind.chain(in_braces.iter().flat_map(|line| line.words)) {
            let member = cx.sources.word(token.span).to_owned();
            let known = draft.configuration.virtual_routers.iter().map(|router| router.name.as_str());
            if all.contains(member.as_str()) {
                members.push(member);
                continue;
            }
            if draft.named.contains(&member) {
                continue; // what is wrong with it was said
            }
            let help = cx.is_left_out("vrrp_instance", &member);
            let help = help.or_else(|| nearest(&member, known).map(|meant| format!("did you mean {meant}?")));
            let message = format!("there is no vrrp_instance {} for this group; it is left out", quoted(&member));
            cx.report.add(Problem::warning(token.span, "unknown-name", message).help_if(help));
        }
    }
    draft.track_groups.push((name, members));
}

/// Which instances need which address, once all groups are known.
pub(super) fn check(cx: &mut Context, draft: &mut Draft) {
    for (found, group) in draft.configuration.statics.addresses.iter_mut().zip(&draft.static_groups) {
        let Some((group, at)) = group else { continue };
        if let Some((_, members)) = draft.track_groups.iter().find(|(name, _)| name == group) {
            found.needed_by.clone_from(members);
            continue;
        }
        let message = format!("there is no track_group {}: the address is set and not tracked", quoted(group));
        let known = draft.track_groups.iter().map(|(name, _)| name.as_str());
        let help = nearest(group, known).map(|meant| format!("did you mean {meant}?"));
        cx.report.add(Problem::warning(*at, "unknown-name", message).help_if(help));
    }
}
