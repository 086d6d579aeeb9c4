//! The words `vrrp_*` and `checker_*` of `global_defs` about the threads of the two loops.

use super::super::argument::Argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};
use crate::engine::model::Global;
use std::time::Duration;

/// Takes a word of this kind; false where it is none.
pub(super) fn lower(cx: &mut Context, global: &mut Global, word: &str, argument: &Argument, entry: &Entry) -> bool {
    let (thread, word) = match (word.strip_prefix("vrrp_"), word.strip_prefix("checker_")) {
        (Some(word), _) => (&mut global.failover_thread, word),
        (None, Some(word)) => (&mut global.balance_thread, word),
        (None, None) => return false,
    };
    match (word, argument) {
        ("priority", Argument::Signed(nice)) => thread.nice = i8::try_from(*nice).ok(),
        ("no_swap", Argument::Switch(on)) => thread.no_swap = *on,
        ("rt_priority", Argument::Number(priority)) => thread.priority = u8::try_from(*priority).ok(),
        ("rlimit_rttime" | "rlimit_rtime", Argument::Number(micros)) => {
            thread.time_limit = Some(Duration::from_micros(*micros));
        }
        ("cpu_affinity", _) => thread.processors = processors(cx, entry),
        _ => return false,
    }
    true
}

/// `max_auto_priority [-1 to 99]`: whether the failover loop may have real-time priority; without a number it may.
pub(super) fn rises(cx: &mut Context, entry: &Entry) -> bool {
    let words = cx.words(entry.statement);
    if let Ok(most @ -1..=99) = words.get(1).map_or(Ok(99), |word| word.parse::<i8>()) {
        return most > 0;
    }
    let message = "max_auto_priority is a number from -1 to 99; it is ignored, as keepalived does";
    cx.report.add(Problem::warning(entry.value_at(1), "out-of-range", message).help("write 99, or leave it out"));
    false
}

/// Numbers of processors, from 0.
fn processors(cx: &mut Context, entry: &Entry) -> Vec<u16> {
    let words = cx.words(entry.statement);
    let mut numbers = Vec::new();
    for (word, at) in words.iter().zip(0..).skip(1) {
        match word.parse() {
            Ok(number) if number < 1_024 => numbers.push(number),
            _ => cx.report.add(
                Problem::warning(
                    entry.value_at(at),
                    "not-a-number",
                    format!("{} is no processor's number; it is ignored, as keepalived does", quoted(word)),
                )
                .help("processors count from 0: see /proc/cpuinfo"),
            ),
        }
    }
    numbers
}
