//! Weights that can never fail over: what is tracked with a weight lowers a priority, and nothing follows where it stays high.

use super::super::diagnostic::Problem;
use super::super::schema::Context;
use super::Draft;
use crate::engine::model::{Priority, Track, TrackKind, VirtualRouter};

/// Priorities are told about from this many times below the distance to [`Priority::DEFAULT`] on: 150 with a weight of 2, and
/// not 150 with 10, since the other node may well have 145.
const FAR: i64 = 10;

/// Says which weights change nothing, or too little to matter.
pub(super) fn check(cx: &mut Context, draft: &Draft) {
    for (router, places) in draft.configuration.virtual_routers.iter().zip(&draft.instances) {
        if let Some((code, message, help)) = advice(router) {
            cx.report.add(Problem::warning(places.tracks, code, message).help(help));
        }
    }
}

fn advice(router: &VirtualRouter) -> Option<(&'static str, String, &'static str)> {
    let weighty: Vec<&Track> = router.tracks.iter().filter(|track| track.weight != 0).collect();
    let mut names = weighty.iter().map(|track| track.name.as_str()).collect::<Vec<_>>().join(", ");
    if weighty.len() > 3 {
        names = format!("its {} weights", weighty.len());
    }
    let (name, priority) = (&router.name, router.priority);
    if weighty.is_empty() {
        return None;
    }
    if priority.is_owner() {
        let message = format!("{name} has priority 255, which no weight changes: {names} can't make it yield");
        let help = "write a priority of 254 or less; or weight 0: then failure is FAULT";
        return Some(("weight-without-effect", message, help));
    }
    let (least, most) = reach(priority, &weighty)?;
    if least == most {
        let message = format!("whatever becomes of {names}, the priority of {name} stays {least}");
        let help = "the priority that counts is from 1 to 254: write one that leaves the weights room";
        return Some(("weight-without-effect", message, help));
    }
    let above = least - i64::from(Priority::DEFAULT.get());
    (above > 0 && (most - least) * FAR <= above).then(|| {
        let message = format!(
            "whatever becomes of {names}, {name} has a priority from {least} to {most}: no node with less than {least} ever takes over"
        );
        let help = "let a failure take more than what lies between this priority and the other node's, -60 for example; or write \
                    weight 0: then failure is FAULT";
        ("weight-too-small", message, help)
    })
}

/// The least and the most that the priority can be; none where a file decides, whose number nobody knows.
fn reach(priority: Priority, tracks: &[&Track]) -> Option<(i64, i64)> {
    if tracks.iter().any(|track| track.kind == TrackKind::File) {
        return None;
    }
    let base = i64::from(priority.get());
    let signed = |track: &Track| i64::from(if track.reverse { -track.weight } else { track.weight });
    let all = |part: fn(i64) -> i64| tracks.iter().map(|track| part(signed(track))).sum::<i64>();
    Some(((base + all(|w| w.min(0))).clamp(1, 254), (base + all(|w| w.max(0))).clamp(1, 254)))
}
