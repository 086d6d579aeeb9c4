//! Strict mode of an instance: `strict_mode`, or `vrrp_strict` of `global_defs`.

use super::super::super::diagnostic::Problem;
use super::super::super::keywords::Block;
use super::super::super::schema::{Context, Entry};
use super::super::super::source::Span;
use super::Words;
use crate::engine::model::{Authentication, Priority, StartState};
use std::time::Duration;

/// Does what keepalived does in strict mode, and tells it at the word of the instance that comes to nothing; at the instance's name
/// where `global_defs` has the word.
pub(super) fn settle(cx: &mut Context, words: &mut Words, block: &Entry) {
    let name = block.value_at(1);
    let sources = cx.sources;
    let at = |word: &str| -> Span {
        let mut own = block.inner().iter().filter_map(|statement| statement.words.first());
        own.find(|first| sources.word(first.span) == word).map_or(name, |first| first.span)
    };
    if words.state == Some(StartState::Master) && words.priority.is_some_and(|priority| !priority.is_owner()) {
        words.state = Some(StartState::Backup);
        let message = "in strict mode state MASTER is for priority 255 alone: BACKUP is used, as with keepalived";
        let help = "write state BACKUP; the priority decides";
        cx.report.add(Problem::warning(words.state_at.unwrap_or(name), "strict", message).help(help));
    }
    let mut without = Vec::new();
    let mut reset = |is_there: bool, word: &'static str| without.extend(is_there.then_some(word));
    reset(words.authentication.0 != Authentication::None, "authentication");
    reset(!words.preempt_delay.0.is_zero(), "preempt_delay");
    reset(!words.garp.refresh.is_zero(), "garp_master_refresh");
    reset(words.variations.higher_prio_send_advert, "higher_prio_send_advert");
    reset(words.links.leave_base(), "vmac_xmit_base");
    words.authentication = (Authentication::None, None);
    (words.preempt_delay.0, words.garp.refresh) = (Duration::ZERO, Duration::ZERO);
    (words.variations.higher_prio_send_advert, words.variations.lower_prio_no_advert) = (false, true);
    for word in without {
        let message = format!("strict mode goes without {word}: it is ignored, as with keepalived");
        let help = "remove it on all nodes, or vrrp_strict";
        cx.report.add(Problem::warning(at(word), "strict", message).help(help));
    }
    // An owner accepts in any case.
    if words.priority.map_or(words.state == Some(StartState::Master), Priority::is_owner) {
        return;
    }
    let first = words.addresses.iter().find(|address| address.advertised);
    let is_four = first.map_or(words.native_ipv6.is_none(), |first| first.address.is_ipv4());
    let is_two = is_four && words.version.is_none_or(|(version, _)| version == 2);
    if let Some((_, at)) = words.accepts.filter(|(accepts, _)| *accepts && is_two) {
        words.accepts = None;
        let message = "strict mode goes without accept in version 2: it is ignored, as with keepalived";
        cx.report.add(Problem::warning(at, "strict", message).help("write version 3, or remove vrrp_strict"));
    }
    if words.accepts.is_none() {
        let message = || {
            "in strict mode a master drops packets to and from its addresses, as with keepalived: they answer nobody, and no \
             service on them is reached; accept (version 3) lets them in"
                .to_owned()
        };
        cx.once(Block::Instance, "strict_mode", at("strict_mode"), "drops", message);
    }
}
