//! `FILE_CHECK`: the number that a file begins with. One that is not there, or begins with no number, counts as 0, as in keepalived;
//! one that is not there passes without a weight, which tells it from a number.

use super::failed;
use crate::engine::health::{Hindrance, SaidWeight, Verdict};
use crate::engine::io::number_file::{Number, read};
use crate::engine::model::FileCheck;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep};

/// How long a file may be without a number while it is written.
const WRITTEN: Duration = Duration::from_millis(50);
/// How many threads read one file at a time: each that a hanging disk holds is lost to the others.
const READERS: usize = 2;
/// What to do about a file that can't be read.
const READABLE: &str = "let the engine read the track_file";

/// Reads it once; a disk that hangs holds up the checks of this file alone. What the number does to the weight is a verdict as well.
pub(super) async fn look(check: &FileCheck) -> Result<(), Verdict> {
    let started = Instant::now();
    let path = PathBuf::from(&check.path);
    let read = match number_of(&path).await {
        // It may be about to be written.
        Ok(Number::None | Number::Empty) => {
            sleep(WRITTEN).await;
            number_of(&path).await
        }
        read => read,
    };
    let number = match read {
        Ok(Number::Is(number)) => number,
        Ok(Number::Missing) if check.weight == 0 => return Ok(()),
        Ok(Number::Missing | Number::None | Number::Empty) => 0,
        Ok(Number::Outside) => {
            let reason = format!("{} holds a number beyond 32 bits: the one before goes on counting", check.path);
            return unable(reason, "let a smaller number be written into the track_file");
        }
        Ok(Number::Unreadable(why)) => return unable(format!("{}: {why}", check.path), READABLE),
        Err(error) => return unable(error.to_string(), READABLE),
    };
    let weight = if check.reverse { -check.weight } else { check.weight };
    match weight {
        0 if (number == 0) == check.reverse => failed(format!("{} says {number}", check.name)),
        weight => Err(Verdict::Weighed(started.elapsed(), SaidWeight::More(weight.saturating_mul(number.into())))),
    }
}

/// What a file says, once there is a seat for its reader.
async fn number_of(path: &Path) -> Result<Number, JoinError> {
    static SEATS: Mutex<BTreeMap<PathBuf, Arc<Semaphore>>> = Mutex::new(BTreeMap::new());
    let seats = {
        let mut all = SEATS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(path.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(READERS))))
    };
    let (seat, path) = (seats.acquire_owned().await, path.to_owned());
    spawn_blocking(move || {
        let number = read(&path);
        drop(seat);
        number
    })
    .await
}

fn unable(reason: String, next: &'static str) -> Result<(), Verdict> {
    Err(Verdict::Unable(Hindrance { reason, next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By measurement of keepalived 2.2.7.
    #[tokio::test]
    async fn reverse_turns_the_verdict_and_the_sign_round() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("load");
        let missing =
            FileCheck { name: "load".to_owned(), path: path.to_str().unwrap().to_owned(), weight: 0, reverse: true };
        assert_eq!(look(&missing).await, Ok(()), "not there");
        for (text, number, passes) in [("0", 0, false), ("1", 1, true), ("-7", -7, true), ("junk", 0, false)] {
            std::fs::write(&path, text).unwrap();
            let check = |weight| FileCheck {
                name: "load".to_owned(),
                path: path.to_str().unwrap().to_owned(),
                weight,
                reverse: true,
            };
            let said = look(&check(0)).await;
            let is_passed = matches!(&said, Err(Verdict::Weighed(_, SaidWeight::More(0))));
            assert!(if passes { is_passed } else { said == failed(format!("load says {number}")) }, "{text}: {said:?}");
            let said = look(&check(5)).await;
            let is_turned = matches!(&said, Err(Verdict::Weighed(_, SaidWeight::More(more))) if *more == -5 * number);
            assert!(is_turned, "{text}: {said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_fails_or_counts_by_its_weight() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("load");
        let look = |weight| {
            let path = path.to_str().unwrap().to_owned();
            async move { look(&FileCheck { name: "load".to_owned(), path, weight, reverse: false }).await }
        };
        let more = |end: &Result<(), Verdict>| match end {
            Err(Verdict::Weighed(_, SaidWeight::More(more))) => Some(*more),
            _ => None,
        };
        assert_eq!((look(0).await, more(&look(5).await)), (Ok(()), Some(0)), "not there");
        for (text, number) in [("0", 0), ("3\n", 3), ("-3", -3), ("junk", 0), ("", 0), ("0x10", 16), ("010", 8)] {
            std::fs::write(&path, text).unwrap();
            let fails = failed(format!("load says {number}"));
            let said = look(0).await;
            assert!(if number == 0 { more(&said) == Some(0) } else { said == fails }, "{text:?}: {said:?}");
            for weight in [-2, 1, 1_000_000] {
                assert_eq!(more(&look(weight).await), Some(weight * number), "{text:?} times {weight}");
            }
        }
        std::fs::write(&path, "99999999999").unwrap();
        let end = look(1).await;
        assert!(matches!(&end, Err(Verdict::Unable(why)) if why.reason.contains("beyond 32 bits")), "{end:?}");
        std::fs::write(&path, "").unwrap();
        let written = async {
            sleep(WRITTEN / 2).await;
            std::fs::write(&path, "4").unwrap();
        };
        let (said, ()) = tokio::join!(look(1), written);
        assert_eq!(more(&said), Some(4), "it was about to be written");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let end = look(0).await;
        assert!(matches!(&end, Err(Verdict::Unable(why)) if why.reason.contains("no plain file")), "{end:?}");
    }
}
