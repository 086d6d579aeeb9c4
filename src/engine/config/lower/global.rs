//! `global_defs`.

use super::super::Wanted;
use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::{Draft, lvs, mail, notify, real_time, script, small};
use crate::engine::model::{GratuitousArp, PaceGroup, Variations};

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Draft { configuration, defaults, sync_daemon_at, .. } = draft;
    let global = &mut configuration.global;
    let mut rises = false;
    let entries = cx.entries(Block::Global, block.inner());
    if entries.iter().any(|entry| entry.keyword.word == "vrrp_min_garp" && entry.argument == Argument::Switch(true)) {
        // Whatever a word says counts, wherever it stands.
        let at_once = std::time::Duration::ZERO;
        (defaults.garp.repeat, defaults.garp.delay) = (1, at_once);
        (defaults.garp.lower_priority_repeat, defaults.garp.lower_priority_delay) = (Some(1), Some(at_once));
    }
    for entry in entries {
        if entry.keyword.word == "lvs_sync_daemon" {
            *sync_daemon_at = Some(entry.at);
        }
        match (entry.keyword.word, &entry.argument) {
            ("router_id", Argument::Text(name)) => global.router_id = Some(name.clone()),
            ("vrrp_skip_check_adv_addr", Argument::Switch(on)) => {
                (global.skip_check_adv_addr, defaults.variations.skip_check_adv_addr) = (*on, *on);
            }
            ("vrrp_check_unicast_src", Argument::Switch(on)) => defaults.check_unicast_source = *on,
            (word @ ("vrrp_mcast_group4" | "vrrp_mcast_group6"), Argument::Address(group)) => {
                defaults.groups.lower(cx, word, *group, entry.value_at(1));
            }
            ("vrrp_version", Argument::Number(version)) => defaults.version = Some(*version),
            ("script_user", _) => global.script_user = script::user(cx, &entry),
            ("enable_script_security", Argument::Switch(on)) => global.script_security = *on,
            ("default_interface", Argument::Text(name)) => {
                cx.wanted.push((entry.value_at(1), Wanted::Interface(name.clone())));
                defaults.interface = Some(name.clone());
            }
            (word @ ("vrrp_garp_interval" | "vrrp_gna_interval"), Argument::Time(gap)) => {
                if gap.is_zero() {
                    let message = format!("{word} 0 is no interval: there is no delay, as without the word");
                    let help = "remove the line; keepalived calls it out of range, though its own default file has it";
                    cx.report.add(Problem::warning(entry.value_at(1), "no-delay", message).help(help));
                }
                *(if word == "vrrp_gna_interval" { &mut global.pace.gna } else { &mut global.pace.garp }) = *gap;
            }
            ("vrrp_startup_delay", Argument::Time(delay)) => global.startup_delay = *delay,
            ("vrrp_notify_priority_changes", Argument::Switch(on)) => defaults.priority_changes = *on,
            ("vrrp_strict", Argument::Switch(on)) => defaults.strict = *on,
            ("max_auto_priority", _) => rises = real_time::rises(cx, &entry),
            ("vmac_prefix", Argument::Text(prefix)) => defaults.link_prefixes.own = Some(prefix.clone()),
            ("vmac_addr_prefix", Argument::Text(prefix)) => defaults.link_prefixes.others = Some(prefix.clone()),
            ("checker_log_all_failures", Argument::Switch(on)) => defaults.log_all_failures = *on,
            ("rs_init_notifies", Argument::Switch(on)) => global.tells_first_servers = *on,
            _ if notify::global(cx, &mut global.fifos, &entry) => {}
            _ if mail::lower(cx, &mut global.mail, &mut defaults.mail, &entry) => {}
            (word, argument) if lvs::lower(cx, &mut global.lvs, word, argument, &entry) => {}
            (word, argument) if real_time::lower(cx, global, word, argument, &entry) => {}
            (word, argument) => {
                let word = word.trim_start_matches("vrrp_");
                garp(cx, &mut defaults.garp, word, &entry);
                vary(&mut defaults.variations, word, argument);
            }
        }
    }
    if rises && global.failover_thread.priority.is_none() {
        global.failover_thread.priority = Some(1);
    }
    notify::check(cx, &mut global.fifos, block.at);
}

/// `garp_group`.
pub(super) fn garp_group<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let mut group = PaceGroup::default();
    for entry in cx.entries(Block::GarpGroup, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("garp_interval", Argument::Time(gap)) => group.garp = Some(*gap),
            ("gna_interval", Argument::Time(gap)) => group.gna = Some(*gap),
            ("interface", Argument::Text(name)) => group.interfaces.push(name.clone()),
            ("interfaces", _) => {
                for line in cx.lines(Block::Interfaces, entry.inner()) {
                    group.interfaces.extend(cx.words(line));
                }
            }
            _ => {}
        }
    }
    if group.interfaces.is_empty() {
        let message = "this garp_group has no interface: nothing follows from it";
        cx.report.add(Problem::warning(block.at, "no-interface", message).help("write interface eth0"));
    }
    draft.configuration.global.pace.groups.push(group);
}

/// Most announcements of an address in a round: a master that is at more of them does not advertise meanwhile.
const MOST_ANNOUNCEMENTS: u32 = 1_000;

/// The words `garp_master_*`, which `global_defs` has with `vrrp_` before them.
pub(super) fn garp(cx: &mut Context, garp: &mut GratuitousArp, word: &str, entry: &Entry) {
    let mut small = |number| {
        let repeat = small(number);
        if repeat > MOST_ANNOUNCEMENTS {
            let message = format!(
                "{} {repeat} counts as {MOST_ANNOUNCEMENTS}: keepalived sends them all, and no advertisement meanwhile",
                entry.keyword.word
            );
            let help = "5 tell every switch; for more of them over a longer time write garp_master_refresh SECONDS";
            cx.report.add(Problem::warning(entry.value_at(1), "too-many-announcements", message).help(help));
        }
        repeat.min(MOST_ANNOUNCEMENTS)
    };
    match (word, &entry.argument) {
        ("garp_master_delay", Argument::Time(delay)) => garp.delay = *delay,
        ("garp_master_repeat", Argument::Number(repeat)) => garp.repeat = small(*repeat),
        ("garp_master_refresh", Argument::Time(refresh)) => garp.refresh = *refresh,
        ("garp_master_refresh_repeat", Argument::Number(repeat)) => garp.refresh_repeat = small(*repeat),
        ("garp_lower_prio_repeat", Argument::Number(repeat)) => garp.lower_priority_repeat = Some(small(*repeat)),
        ("garp_lower_prio_delay", Argument::Time(delay)) => garp.lower_priority_delay = Some(*delay),
        _ => {}
    }
}

/// Words that vary the protocol, most of which `global_defs` has with `vrrp_` before them.
pub(super) fn vary(variations: &mut Variations, word: &str, argument: &Argument) {
    match (word, argument) {
        ("down_timer_adverts", Argument::Number(number)) => {
            variations.down_timer_adverts = u8::try_from(*number).unwrap_or(u8::MAX);
        }
        ("higher_prio_send_advert", Argument::Switch(on)) => variations.higher_prio_send_advert = *on,
        ("lower_prio_no_advert", Argument::Switch(on)) => variations.lower_prio_no_advert = *on,
        ("skip_check_adv_addr", Argument::Switch(on)) => variations.skip_check_adv_addr = *on,
        ("v3_checksum_as_v2", Argument::Switch(on)) => variations.checksum_as_v2 = *on,
        _ => {}
    }
}
