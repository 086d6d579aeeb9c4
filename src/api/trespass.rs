//! Commands of those who may give none, for the journal: the first of a user at once, then a sum now and then, so that nobody
//! fills the journal by asking.

use crate::engine::{Command, EngineHandle, Who};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// How long one user's next refusals are summed up at first; twice as long each time that there were some.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// At last.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// Users that are told apart at a time; the others count as one.
const USERS: usize = 64;
/// Those others.
const OTHERS: u32 = u32::MAX;

/// A command that was refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// What was asked for; none where it can't be read.
    pub command: Option<Command>,
    /// By whom.
    pub who: Who,
    /// Why it was not done.
    pub why: String,
}

/// What was refused since it was told last: how often, and the last of it.
type Untold = Option<(u64, Refused)>;

/// Who tried of late.
#[derive(Debug, Default)]
pub(super) struct Trespasses(Mutex<HashMap<u32, Untold>>);

impl Trespasses {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Untold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one down. Gives under whose number where it is to be told at once, and those that follow summed up.
    fn take(&self, user: u32, refused: &Refused) -> Option<u32> {
        let mut users = self.lock();
        let user = if users.contains_key(&user) || users.len() < USERS { user } else { OTHERS };
        let Some(untold) = users.get_mut(&user) else {
            users.insert(user, None);
            return Some(user);
        };
        let count = untold.as_ref().map_or(0, |(count, _)| *count) + 1;
        *untold = Some((count, refused.clone()));
        None
    }

    /// What came since; the user is forgotten where nothing did.
    fn sum_up(&self, user: u32) -> Untold {
        let mut users = self.lock();
        let untold = users.get_mut(&user).and_then(Option::take);
        if untold.is_none() {
            users.remove(&user);
        }
        untold
    }
}

/// Tells the journal that `user` gave a command and may not.
pub(super) fn tell(trespasses: &Arc<Trespasses>, engine: &Arc<dyn EngineHandle>, user: u32, refused: &Refused) {
    let Some(user) = trespasses.take(user, refused) else { return };
    engine.note_refused(refused.command.as_ref(), &refused.who, &refused.why);
    let (trespasses, engine) = (Arc::clone(trespasses), Arc::clone(engine));
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            let Some((count, last)) = trespasses.sum_up(user) else { return };
            let why = match count {
                1 => last.why,
                _ => format!("{} (the last of {count} in {} s)", last.why, pause.as_secs()),
            };
            engine.note_refused(last.command.as_ref(), &last.who, &why);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(why: &str) -> Refused {
        Refused { command: None, who: Who::default(), why: why.to_owned() }
    }

    #[test]
    fn the_first_of_each_user_is_told_and_the_rest_is_counted_until_nothing_more_comes() {
        let trespasses = Trespasses::default();
        assert_eq!(trespasses.take(1000, &refused("a")), Some(1000));
        assert_eq!(trespasses.take(1001, &refused("b")), Some(1001));
        for why in ["c", "d", "e"] {
            assert_eq!(trespasses.take(1000, &refused(why)), None);
        }
        let (count, last) = trespasses.sum_up(1000).unwrap();
        assert_eq!((count, last.why.as_str()), (3, "e"));
        assert!(trespasses.sum_up(1000).is_none() && trespasses.sum_up(1001).is_none());
        assert_eq!(trespasses.take(1000, &refused("f")), Some(1000), "forgotten meanwhile");
    }

    #[test]
    fn thousands_of_users_cost_no_more_than_some() {
        let trespasses = Trespasses::default();
        let told = (0..5000).filter(|user| trespasses.take(*user, &refused("x")).is_some()).count();
        assert_eq!(told, USERS + 1);
    }
}
