//! What becomes of an instance in lines of the preview, with what in the file makes it so.

use super::Sight;
use super::outlook::{Outlook, Turn};
use crate::engine::model::{TrackKind, VirtualRouter};
use crate::engine::snapshot::VirtualRouterStatus;

impl Sight<'_> {
    /// How an instance starts.
    pub(super) fn starts(&self, router: &VirtualRouter, outlook: &Outlook) -> String {
        let Outlook { turn, said, .. } = outlook;
        if *turn == Turn::Fault {
            return format!("in FAULT: {said}");
        }
        let unknown = router.tracks.iter().find(|track| track.weight == 0 && self.is_unknown(track));
        unknown.map_or_else(
            || said.clone(),
            |track| format!("once script {} has succeeded, which is unknown until its first run: {said}", track.name),
        )
    }

    /// Of one that goes on: what is another priority, or another outlook, and what scripts may do that never ran.
    pub(super) fn lines(
        &self,
        (before, router): (&VirtualRouter, &VirtualRouter),
        status: &VirtualRouterStatus,
        (was, outlook): (Option<&Outlook>, &Outlook),
    ) -> Vec<String> {
        let (name, was) = (&router.name, was.map(|was| was.turn));
        let is_weighed_anew = self.is_weighed_anew(before, router);
        let (old, new, counts) = (before.priority, router.priority, self.counts(router, Some(status), None));
        let mut causes = Vec::new();
        if was == Some(Turn::Fault) {
            causes.push("FAULT ends".to_owned());
        }
        if old != new {
            causes.push(format!("priority {old} -> {new}"));
        } else if is_weighed_anew && counts != status.effective_priority {
            causes.push(format!("priority {} -> {counts} by what it tracks", status.effective_priority));
        }
        let is_told = was != Some(outlook.turn) || causes.iter().any(|cause| cause != "FAULT ends");
        if before.preempt != router.preempt {
            causes.push(if router.preempt { "preempt" } else { "nopreempt" }.to_owned());
        }
        if before.preempt_delay != router.preempt_delay {
            let [old, new] = [before, router].map(|side| side.preempt_delay.as_secs_f64());
            causes.push(format!("preempt_delay {old} s -> {new} s"));
        }
        let set = status.priority_set.filter(|_| old != new && !is_weighed_anew && was == Some(outlook.turn));
        let line = match (outlook.turn, set) {
            (Turn::Fault, _) if was == Some(Turn::Fault) => None,
            (Turn::Fault, _) if outlook.is_led => Some(format!("instance {name} {}", outlook.said)),
            (Turn::Fault, _) => Some(format!("instance {name}: FAULT: {}", outlook.said)),
            (_, Some(set)) => Some(format!(
                "instance {name}: {}: {set}, which an operator set, counts until `priority {name} --from-file`",
                causes.join(", ")
            )),
            _ if !is_told => None,
            _ if causes.is_empty() && outlook.is_led => Some(format!("instance {name} {}", outlook.said)),
            _ if causes.is_empty() => Some(format!("instance {name}: {}", outlook.said)),
            _ => Some(format!("instance {name}: {}: {}", causes.join(", "), outlook.said)),
        };
        let anew = router.tracks.iter().filter(|track| track.kind == TrackKind::Script && self.is_unknown(track));
        let anew = anew.filter(|track| self.is_anew(before, track));
        line.into_iter().chain(anew.filter_map(|track| self.first_run(router, status, track))).collect()
    }
}
