//! Which commands can be taken back, newest last. A command is here from the moment it goes to its loop: one that is still under
//! way, or whose answer came too late for whoever asked, is not passed over.

use crate::engine::command::{Answer, Asked, Changed, Command, Half, Outcome, Reach, Undoable, clean};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is said where nothing is left to take back.
pub const NOTHING: &str = "no command since the engine started can be taken back, and undo knows none from before: \
                           `lvsdeck ctl diff` shows what operators changed, to be taken back by name";
/// What is said of a command whose time has ended.
const OVER: &str = "its time is over, and with it what it did";
/// How many are remembered.
const KEPT: usize = 50;
/// Most characters of a command that are kept to be read.
const LONGEST: usize = 256;
/// So many of them where another one is named beside.
const SHOWN: usize = 80;

/// One command that was given, and what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Number of the command.
    pub id: u64,
    /// What it was, in short: its verb, or how many servers it was for.
    pub act: Cow<'static, str>,
    /// The whole command, as `ctl` is told it.
    pub command: String,
    /// When it was given, and once it is done, when that was.
    pub at: Instant,
    /// For how long what it did lasts.
    pub lasts: Option<Duration>,
    /// Who gave it.
    pub who: String,
    /// What takes it back; none where nothing does, or as long as it is not answered.
    pub inverse: Option<Command>,
    /// Why what that brings back was wanted.
    pub wanted: Option<String>,
    /// What it acts on; once it is done, what it acted on.
    pub reach: Reach,
    /// The services and servers among that, as they were before.
    pub changed: Vec<Changed>,
    /// What taking it back would act on, when that was tried last: nothing where what it did is over, or its object has gone.
    pub back: Option<Reach>,
    /// Whose answer is not there yet: its own, or that of the command that takes it back.
    pub awaited: Option<u64>,
}

impl Given {
    /// What takes it back now: what it ended early goes on for what is left of its time. None: that is over, or nothing does.
    pub fn way_back(&self) -> Option<Command> {
        self.inverse.clone().filter(|_| !self.is_over())?.after(self.at.elapsed())
    }

    /// Whether what it did has ended by itself: what was before it does not come back by that, nor by an undo.
    pub fn is_over(&self) -> bool {
        self.lasts.is_some_and(|lasts| lasts <= self.at.elapsed())
    }

    /// Why nothing takes it back.
    pub fn no_way_back(&self) -> &'static str {
        match self.inverse {
            _ if self.is_over() => OVER,
            Some(_) => "what was there before was for a time that is over by now",
            None => "it has no way back",
        }
    }

    /// Whether anything can still stand or fall with it.
    fn is_dead(&self) -> bool {
        self.awaited.is_none() && (self.is_over() || self.back == Some(Reach::Nothing))
    }

    /// Why it can't be taken back now, where an answer is awaited.
    fn unanswered(&self) -> Option<String> {
        let by = self.awaited?;
        let what = if by == self.id {
            "it is not answered yet and may still be done".to_owned()
        } else {
            format!("command {by}, which takes it back, is not answered yet")
        };
        Some(format!("{what}: wait for its event (`lvsdeck ctl events`)"))
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} by {})", self.id, self.act, self.who)
    }
}

/// What a command that goes to its loop is here.
#[derive(Debug)]
pub enum Going {
    /// Nothing: it only looks.
    DryRun,
    /// One more, which acts on these.
    New(Reach),
    /// It takes the command with this number back.
    Back(u64),
}

/// The commands that were given. One can be taken back as long as none that came later stands on it.
#[derive(Debug, Default)]
pub struct UndoStack(Mutex<Stack>);

#[derive(Debug, Default)]
struct Stack {
    given: VecDeque<Given>,
    /// Where answers will come for which nobody waits any more, by the number of their command.
    late: Vec<(u64, Receiver<Answer>)>,
    /// The generation of the file that they were looked at with.
    generation: u64,
}

impl UndoStack {
    /// Notes a command and sends it, so that the order here is the one in which commands go out. Gives whether it was taken.
    /// Errors: what it takes back can't be taken back any more.
    pub fn send(&self, asked: &Asked, going: Going, send: impl FnOnce() -> bool) -> Result<bool, String> {
        self.with(|stack| {
            match going {
                Going::DryRun | Going::New(Reach::Nothing) => return Ok(send()),
                Going::New(reach) => {
                    if stack.len() == KEPT {
                        stack.pop_front();
                    }
                    stack.push_back(Given {
                        id: asked.id,
                        act: asked.command.act(),
                        command: clean(&asked.command.to_string(), LONGEST),
                        at: Instant::now(),
                        lasts: asked.command.lasts(),
                        who: asked.who.to_string(),
                        inverse: None,
                        wanted: None,
                        reach,
                        changed: Vec::new(),
                        back: None,
                        awaited: Some(asked.id),
                    });
                }
                Going::Back(id) => {
                    let (at, _) = takeable(stack, id)?;
                    stack.iter_mut().skip(at).take(1).for_each(|given| given.awaited = Some(asked.id));
                }
            }
            let is_taken = send();
            if !is_taken {
                settle(stack, asked.id, None);
            }
            Ok(is_taken)
        })
    }

    /// The answer to the command with this number is there.
    pub fn answered(&self, id: u64, answer: &Answer) {
        self.with(|stack| settle(stack, id, Some(answer)));
    }

    /// The answer to the command with this number comes here, however late: who asked waits no longer. It is looked for when it
    /// matters, so that no loop waits for anybody who looks at the commands.
    pub fn expects(&self, id: u64, answer: Receiver<Answer>) {
        self.lock().late.push((id, answer));
    }

    /// The command with this number, and what takes it back. Errors: what there is instead, or what stands on it.
    pub fn find(&self, id: u64) -> Result<(Given, Command), String> {
        self.with(|stack| {
            let (at, inverse) = takeable(stack, id)?;
            stack.get(at).map(|given| (given.clone(), inverse)).ok_or_else(|| NOTHING.to_owned())
        })
    }

    /// What the file of a new generation made void is taken back no more.
    pub fn follow(&self, generation: u64, is_void: impl Fn(&Command) -> bool) {
        if std::mem::replace(&mut self.lock().generation, generation) == generation {
            return;
        }
        self.with(|stack| {
            for given in stack.iter_mut() {
                given.inverse = given.inverse.take().filter(|inverse| !is_void(inverse));
            }
        });
    }

    /// What takes back the commands about servers that are done.
    pub fn ways_back(&self) -> Vec<(u64, Command)> {
        let of_servers = |given: &Given| given.way_back().filter(|inverse| inverse.half() == Half::Balance);
        let done = |given: &&Given| given.awaited.is_none();
        self.with(|stack| stack.iter().filter(done).filter_map(|given| Some((given.id, of_servers(given)?))).collect())
    }

    /// Taking this command back would act on that; none: it is not known.
    pub fn would_act_on(&self, id: u64, back: Option<Reach>) {
        self.with(|stack| {
            if let Some(given) = stack.iter_mut().find(|given| given.id == id) {
                given.back = back;
            }
        });
    }

    /// The newest of them all. Errors: there is none, or it is under way.
    pub fn newest(&self) -> Result<Given, String> {
        let newest = self.with(|stack| stack.back().cloned()).ok_or_else(|| NOTHING.to_owned())?;
        match newest.unanswered() {
            Some(why) => Err(self.not_the_newest(&newest, &why)),
            None => Ok(newest),
        }
    }

    /// What is said where the newest command can't be taken back, and an older one was not named.
    pub fn not_the_newest(&self, newest: &Given, why: &str) -> String {
        let older = self.list().into_iter().find(|older| older.id != newest.id);
        let next = older.map_or_else(String::new, |Undoable { id, command, .. }| {
            format!("; the one before is {id} (`{}`): to take that one back, name it", clean(&command, SHOWN))
        });
        format!("the newest command, {newest}, can't be taken back: {why}{next}")
    }

    /// All that can be taken back, the newest first.
    pub fn list(&self) -> Vec<Undoable> {
        let one = |given: &Given| {
            Some(Undoable {
                id: given.id,
                command: given.command.clone(),
                who: given.who.clone(),
                age_s: given.at.elapsed().as_secs(),
                undo: given.way_back().filter(|_| given.awaited.is_none() && !given.is_dead())?,
            })
        };
        self.with(|stack| {
            let free = (0..stack.len()).rev().filter(|at| standing_on(stack, *at).is_none());
            free.filter_map(|at| one(stack.get(at)?)).collect()
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut VecDeque<Given>) -> R) -> R {
        let mut stack = self.lock();
        let Stack { given, late, .. } = &mut *stack;
        late.retain(|(id, answer)| match answer.try_recv() {
            Ok(answer) => {
                settle(given, *id, Some(&answer));
                false
            }
            Err(error) => error == TryRecvError::Empty,
        });
        act(given)
    }

    fn lock(&self) -> MutexGuard<'_, Stack> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the command with this number stands, and what takes it back.
fn takeable(stack: &VecDeque<Given>, id: u64) -> Result<(usize, Command), String> {
    let Some((at, given)) = stack.iter().enumerate().find(|(_, given)| given.id == id) else {
        return Err(no_way_back(stack, id));
    };
    if let Some(why) = given.unanswered() {
        return Err(format!("command {given} can't be taken back now: {why}"));
    }
    if given.is_over() || given.inverse.is_some() && given.way_back().is_none() {
        return Err(format!("command {given} can't be taken back: {}", given.no_way_back()));
    }
    let Some(inverse) = given.way_back() else { return Err(no_way_back(stack, id)) };
    match standing_on(stack, at) {
        None => Ok((at, inverse)),
        Some(later) => {
            let next = later.unanswered().unwrap_or_else(|| "take that one back first".to_owned());
            Err(format!(
                "command {id} can't be taken back by itself: {later} came later and is about the same; {next}, or say what is \
                 wanted now"
            ))
        }
    }
}

fn no_way_back(stack: &VecDeque<Given>, id: u64) -> String {
    let newest = stack.iter().rev().find(|given| given.inverse.is_some());
    newest.map_or_else(
        || NOTHING.to_owned(),
        |newest| {
            format!(
                "command {id} can't be taken back: it was not done in this run of the engine, has no way back, or was taken back \
                 already; the newest is {newest}"
            )
        },
    )
}

/// The newest of those after this one that is about the same, or about what taking this one back would act on.
fn standing_on(stack: &VecDeque<Given>, at: usize) -> Option<&Given> {
    let given = stack.get(at)?;
    let meets = |later: &Given| {
        later.reach.meets(&given.reach) || given.back.as_ref().is_some_and(|back| later.reach.meets(back))
    };
    stack.iter().skip(at + 1).rev().find(|later| !later.is_dead() && meets(later))
}

/// The command with this number came to that; no answer: it was not even begun. What changed nothing, or was taken back, goes.
fn settle(stack: &mut VecDeque<Given>, id: u64, answer: Option<&Answer>) {
    let Some(at) = stack.iter().position(|given| given.awaited == Some(id)) else { return };
    let Some(given) = stack.get_mut(at) else { return };
    given.awaited = None;
    let stays = if given.id == id {
        let preview = answer.map(|answer| &answer.preview);
        given.at = Instant::now();
        given.inverse = preview.and_then(|preview| preview.undo.clone());
        given.wanted = preview.and_then(|preview| preview.undo_reason.clone());
        given.changed = preview.map(|preview| preview.changed.clone()).unwrap_or_default();
        if !given.changed.is_empty() {
            given.reach = Reach::exactly(&given.changed);
        }
        answer.is_some_and(|answer| has_effect(answer, &given.reach))
    } else {
        answer.is_none_or(|answer| answer.outcome != Outcome::Done)
    };
    if !stays {
        stack.remove(at);
    }
}

/// Whether something of the command is left. What failed for servers is noted all the same, and tried again; where it is not, the
/// answer shows nothing.
fn has_effect(answer: &Answer, reach: &Reach) -> bool {
    let is_noted = answer.outcome == Outcome::Failed && matches!(reach, Reach::Servers(_));
    (answer.outcome == Outcome::Done || is_noted) && !answer.preview.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Preview, ServiceSelector, Who};
    use crate::engine::model::Weight;
    use std::sync::mpsc::sync_channel;

    fn asked(id: u64, command: Command) -> Asked {
        let who = Who { user: "anna".into(), ..Who::default() };
        Asked { id, command, dry_run: false, token: None, force: false, who, reason: None, undoes: None }
    }

    /// Gives a command about an instance, or about a server where the name is an address; it is not answered.
    fn gives(stack: &UndoStack, id: u64, object: &str) {
        let command = match object.parse() {
            Ok(server) => Command::Restore { server, service: None },
            Err(_) => Command::Failover { instance: Some(object.to_owned()), hold_seconds: None, blind: false },
        };
        let reach = Reach::of(&command, &|name| [name.to_owned()].into());
        assert_eq!(stack.send(&asked(id, command), Going::New(reach), || true), Ok(true));
    }

    fn answer(outcome: Outcome, has_way_back: bool) -> Answer {
        let undo = has_way_back.then_some(Command::Rejoin { instance: None });
        let preview = Preview { undo, ops: vec!["send priority 0".to_owned()], ..Preview::default() };
        Answer { id: 0, outcome, message: String::new(), preview, token: None }
    }

    fn did(stack: &UndoStack, id: u64, object: &str, outcome: Outcome, has_way_back: bool) {
        gives(stack, id, object);
        stack.answered(id, &answer(outcome, has_way_back));
    }

    fn listed(stack: &UndoStack) -> Vec<u64> {
        stack.list().iter().map(|one| one.id).collect()
    }

    /// Takes one back; gives how it is answered.
    fn takes_back(stack: &UndoStack, id: u64, by: u64) -> Result<bool, String> {
        stack.send(&asked(by, Command::Rejoin { instance: None }), Going::Back(id), || true)
    }

    #[test]
    fn only_what_was_done_and_has_a_way_back_can_be_taken_back_and_only_once() {
        let stack = UndoStack::default();
        assert_eq!(stack.find(1).unwrap_err(), NOTHING);
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "B", Outcome::Done, false);
        did(&stack, 3, "C", Outcome::Failed, true);
        did(&stack, 4, "D", Outcome::Done, true);
        assert_eq!(stack.find(1).map(|(given, _)| given.id), Ok(1));
        let commands: Vec<(u64, String)> = stack.list().into_iter().map(|one| (one.id, one.command)).collect();
        assert_eq!(commands, [(4, "failover D".to_owned()), (1, "failover A".to_owned())], "the newest first");
        for id in [2, 3, 9] {
            assert!(stack.find(id).unwrap_err().contains("the newest is 4 (failover by anna)"), "{id}");
        }
        assert_eq!(takes_back(&stack, 4, 5), Ok(true));
        stack.answered(5, &answer(Outcome::Done, false));
        assert!(stack.find(4).is_err());
    }

    #[test]
    fn what_a_new_file_has_is_not_taken_out_by_the_undo_of_an_older_command() {
        let stack = UndoStack::default();
        stack.follow(1, |_| true);
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "B", Outcome::Done, true);
        stack.follow(1, |_| true);
        assert_eq!(listed(&stack), [2, 1], "the same file");
        let why = stack.not_the_newest(&stack.newest().unwrap(), "it is over");
        assert!(why.contains("can't be taken back: it is over; the one before is 1 (`failover A`): to take"), "{why}");
        stack.follow(2, |_| false);
        assert_eq!(listed(&stack), [2, 1], "the new one has nothing of it");
        stack.follow(3, |_| true);
        assert_eq!(listed(&stack), [0_u64; 0]);
    }

    #[test]
    fn what_a_later_command_stands_on_is_not_taken_back_before_that_one() {
        let stack = UndoStack::default();
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "A", Outcome::Done, true);
        did(&stack, 3, "B", Outcome::Done, true);
        let why = stack.find(1).unwrap_err();
        assert!(why.contains("2 (failover by anna) came later and is about the same; take that one back"), "{why}");
        assert_eq!(listed(&stack), [3, 2]);
        assert_eq!(takes_back(&stack, 2, 4), Ok(true));
        stack.answered(4, &answer(Outcome::Done, false));
        assert_eq!(listed(&stack), [3, 1]);
    }

    #[test]
    fn a_command_that_is_not_answered_is_not_passed_over_and_is_the_newest_once_it_is() {
        let stack = UndoStack::default();
        did(&stack, 1, "10.0.0.71", Outcome::Done, true);
        did(&stack, 2, "10.0.0.72", Outcome::Done, true);
        gives(&stack, 3, "10.0.0.71");
        let why = stack.newest().unwrap_err();
        assert!(
            why.starts_with("the newest command, 3 (restore by anna), can't be taken back: it is not answered"),
            "{why}"
        );
        let why = stack.find(3).unwrap_err();
        assert!(why.contains("3 (restore by anna) can't be taken back now: it is not answered yet"), "{why}");
        let why = stack.find(1).unwrap_err();
        assert!(why.contains("3 (restore by anna) came later and is about the same; it is not answered yet"), "{why}");
        assert!(stack.find(2).is_ok(), "an older one about something else, when it is named");
        assert_eq!(listed(&stack), [2]);

        stack.answered(3, &answer(Outcome::Done, true));
        assert_eq!(stack.newest().map(|given| given.id), Ok(3));
        assert!(stack.find(3).is_ok());
        assert_eq!(listed(&stack), [3, 2]);
    }

    #[test]
    fn of_what_came_to_nothing_nothing_is_left_however_late() {
        let stack = UndoStack::default();
        did(&stack, 1, "A", Outcome::Done, true);
        for outcome in [Outcome::Failed, Outcome::Refused, Outcome::Stale] {
            gives(&stack, 2, "A");
            assert!(stack.newest().is_err());
            stack.answered(2, &answer(outcome, true));
            assert_eq!(stack.newest().map(|given| given.id), Ok(1), "{outcome:?}");
        }
        let (late, answers) = sync_channel(1);
        gives(&stack, 3, "10.0.0.72");
        stack.expects(3, answers);
        assert!(stack.newest().is_err(), "its answer may still come");
        late.send(answer(Outcome::Refused, false)).unwrap();
        assert_eq!(stack.newest().map(|given| given.id), Ok(1), "it came, and nobody waited for it");
        gives(&stack, 3, "10.0.0.71");
        stack.answered(3, &Answer { preview: Preview::default(), ..answer(Outcome::Failed, false) });
        assert_eq!(stack.newest().map(|given| given.id), Ok(1), "taken back by itself");
        did(&stack, 4, "10.0.0.71", Outcome::Failed, true);
        assert_eq!(stack.newest().map(|given| given.id), Ok(4), "noted, and tried again until the kernel takes it");
        let full = asked(5, Command::Rejoin { instance: None });
        assert_eq!(stack.send(&full, Going::New(Reach::Instances(None)), || false), Ok(false));
        assert_eq!(stack.newest().map(|given| given.id), Ok(4), "no loop took it");
    }

    #[test]
    fn what_is_being_taken_back_is_not_taken_back_twice() {
        let stack = UndoStack::default();
        did(&stack, 1, "A", Outcome::Done, true);
        did(&stack, 2, "A", Outcome::Done, true);
        assert_eq!(takes_back(&stack, 2, 3), Ok(true));
        for why in [stack.newest().unwrap_err(), stack.find(2).unwrap_err(), takes_back(&stack, 2, 4).unwrap_err()] {
            assert!(why.contains("command 3, which takes it back, is not answered yet"), "{why}");
        }
        assert!(stack.find(1).unwrap_err().contains("2 (failover by anna) came later"));
        stack.answered(3, &answer(Outcome::Failed, false));
        assert!(stack.find(2).is_ok(), "it was not");
        assert_eq!(takes_back(&stack, 2, 5), Ok(true));
        stack.answered(5, &answer(Outcome::Done, false));
        assert_eq!(listed(&stack), [1]);
    }

    #[test]
    fn what_had_a_time_is_brought_back_for_the_rest_of_it() {
        let failover = |hold_seconds| Command::Failover { instance: None, hold_seconds, blind: false };
        let after = |command: Command, seconds| command.after(Duration::from_secs(seconds));
        assert_eq!(after(failover(Some(60)), 40), Some(failover(Some(20))));
        assert_eq!(after(failover(Some(60)), 60), None, "it would be over");
        assert_eq!(after(failover(None), 60), Some(failover(None)));
        let server: crate::engine::command::RealServerSelector = "10.0.0.71".parse().unwrap();
        let drain = |deadline_seconds| Command::Drain { server, service: None, hold_seconds: None, deadline_seconds };
        let several = |deadline| Command::Several { commands: vec![drain(deadline)] };
        assert_eq!(after(several(Some(60)), 61), Some(several(Some(0))), "a drain stays one after its deadline");
        let weight = |hold_seconds| {
            let (service, weight) = (ServiceSelector("web".to_owned()), Weight::new(5).unwrap());
            Command::Weight { service, server: "10.0.0.71:80".parse().unwrap(), weight, hold_seconds }
        };
        assert_eq!(after(weight(Some(60)), 40), Some(weight(Some(20))));
        assert_eq!(after(weight(Some(60)), 60), None);

        let stack = UndoStack::default();
        gives(&stack, 1, "A");
        let preview = Preview {
            undo: Some(failover(Some(0))),
            undo_reason: Some("new kernel".to_owned()),
            ops: vec!["x".to_owned()],
            ..Preview::default()
        };
        stack.answered(1, &Answer { preview, ..answer(Outcome::Done, true) });
        let given = stack.newest().unwrap();
        assert_eq!((given.way_back(), given.wanted.as_deref()), (None, Some("new kernel")));
        assert_eq!(listed(&stack), [0_u64; 0]);
    }

    #[test]
    fn what_ended_by_itself_is_not_taken_back_to_what_was_before_it() {
        let stack = UndoStack::default();
        did(&stack, 0, "A", Outcome::Done, true);
        let command = Command::Failover { instance: Some("A".to_owned()), hold_seconds: Some(0), blind: false };
        let reach = Reach::of(&command, &|name| [name.to_owned()].into());
        assert_eq!(stack.send(&asked(1, command), Going::New(reach), || true), Ok(true));
        stack.answered(1, &answer(Outcome::Done, true));
        assert!(stack.newest().unwrap().is_over());
        assert!(stack.find(0).is_ok(), "what is over stands on nothing");
        assert_eq!(stack.find(1).unwrap_err(), format!("command 1 (failover by anna) can't be taken back: {OVER}"));
        assert_eq!(listed(&stack), [0]);
    }

    #[test]
    fn what_was_there_for_a_time_does_not_come_back_after_it() {
        let stack = UndoStack::default();
        let weight = |hold_seconds| Command::Weight {
            service: ServiceSelector("tcp/10.0.0.1:80".to_owned()),
            server: "10.0.0.71:80".parse().unwrap(),
            weight: Weight::DEFAULT,
            hold_seconds,
        };
        let preview = |undo| Preview { undo: Some(undo), ops: vec!["x".to_owned()], ..Preview::default() };
        let reach = Reach::of(&weight(None), &|name| [name.to_owned()].into());
        assert_eq!(stack.send(&asked(1, weight(None)), Going::New(reach), || true), Ok(true));
        stack.answered(1, &Answer { preview: preview(weight(Some(0))), ..answer(Outcome::Done, true) });
        let why = "what was there before was for a time that is over by now";
        assert_eq!(stack.newest().unwrap().no_way_back(), why);
        assert_eq!(stack.find(1).unwrap_err(), format!("command 1 (weight by anna) can't be taken back: {why}"));
    }

    fn on(service: &str, server: Option<&str>) -> Changed {
        Changed { service: service.parse().unwrap(), server: server.map(|server| server.parse().unwrap()), was: None }
    }

    /// Gives a command about servers that is done and changed these.
    fn changes(stack: &UndoStack, id: u64, command: Command, changed: Vec<Changed>) {
        let reach = Reach::of(&command, &|name| [name.to_owned()].into());
        assert_eq!(stack.send(&asked(id, command.clone()), Going::New(reach), || true), Ok(true));
        let preview = Preview { undo: Some(command), ops: vec!["x".to_owned()], changed, ..Preview::default() };
        stack.answered(id, &Answer { preview, ..answer(Outcome::Done, true) });
    }

    #[test]
    fn a_server_that_is_named_without_a_service_is_of_those_that_it_is_really_in() {
        let stack = UndoStack::default();
        let (web, new) = ("tcp/10.0.0.1:80", "tcp/10.5.0.1:8080");
        let restore = Command::Restore { server: "10.5.0.71:80".parse().unwrap(), service: None };
        changes(&stack, 1, Command::RemoveService { service: ServiceSelector(new.to_owned()) }, vec![on(new, None)]);
        changes(&stack, 2, restore.clone(), vec![on(web, Some("10.5.0.71:80"))]);
        assert_eq!(listed(&stack), [2, 1]);
        assert!(stack.find(1).is_ok());
        changes(&stack, 3, restore, vec![on(new, Some("10.5.0.71:80"))]);
        assert!(stack.find(1).unwrap_err().contains("3 (restore by anna) came later and is about the same"));
        assert_eq!(listed(&stack), [3, 2]);
        stack.would_act_on(2, Some(Reach::exactly(&[on(web, Some("10.5.0.71:80")), on(new, Some("10.5.0.71:80"))])));
        assert_eq!(listed(&stack), [3], "the server is in the new one too by now, and would be restored there as well");
    }

    #[test]
    fn what_has_nothing_left_to_take_back_stands_on_nothing() {
        let stack = UndoStack::default();
        let (web, tls) = (on("tcp/10.0.0.1:80", Some("10.0.0.71:80")), on("tcp/10.0.0.1:443", Some("10.0.0.71:443")));
        let restore = |service: Option<&str>| Command::Restore {
            server: "10.0.0.71".parse().unwrap(),
            service: service.map(|service| ServiceSelector(service.to_owned())),
        };
        changes(&stack, 1, restore(None), vec![web, tls.clone()]);
        changes(&stack, 2, restore(Some("tcp/10.0.0.1:443")), vec![tls.clone()]);
        assert!(stack.find(1).unwrap_err().contains("2 (restore by anna) came later"));
        assert_eq!(stack.ways_back().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
        stack.would_act_on(2, Some(Reach::Nothing));
        assert!(stack.find(1).is_ok(), "the object of the newer one has gone");
        assert_eq!(listed(&stack), [1]);
        let said = stack.not_the_newest(&stack.newest().unwrap(), "its object has gone");
        assert!(said.contains("; the one before is 1 (`restore 10.0.0.71`)"), "{said}");
        stack.would_act_on(2, Some(Reach::exactly(&[tls])));
        assert_eq!(listed(&stack), [2], "it is back");
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
