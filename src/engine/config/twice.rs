//! Words that stand twice in a block: which line counts, and the message that names both.

use super::argument::Argument;
use super::diagnostic::Problem;
use super::keywords::{Block, Keyword, Status, Value};
use super::schema::Context;
use super::source::Span;
use super::tree::Statement;
use std::collections::BTreeMap;

/// Where the words of a block stand, and what switches among them say.
pub(super) type Seen = BTreeMap<&'static str, (Span, Option<bool>)>;

/// What counts of a word that stands twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twice {
    /// As most words have it in keepalived, which says nothing then.
    LaterCounts,
    /// keepalived says so.
    FirstCounts,
}

/// Words of more than one value of which the last line counts.
const ONCE: &[&str] = &[
    "lb_kind",
    "lvs_method",
    "sorry_server_lvs_method",
    "script",
    "misc_path",
    "payload",
    "script_user",
    "user",
    "vrrp_cpu_affinity",
    "checker_cpu_affinity",
    "max_auto_priority",
];
/// Words of which the first line counts, in any block.
const FIRST: &[&str] = &[
    "lvs_sync_daemon",
    "notify_fifo",
    "vrrp_notify_fifo",
    "lvs_notify_fifo",
    "vmac_prefix",
    "vmac_addr_prefix",
    "use_vmac",
    "lvs_sync_daemon_interface",
    "notify_deleted",
    "process",
    "file",
];
/// Words of which each line counts, or another rule; told where they are lowered.
const OTHERWISE: &[&str] = &[
    "state",
    "digest",
    "ip_family",
    "unicast_src_ip",
    "mcast_src_ip",
    "version",
    "status_code",
    "regex_options",
    "vrrp_min_garp",
];

/// What keepalived 2.2.7 makes of a word that stands twice in a block; none where each line counts.
fn twice(block: Block, keyword: &Keyword) -> Option<Twice> {
    let is_single = keyword.value.is_single() || matches!(keyword.value, Value::Switch);
    if keyword.value.block().is_some() || OTHERWISE.contains(&keyword.word) || keyword.status != Status::Acts {
        return None;
    }
    let is_script = keyword.value == Value::Command && !matches!(keyword.word, "script" | "misc_path");
    let is_tracked = matches!(block, Block::Process | Block::File) && keyword.word == "weight";
    if is_script || is_tracked || FIRST.contains(&keyword.word) {
        return Some(Twice::FirstCounts);
    }
    (is_single || ONCE.contains(&keyword.word)).then_some(Twice::LaterCounts)
}

/// Whether a line counts where its word stands in the block before: tells which of both does.
pub(super) fn counts(
    cx: &mut Context,
    seen: &mut Seen,
    (block, keyword): (Block, &'static Keyword),
    statement: &Statement,
    argument: &Argument,
) -> bool {
    let (Some(rule), Some(first)) = (twice(block, keyword), statement.words.first()) else { return true };
    let switch = if let Argument::Switch(on) = argument { Some(*on) } else { None };
    let is_bare = switch.is_none() && statement.words.len() < 2;
    let Some((before, was)) = seen.get(keyword.word).copied() else {
        if !is_bare {
            seen.insert(keyword.word, (first.span, switch));
        }
        return true;
    };
    let counts = rule == Twice::LaterCounts;
    if !counts || !is_bare {
        seen.insert(keyword.word, if counts { (first.span, switch) } else { (before, was) });
    }
    if is_bare || (switch.is_some() && switch == was) {
        return counts;
    }
    let (word, before) = (keyword.word, cx.line_of(before));
    let (code, which) = if counts {
        ("given-twice", "this later one counts")
    } else {
        ("already-set", "that one counts, as in keepalived")
    };
    let help = match word {
        "router_id" => Some("did two nodes' files get pasted into one? Keep on each node its own"),
        _ if counts => None,
        _ if keyword.value == Value::Command => Some("write one script that does both"),
        _ => Some("remove one of the two"),
    };
    let message = format!("{word} stands in {before} before; {which}");
    cx.report.add(Problem::warning(first.span, code, message).help_if(help.map(str::to_owned)));
    counts
}
