//! Places that are shared fairly: a user may take one more while fewer are theirs than are free.
//!
//! So one user gets at most half of them, the next one half of what is left, and nobody keeps everybody else out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places of one kind.
#[derive(Debug)]
pub(super) struct Seats {
    places: usize,
    taken: Mutex<HashMap<u32, usize>>,
}

/// A place that somebody has until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    user: u32,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// All of them are taken, so many.
    Full(usize),
    /// This user has so many already.
    Share(usize),
}

impl Seats {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places, taken: Mutex::default() })
    }

    /// Takes a place for a user; one who is `trusted` takes it from whatever is free.
    pub(super) fn take(self: &Arc<Self>, user: u32, trusted: bool) -> Result<Seat, NoSeat> {
        let mut taken = self.taken();
        let free = self.places.saturating_sub(taken.values().sum());
        let theirs = taken.get(&user).copied().unwrap_or(0);
        if free == 0 {
            return Err(NoSeat::Full(self.places));
        }
        if !trusted && theirs >= free {
            return Err(NoSeat::Share(theirs));
        }
        taken.insert(user, theirs + 1);
        Ok(Seat { seats: Arc::clone(self), user })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        match taken.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => _ = taken.remove(&self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_gets_half_and_the_next_one_half_of_the_rest() {
        let seats = Seats::new(64);
        let fill = |user| std::iter::from_fn(|| seats.take(user, false).ok()).collect::<Vec<_>>();
        let first = fill(1000);
        let second = fill(1001);
        assert_eq!((first.len(), second.len()), (32, 16));
        assert_eq!(seats.take(1000, false).unwrap_err(), NoSeat::Share(32));
        drop(first);
        assert_eq!(fill(1002).len(), 24, "what was given back is free again");
        drop(second);
        assert!(seats.taken().is_empty(), "nobody who went is remembered");
    }

    #[test]
    fn who_is_trusted_gets_all_and_full_is_full_for_everybody() {
        let seats = Seats::new(8);
        let all: Vec<_> = std::iter::from_fn(|| seats.take(0, true).ok()).collect();
        assert_eq!(all.len(), 8);
        assert_eq!(seats.take(0, true).unwrap_err(), NoSeat::Full(8));
        assert_eq!(seats.take(7, false).unwrap_err(), NoSeat::Full(8));
    }
}
