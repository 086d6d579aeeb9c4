//! Which commands can be taken back, newest last.

use crate::engine::command::{Answer, Asked, Command, Outcome, Reach, Undoable, clean};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What is said where nothing is left to take back.
pub const NOTHING: &str = "no command since the start can be taken back";
/// How many are remembered.
const KEPT: usize = 50;
/// Most characters of a command that are kept to be read.
const LONGEST: usize = 256;

/// One command that was done, and what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Number of the command.
    pub id: u64,
    /// What it was, in short: its verb, or how many servers it was for.
    pub act: Cow<'static, str>,
    /// The whole command, as `ctl` is told it.
    pub command: String,
    /// When it was done.
    pub at: Instant,
    /// Who gave it.
    pub who: String,
    /// What takes it back; none where nothing does.
    pub inverse: Option<Command>,
    /// What it was done to.
    pub reach: Reach,
}

/// The commands that were done. One can be taken back as long as none that came later stands on it.
#[derive(Debug, Default)]
pub struct UndoStack(Mutex<VecDeque<Done>>);

impl UndoStack {
    /// Remembers a command that was done to these. One that changed nothing stands on nothing.
    pub fn remember(&self, asked: &Asked, answer: &Answer, reach: Reach) {
        if answer.outcome != Outcome::Done || answer.preview.is_empty() || reach == Reach::Nothing {
            return;
        }
        self.with(|stack| {
            if stack.len() == KEPT {
                stack.pop_front();
            }
            stack.push_back(Done {
                id: asked.id,
                act: asked.command.act(),
                command: clean(&asked.command.to_string(), LONGEST),
                at: Instant::now(),
                who: asked.who.to_string(),
                inverse: answer.preview.undo.clone(),
                reach,
            });
        });
    }

    /// The command with this number, and what takes it back. Errors: what there is instead, or what stands on it.
    pub fn find(&self, id: u64) -> Result<(Done, Command), String> {
        self.with(|stack| {
            let found = stack.iter().position(|done| done.id == id).and_then(|at| {
                let done = stack.get(at)?;
                Some((at, done, done.inverse.clone()?))
            });
            let Some((at, done, inverse)) = found else {
                let newest = stack.iter().rev().find(|done| done.inverse.is_some());
                return Err(newest.map_or_else(
                    || NOTHING.to_owned(),
                    |Done { id: newest, act, who, .. }| {
                        format!(
                            "command {id} can't be taken back: it was not done, has no way back, or was taken back already; \
                             the newest is {newest} ({act} by {who})"
                        )
                    },
                ));
            };
            match standing_on(stack, at) {
                None => Ok((done.clone(), inverse)),
                Some(Done { id: later, act, who, .. }) => Err(format!(
                    "command {id} can't be taken back by itself: {later} ({act} by {who}) came later and is about the same; take \
                     that one back first, or say what is wanted now"
                )),
            }
        })
    }

    /// The newest of them all.
    pub fn newest(&self) -> Option<Done> {
        self.with(|stack| stack.back().cloned())
    }

    /// All that can be taken back, the newest first.
    pub fn list(&self) -> Vec<Undoable> {
        let one = |done: &Done| {
            Some(Undoable {
                id: done.id,
                command: done.command.clone(),
                who: done.who.clone(),
                age_s: done.at.elapsed().as_secs(),
                undo: done.inverse.clone()?,
            })
        };
        self.with(|stack| {
            let free = (0..stack.len()).rev().filter(|at| standing_on(stack, *at).is_none());
            free.filter_map(|at| one(stack.get(at)?)).collect()
        })
    }

    /// It was taken back.
    pub fn forget(&self, id: u64) {
        self.with(|stack| stack.retain(|done| done.id != id));
    }

    fn with<R>(&self, act: impl FnOnce(&mut VecDeque<Done>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The newest of those after this one that is about the same.
fn standing_on(stack: &VecDeque<Done>, at: usize) -> Option<&Done> {
    let done = stack.get(at)?;
    stack.iter().skip(at + 1).rev().find(|later| later.reach.meets(&done.reach))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Preview, Who};

    fn did(stack: &UndoStack, id: u64, instance: &str, outcome: Outcome, has_way_back: bool) {
        let instance = Some(instance.to_owned());
        let undo = has_way_back.then(|| Command::Rejoin { instance: instance.clone() });
        let command = Command::Failover { instance, hold_seconds: None, blind: false };
        let reach = Reach::of(&command, &|name| [name.to_owned()].into());
        let asked = Asked {
            id,
            command,
            dry_run: false,
            token: None,
            force: false,
            who: Who { user: "anna".into(), ..Who::default() },
            reason: None,
        };
        let preview = Preview { undo, ops: vec!["send priority 0".to_owned()], ..Preview::default() };
        stack.remember(&asked, &Answer { id, outcome, message: String::new(), preview, token: None }, reach);
    }

    #[test]
    fn only_what_was_done_and_has_a_way_back_can_be_taken_back_and_only_once() {
        let stack = UndoStack::default();
        assert_eq!(stack.find(1).unwrap_err(), NOTHING);
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "B", Outcome::Done, false);
        did(&stack, 3, "C", Outcome::Failed, true);
        did(&stack, 4, "D", Outcome::Done, true);
        assert_eq!(stack.find(1).map(|(done, _)| done.id), Ok(1));
        let listed: Vec<(u64, String)> = stack.list().into_iter().map(|one| (one.id, one.command)).collect();
        assert_eq!(listed, [(4, "failover D".to_owned()), (1, "failover A".to_owned())], "the newest first");
        for id in [2, 3, 9] {
            assert!(stack.find(id).unwrap_err().contains("the newest is 4 (failover by anna)"), "{id}");
        }
        stack.forget(4);
        assert!(stack.find(4).is_err());
    }

    #[test]
    fn what_a_later_command_stands_on_is_not_taken_back_before_that_one() {
        let stack = UndoStack::default();
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "A", Outcome::Done, false);
        did(&stack, 3, "B", Outcome::Done, true);
        let why = stack.find(1).unwrap_err();
        assert!(why.contains("2 (failover by anna) came later and is about the same"), "{why}");
        assert_eq!(stack.list().iter().map(|one| one.id).collect::<Vec<_>>(), [3]);
        stack.forget(2);
        assert_eq!(stack.list().iter().map(|one| one.id).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let stack = UndoStack::default();
        for id in 1..=KEPT as u64 + 2 {
            did(&stack, id, &id.to_string(), Outcome::Done, true);
        }
        assert!(stack.find(2).is_err());
        assert!(stack.find(3).is_ok());
    }
}
