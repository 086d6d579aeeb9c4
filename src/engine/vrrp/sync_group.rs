//! What a sync group does next: members move together. A router without a group is a group of its own.
//!
//! Level-triggered: the step follows from how the members stand now, so that asking twice is harmless and nothing has to
//! be remembered. One fault faults all; the group leads only when every member may; one that stops leading takes the
//! others along. One that a reload puts into a group that leads has nothing to stop: the others go on while it listens, and
//! it leads as soon as it may.

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It can't work, for a reason of its own.
    Unfit,
    /// Not started, and not to be started yet: a script has to answer first.
    Waiting,
    /// It could work and does not: not started, or in FAULT for a reason that is gone or was another member's.
    Idle,
    /// Backup; a master is alive or may be.
    Listening,
    /// Backup; nobody leads, or nobody that should: it would take over.
    Willing,
    /// Backup since it began, and no master of it was heard that it has to follow.
    Joining {
        /// It would take over.
        willing: bool,
    },
    /// Master.
    Leading,
}

/// What the group does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Every member goes to FAULT.
    Fail,
    /// Idle members start.
    Start,
    /// Leading members resign.
    StepDown,
    /// Every member becomes master.
    TakeOver,
}

/// The next step, none when the group may stay as it is.
pub fn step(members: &[Standing]) -> Option<Step> {
    let any = |wanted: Standing| members.contains(&wanted);
    let listens = any(Standing::Listening) || any(Standing::Joining { willing: false });
    let is_willing = any(Standing::Willing) || any(Standing::Joining { willing: true });
    if any(Standing::Unfit) {
        Some(Step::Fail)
    } else if any(Standing::Leading) && (any(Standing::Listening) || any(Standing::Willing)) {
        Some(Step::StepDown)
    } else if any(Standing::Waiting) {
        None
    } else if any(Standing::Idle) {
        Some(Step::Start)
    } else if is_willing && !listens {
        Some(Step::TakeOver)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::*;
    use super::*;

    #[test]
    fn one_fault_faults_all() {
        assert_eq!(step(&[Leading, Unfit, Willing]), Some(Step::Fail));
    }
    #[test]
    fn a_group_leads_only_when_every_member_may() {
        assert_eq!(step(&[Willing, Listening]), None);
        assert_eq!(step(&[Willing, Willing]), Some(Step::TakeOver));
        assert_eq!(step(&[Leading, Leading]), None);
    }
    #[test]
    fn one_that_stops_leading_takes_the_others_along() {
        assert_eq!(step(&[Leading, Listening]), Some(Step::StepDown));
        assert_eq!(step(&[Leading, Willing]), Some(Step::StepDown));
    }
    #[test]
    fn nobody_starts_before_the_scripts_of_all_have_answered() {
        assert_eq!(step(&[Waiting, Idle]), None);
        assert_eq!(step(&[Waiting, Unfit]), Some(Step::Fail));
    }
    #[test]
    fn who_joins_a_group_that_leads_stops_nobody_and_leads_when_it_may() {
        let [listens, willing] = [false, true].map(|willing| Joining { willing });
        assert_eq!(step(&[Leading, listens]), None);
        assert_eq!(step(&[Leading, willing]), Some(Step::TakeOver));
        assert_eq!(step(&[Leading, willing, listens]), None);
        assert_eq!(step(&[Leading, listens, Listening]), Some(Step::StepDown));
        assert_eq!(
            step(&[Leading, Waiting, Listening]),
            Some(Step::StepDown),
            "a script that answers late holds nobody"
        );
        assert_eq!(step(&[Willing, listens]), None);
        assert_eq!(step(&[Willing, willing]), Some(Step::TakeOver));
        assert_eq!(step(&[Leading, Idle]), Some(Step::Start));
    }
    #[test]
    fn members_start_again_when_no_fault_is_left() {
        assert_eq!(step(&[Idle, Idle]), Some(Step::Start));
        assert_eq!(step(&[]), None);
    }
}
