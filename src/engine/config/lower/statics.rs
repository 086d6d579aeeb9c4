//! `static_ipaddress`, `static_routes`, `static_rules` and `track_group`.

use super::super::Wanted;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::{Draft, address, routing};
use crate::engine::model::StaticAddress;
use std::collections::HashMap;

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
    let places: HashMap<_, _> = places.into_iter().rev().collect();
    let groups: HashMap<_, _> = groups.into_iter().rev().map(|(of, group, at)| (of, (group, at))).collect();
    for mut address in found {
        if address.interface.is_none() {
            address.interface = draft.defaults.interface.clone().or_else(|| Some(INTERFACE.to_owned()));
            if draft.defaults.interface.is_none() {
                let message = format!("a static address has no dev: {INTERFACE} is used, as in keepalived");
                let at = places.get(&address.address).copied().unwrap_or(block.at);
                cx.wanted.push((at, Wanted::Interface(INTERFACE.to_owned())));
                cx.once(Block::Top, "static_ipaddress", at, "no-dev", || message);
            }
        }
        draft.static_groups.push(groups.get(&(address.address, address.prefix)).cloned());
        statics.addresses.push(StaticAddress { address, needed_by: Vec::new() });
    }
}

/// `track_group NAME { group { … } }`.
pub(super) fn track_group<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut members = Vec::new();
    for entry in cx.entries(Block::TrackGroup, block.inner()) {
        let in_braces = cx.lines(Block::Members, entry.inner());
        let behind = entry.statement.words.iter().skip(1);
        for token in behind.chain(in_braces.iter().flat_map(|line| line.words)) {
            let member = cx.sources.word(token.span).to_owned();
            if draft.routers.contains_key(&member) {
                members.push(member);
                continue;
            }
            if draft.named.contains(&member) {
                continue; // what is wrong with it was said
            }
            let help = cx.is_left_out("vrrp_instance", &member);
            let known = draft.routers.keys().map(String::as_str);
            let help = help.or_else(|| cx.nearest(&member, known).map(|meant| format!("did you mean {meant}?")));
            let message = format!("there is no vrrp_instance {} for this group; it is left out", quoted(&member));
            cx.report.add(Problem::warning(token.span, "unknown-name", message).help_if(help));
        }
    }
    draft.track_groups.entry(name).or_insert(members);
}

/// Which instances need which address, once all groups are known.
pub(super) fn check(cx: &mut Context, draft: &mut Draft) {
    for (found, group) in draft.configuration.statics.addresses.iter_mut().zip(&draft.static_groups) {
        let Some((group, at)) = group else { continue };
        if let Some(members) = draft.track_groups.get(group) {
            found.needed_by.clone_from(members);
            continue;
        }
        let message = format!("there is no track_group {}: the address is set and not tracked", quoted(group));
        let help = cx
            .nearest(group, draft.track_groups.keys().map(String::as_str))
            .map(|meant| format!("did you mean {meant}?"));
        cx.report.add(Problem::warning(*at, "unknown-name", message).help_if(help));
    }
}
