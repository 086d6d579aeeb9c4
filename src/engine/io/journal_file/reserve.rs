//! The numbers that events may have had, whatever reached the disk: a file with one number that no event has exceeded.
//!
//! It is written ahead, in its place and always as long, which takes no room on a full disk. After an orderly end it is the last
//! number itself; after a crash the numbers go on behind it, so that none is ever given twice.

use super::private;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How many numbers are reserved at a time: far more than a storm of events takes until the next look.
pub const STEP: u64 = 100_000;
/// Its name.
const NAME: &str = "journal.numbers";
/// Digits of the largest number.
const DIGITS: usize = 20;

/// The numbers that are reserved.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    file: Option<File>,
    upto: u64,
}

impl Reserve {
    /// In this directory; nothing is read or written yet.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(NAME), file: None, upto: 0 }
    }

    /// What an earlier run reserved; 0 where none did. Errors: there is something else, which is set aside as `.damaged`.
    pub fn read(&self) -> Result<u64, String> {
        let why = match self.number() {
            Ok(number) => return Ok(number),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => error,
        };
        let aside = self.path.with_extension("numbers.damaged");
        let kept = match fs::rename(&self.path, &aside) {
            Ok(()) => format!("it was set aside as {}", aside.display()),
            Err(error) => format!("it can't be set aside ({error}): remove it"),
        };
        Err(format!("{}: the numbers that were given can't be read ({why}); {kept}", self.path.display()))
    }

    fn number(&self) -> io::Result<u64> {
        let file = private(OpenOptions::new().read(true)).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        let mut text = String::new();
        file.take(DIGITS as u64).read_to_string(&mut text)?;
        text.trim().parse().map_err(io::Error::other)
    }

    /// Keeps at least half a step ahead of `last`. Errors: the disk refused; it may be tried again.
    pub fn ahead_of(&mut self, last: u64) -> io::Result<()> {
        if last + STEP / 2 < self.upto { Ok(()) } else { self.write(last + STEP) }
    }

    /// All that were given are known: the next run may go on after `last`.
    pub fn settle(&mut self, last: u64) -> io::Result<()> {
        if last == self.upto { Ok(()) } else { self.write(last) }
    }

    fn write(&mut self, upto: u64) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => private(OpenOptions::new().write(true).create(true)).open(&self.path)?,
        };
        file.write_all_at(format!("{upto:0DIGITS$}\n").as_bytes(), 0)?;
        file.sync_data()?;
        (self.file, self.upto) = (Some(file), upto);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_reserved_ahead_in_steps_and_settled_at_the_end() {
        let place = tempfile::tempdir().unwrap();
        let known = || Reserve::new(place.path()).read().unwrap();
        let mut reserve = Reserve::new(place.path());
        assert_eq!(known(), 0);
        reserve.ahead_of(7).unwrap();
        assert_eq!(known(), 7 + STEP);
        reserve.ahead_of(8).unwrap();
        assert_eq!(known(), 7 + STEP, "still far ahead");
        reserve.ahead_of(7 + STEP).unwrap();
        assert_eq!(known(), 7 + 2 * STEP);
        reserve.settle(9).unwrap();
        assert_eq!(known(), 9);
        for damage in ["no number", "", "9\n\n9", "\u{0}\u{0}"] {
            fs::write(place.path().join(NAME), damage).unwrap();
            let why = Reserve::new(place.path()).read().unwrap_err();
            assert!(why.contains("set aside as") && why.contains("journal.numbers.damaged"), "{why}");
            assert_eq!(known(), 0, "there is none now");
        }
        fs::create_dir(place.path().join(NAME)).unwrap();
        assert!(Reserve::new(place.path()).read().is_err());
    }
}
