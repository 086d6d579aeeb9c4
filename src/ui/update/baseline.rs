//! `z`: the counters count from this moment on. A wish of this console alone: the kernel's counters go on.

use crate::ui::intent::{Effect, Intent};
use crate::ui::state::{Baseline, Tone, UiState};

/// Sets the baseline to what is shown, or takes it away.
pub fn toggle(state: &mut UiState) -> Vec<Effect> {
    if state.baseline.take().is_some() {
        state.say(Tone::Good, "the counters count since the kernel's start again");
        return Vec::new();
    }
    if state.viewing.is_some() && state.is_rewound() {
        let live = state.keys.hint(Intent::Live);
        state.say(Tone::Bad, format!("totals of the past are not known: press {live} first"));
        return Vec::new();
    }
    let Some(page) = state.page() else {
        state.say(Tone::Bad, "no row is loaded yet");
        return Vec::new();
    };
    let counters = page.rows.iter().map(|row| (row.key.clone(), row.counters)).collect();
    let rows = page.rows.len();
    state.baseline = Some(Baseline { at: state.engine_now(), counters });
    let key = state.keys.hint(Intent::Baseline);
    state.say(Tone::Good, format!("the counters of {rows} rows count from now on; {key} takes it back"));
    Vec::new()
}
