//! `MISC_CHECK`: the runner runs the script, its end is the verdict.

use crate::engine::driver::scripts;
use crate::engine::health::{Hindrance, SaidWeight, Verdict};
use crate::engine::io::runner::{Ended, How, RunnerLink};
use crate::engine::model::{CheckSpec, Global, MiscCheck};
use tokio::sync::oneshot;

/// What checks by script need: the runner, and the words about users and security.
#[derive(Clone)]
pub struct Scripts {
    runner: RunnerLink,
    global: Global,
}

impl Scripts {
    /// Scripts of a configuration with these words.
    pub const fn new(runner: RunnerLink, global: Global) -> Self {
        Self { runner, global }
    }
    /// For an engine without a runner.
    pub fn none() -> Self {
        Self::new(RunnerLink::broken(), Global::default())
    }
    /// From now on with the words of another configuration.
    pub(super) fn follow(&mut self, global: &Global) {
        self.global.clone_from(global);
    }

    /// Runs a script once. One that is forgotten meanwhile is ended.
    pub async fn run(self, check: &CheckSpec, misc: &MiscCheck) -> Verdict {
        let job = match scripts::job(&misc.command, misc.user.as_ref(), check.timing.timeout, &self.global) {
            Ok(job) => job,
            Err(reason) => return unable(reason),
        };
        let (told, ended) = oneshot::channel();
        let id = self.runner.run(job, move |ended| _ = told.send(ended));
        let mut run = Run { runner: self.runner, id: Some(id) };
        match ended.await {
            Ok(ended) => {
                run.id = None;
                verdict(&ended, misc.dynamic)
            }
            Err(_) => unable("the process that runs scripts has ended".to_owned()),
        }
    }
}

/// A run that is cancelled with its task.
struct Run {
    runner: RunnerLink,
    id: Option<u64>,
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.runner.cancel(id);
        }
    }
}

fn verdict(ended: &Ended, dynamic: bool) -> Verdict {
    match &ended.how {
        // What an earlier run said of the weight counts no more.
        How::Exited(0) if dynamic => Verdict::Weighed(ended.took, SaidWeight::More(0)),
        How::Exited(0) => Verdict::Passed(ended.took),
        How::Exited(code @ 2..) if dynamic => {
            Verdict::Weighed(ended.took, SaidWeight::Is(u32::try_from(code - 2).unwrap_or(0)))
        }
        How::Exited(_) | How::Killed(_) | How::TimedOut => Verdict::Failed(ended.to_string()),
        How::Cancelled | How::NotRun(_) | How::Unfit(_) => unable(ended.to_string()),
    }
}

fn unable(reason: String) -> Verdict {
    Verdict::Unable(Hindrance { reason, next: "correct the script, its user or its rights; see docs/scripts.md" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_exit_code_is_the_verdict_and_with_misc_dynamic_the_weight() {
        let took = Duration::from_millis(3);
        let ended = |how| Ended { id: 1, how, output: "busy".to_owned(), took, exposed: None };
        let failed = |why: &str| Verdict::Failed(why.to_owned());
        for (how, plain, dynamic) in [
            (How::Exited(0), Verdict::Passed(took), Verdict::Weighed(took, SaidWeight::More(0))),
            (How::Exited(1), failed("exit code 1 after 3 ms: \"busy\""), failed("exit code 1 after 3 ms: \"busy\"")),
            (How::Exited(2), failed("exit code 2 after 3 ms: \"busy\""), Verdict::Weighed(took, SaidWeight::Is(0))),
            (
                How::Exited(255),
                failed("exit code 255 after 3 ms: \"busy\""),
                Verdict::Weighed(took, SaidWeight::Is(253)),
            ),
        ] {
            assert_eq!((verdict(&ended(how.clone()), false), verdict(&ended(how), true)), (plain, dynamic));
        }
        assert!(matches!(verdict(&ended(How::TimedOut), true), Verdict::Failed(_)));
        assert!(matches!(verdict(&ended(How::Unfit("no such file".to_owned())), true), Verdict::Unable(_)));
    }
}
