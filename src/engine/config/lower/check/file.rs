//! `FILE_CHECK`.

use super::super::super::argument::Argument;
use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::keywords::Block;
use super::super::super::schema::{Context, Entry};
use super::super::script;
use super::Outer;
use crate::engine::model::{CheckKind, CheckSpec, CheckTiming, FileCheck, Origin};
use std::time::Duration;

/// How often the file is read; keepalived is told by the kernel.
const EVERY: Duration = Duration::from_secs(1);

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> Option<CheckSpec> {
    let (mut named, mut weight) = (None, None);
    for entry in cx.entries(Block::FileCheck, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("track_file", Argument::Text(name)) => named = Some((name.clone(), entry.value_at(1))),
            ("weight", Argument::Signed(number)) => weight = Some((*number, script::reversed(cx, &entry))),
            _ => {}
        }
    }
    let Some((name, at)) = named else {
        if !cx.mentions(block.inner(), "track_file") {
            let message = "FILE_CHECK has no track_file; it is left out, as keepalived does";
            cx.report.add(Problem::warning(block.at, "missing-word", message).help("write track_file NAME"));
        }
        return None;
    };
    let Some(file) = outer.files.get(&name) else {
        let message = format!("there is no track_file {}; this check is left out, as keepalived does", quoted(&name));
        let help =
            cx.nearest(&name, outer.files.keys().map(String::as_str)).map(|meant| format!("did you mean {meant}?"));
        cx.report.add(Problem::warning(at, "unknown-name", message).help_if(help));
        return None;
    };
    let (weight, reverse) = weight.unwrap_or((file.weight.into(), file.reverse));
    Some(CheckSpec {
        kind: CheckKind::File(FileCheck { name, path: file.path.clone(), weight, reverse }),
        target: outer.written,
        origin: Origin::ANY,
        timing: CheckTiming { interval: EVERY, timeout: EVERY, retry: 0, retry_delay: EVERY, warmup: Duration::ZERO },
        alpha: outer.alpha,
        log_all_failures: outer.log_all_failures,
    })
}
