//! The last hour of an instance as letters: `M` master, `b` backup, `f` fault, `i` init, `S` two masters, `.` not known.

use crate::engine::{VirtualRouterState, VirtualRouterStatus};
use std::time::{Duration, SystemTime};

/// How far back a timeline goes.
pub const SPAN: Duration = Duration::from_hours(1);

const fn letter(state: Option<VirtualRouterState>) -> char {
    match state {
        None => '.',
        Some(VirtualRouterState::Master) => 'M',
        Some(VirtualRouterState::Backup) => 'b',
        Some(VirtualRouterState::Fault) => 'f',
        Some(VirtualRouterState::Init) => 'i',
    }
}

/// So many letters for the hour before `now`, the newest at the right.
///
/// A letter is the state at the end of its time, and the last one is the state now. Where the state at the end is that of the
/// beginning, a state that came and went between is shown instead, so that a short loss of mastership can't hide. Two masters, noticed at
/// one of `splits`, hide behind nothing.
pub fn letters(router: &VirtualRouterStatus, splits: &[SystemTime], now: SystemTime, columns: usize) -> String {
    let columns = u32::try_from(columns).unwrap_or(0);
    let at = |column: u32| now - SPAN + SPAN * column / columns.max(1);
    let state_at = |time: SystemTime| {
        let known = router.history.iter().rev().find(|change| change.at <= time).map(|change| change.state);
        known.or_else(|| (router.since <= time).then_some(router.state))
    };
    let went_by = |from: SystemTime, to: SystemTime| {
        let mut within = router.history.iter().filter(move |change| change.at > from && change.at <= to);
        within.find(|change| Some(change.state) != state_at(to)).map(|change| change.state)
    };
    (0..columns)
        .map(|column| {
            let (from, to) = (at(column), at(column + 1));
            if splits.iter().any(|split| *split > from && *split <= to) {
                return 'S';
            }
            let after = if column + 1 == columns { Some(router.state) } else { state_at(to) };
            let steady = column + 1 < columns && state_at(from) == after;
            letter(if steady { went_by(from, to).or(after) } else { after })
        })
        .collect()
}
