//! Which commands can be taken back, newest last.

use crate::engine::command::{Answer, Asked, Command, Outcome, Undoable, clean};
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
    /// What takes it back.
    pub inverse: Command,
}

/// The commands that can be taken back.
#[derive(Debug, Default)]
pub struct UndoStack(Mutex<VecDeque<Done>>);

impl UndoStack {
    /// Remembers a command that was done, if there is a way back.
    pub fn remember(&self, asked: &Asked, answer: &Answer) {
        let (Outcome::Done, Some(inverse)) = (answer.outcome, answer.preview.undo.clone()) else { return };
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
                inverse,
            });
        });
    }

    /// The command with this number. Errors: what there is instead.
    pub fn find(&self, id: u64) -> Result<Done, String> {
        self.with(|stack| {
            let found = stack.iter().find(|done| done.id == id).cloned();
            found.ok_or_else(|| match stack.back() {
                Some(Done { id: newest, act, who, .. }) => format!(
                    "command {id} can't be taken back: it was not done, has no way back, or was taken back already; the \
                     newest is {newest} ({act} by {who})"
                ),
                None => NOTHING.to_owned(),
            })
        })
    }

    /// All of them, the newest first.
    pub fn list(&self) -> Vec<Undoable> {
        let one = |done: &Done| Undoable {
            id: done.id,
            command: done.command.clone(),
            who: done.who.clone(),
            age_s: done.at.elapsed().as_secs(),
            undo: done.inverse.clone(),
        };
        self.with(|stack| stack.iter().rev().map(one).collect())
    }

    /// It was taken back.
    pub fn forget(&self, id: u64) {
        self.with(|stack| stack.retain(|done| done.id != id));
    }

    fn with<R>(&self, act: impl FnOnce(&mut VecDeque<Done>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Preview, Who};

    fn did(stack: &UndoStack, id: u64, outcome: Outcome, undo: Option<Command>) {
        let asked = Asked {
            id,
            command: Command::Failover { instance: None, hold_seconds: None, blind: false },
            dry_run: false,
            token: None,
            force: false,
            who: Who { user: "anna".into(), ..Who::default() },
            reason: None,
        };
        let preview = Preview { undo, ..Preview::default() };
        stack.remember(&asked, &Answer { id, outcome, message: String::new(), preview, token: None });
    }

    #[test]
    fn only_what_was_done_and_has_a_way_back_can_be_taken_back_and_only_once() {
        let stack = UndoStack::default();
        assert_eq!(stack.find(1).unwrap_err(), NOTHING);
        let rejoin = || Some(Command::Rejoin { instance: None });
        did(&stack, 1, Outcome::Done, rejoin());
        did(&stack, 2, Outcome::Done, None);
        did(&stack, 3, Outcome::Failed, rejoin());
        did(&stack, 4, Outcome::Done, rejoin());
        assert_eq!(stack.find(1).map(|done| done.id), Ok(1));
        let listed: Vec<(u64, String)> = stack.list().into_iter().map(|one| (one.id, one.command)).collect();
        assert_eq!(listed, [(4, "failover --all".to_owned()), (1, "failover --all".to_owned())], "the newest first");
        for id in [2, 3, 9] {
            assert!(stack.find(id).unwrap_err().contains("the newest is 4 (failover by anna)"), "{id}");
        }
        stack.forget(4);
        assert!(stack.find(4).is_err());
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let stack = UndoStack::default();
        for id in 1..=KEPT as u64 + 2 {
            did(&stack, id, Outcome::Done, Some(Command::Rejoin { instance: None }));
        }
        assert!(stack.find(2).is_err());
        assert!(stack.find(3).is_ok());
    }
}
