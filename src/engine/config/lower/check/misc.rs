//! `MISC_CHECK`.

use super::super::super::argument::Argument;
use super::super::super::diagnostic::Problem;
use super::super::super::keywords::Block;
use super::super::super::schema::{Context, Entry};
use super::super::{command, script};
use super::{Common, Defaults, Outer, PLAIN};
use crate::engine::model::{CheckKind, CheckSpec, MiscCheck};
use std::time::Duration;

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> Option<CheckSpec> {
    let (mut common, mut limit) = (Common::new(outer), None);
    let mut misc = MiscCheck { command: Vec::new(), user: None, dynamic: false };
    let mut program_at = block.at;
    for entry in cx.entries(Block::MiscCheck, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("misc_path", _) => (misc.command, program_at) = (command::only(cx, &entry), entry.value_at(1)),
            ("misc_timeout", Argument::Number(seconds)) => limit = Some(Duration::from_secs(*seconds)),
            ("misc_dynamic", Argument::Switch(on)) => misc.dynamic = *on,
            ("user", _) => misc.user = script::user(cx, &entry),
            _ => common.take(&entry),
        }
    }
    if misc.command.is_empty() {
        if !cx.mentions(block.inner(), "misc_path") {
            let message = "MISC_CHECK has no misc_path; it is left out";
            let help = "write misc_path \"/path/to/command arguments\"";
            cx.report.add(Problem::warning(block.at, "no-script", message).help(help));
        }
        return None;
    }
    cx.wants_program(&misc.command, misc.user.as_ref(), program_at);
    let mut check = common.complete(cx, block, outer, CheckKind::Misc(misc), &Defaults { retry: 0, ..PLAIN });
    check.timing.timeout = limit.filter(|limit| !limit.is_zero()).unwrap_or(check.timing.interval);
    Some(check)
}
