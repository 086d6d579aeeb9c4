//! Files that hold a number, and word of their changes (inotify(7)).

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What is read of a file at most: a number is shorter.
const MOST: u64 = 127;

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// This.
    Is(i32),
    /// It is not there: counts as 0.
    Missing,
    /// It can't be read: counts as 0.
    Unreadable(String),
    /// It begins with no number: counts as 0.
    None,
    /// It begins with a number beyond 32 bits: what it said before goes on counting.
    Outside,
    /// It is empty, perhaps because somebody is about to write it: counts as 0 when it stays so.
    Empty,
}

/// Reads the number that a file begins with.
pub fn read(path: &Path) -> Number {
    let open = || {
        let mut bytes = Vec::new();
        // A pipe that nobody writes to would hold up whoever opens it.
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match open() {
        Ok(text) if text.is_empty() => Number::Empty,
        Ok(text) => parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Number::Missing,
        Err(error) => Number::Unreadable(error.to_string()),
    }
}

/// As `strtol(3)` with base 0, and so keepalived, does: blanks, a sign, digits, which are hexadecimal behind `0x` and octal behind
/// `0`; what follows is not looked at.
fn parse(text: &str) -> Number {
    let text = text.trim_start();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (radix, text) = match hexadecimal.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())) {
        Some(rest) => (16, rest),
        None if text.starts_with('0') => (8, text),
        None => (10, text),
    };
    let digits = text.split(|c: char| !c.is_digit(radix)).next().unwrap_or_default();
    if digits.is_empty() {
        return Number::None;
    }
    let number = i64::from_str_radix(digits, radix).ok().and_then(|number| i32::try_from(sign * number).ok());
    number.map_or(Number::Outside, Number::Is)
}

/// Writes a number, where the file does not exist or in any case.
pub fn write(path: &Path, number: i32, over: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NONBLOCK); // a pipe that nobody reads is an error
    if over {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(path) {
        Ok(mut file) => writeln!(file, "{number}"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !over => Ok(()),
        Err(error) => Err(error),
    }
}

/// Watches the directories of files: one that is replaced or not there yet is seen as well. A file that is written is told
/// of when its writer closes it: until then it may be empty, or say half of a number.
#[derive(Debug)]
pub struct Watch {
    descriptor: OwnedFd,
    directories: BTreeSet<PathBuf>,
    /// Their names, in any directory.
    names: BTreeSet<OsString>,
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self { descriptor, directories: BTreeSet::new(), names: BTreeSet::new() })
    }

    /// Whether changes of a file are told.
    pub fn watches(&self, file: &Path) -> bool {
        self.directories.contains(file.parent().unwrap_or(Path::new("/")))
    }

    /// Watches a file, too; false while its directory can't be watched.
    pub fn add(&mut self, file: &Path) -> bool {
        if let Some(name) = file.file_name() {
            self.names.insert(name.to_owned());
        }
        let directory = file.parent().unwrap_or(Path::new("/"));
        if self.directories.contains(directory) {
            return true;
        }
        let what = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::CREATE;
        let added = inotify::add_watch(self.descriptor.as_fd(), directory, what).is_ok();
        if added {
            self.directories.insert(directory.to_owned());
        }
        added
    }

    /// Forgets what it was told; whether it may concern one of the files. A directory that went away is to be added again.
    pub fn clear(&mut self) -> bool {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(self.descriptor.as_fd(), &mut room);
        let mut concerns = false;
        while let Ok(event) = events.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            // Without a name it is about a directory, or events were lost.
            concerns |= name.is_none_or(|name| self.names.contains(name));
            if event.events().contains(ReadFlags::IGNORED) {
                self.directories.clear();
            }
        }
        concerns
    }
}

impl AsRawFd for Watch {
    /// Readable when something changed.
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::io::wait;
    use std::fs;

    #[test]
    fn a_number_is_read_as_far_as_it_goes() {
        // As keepalived 2.2.7 counts them.
        let cases = [("5", 5), (" -300\n", -300), ("+7 x", 7), ("12abc", 12), ("0", 0), ("\t\n 12x", 12)];
        let bases = [("0x10\n", 16), ("0X1f", 31), ("010\n", 8), ("-0x10", -16), ("0x", 0), ("0xzz", 0), ("09", 0)];
        for (text, number) in cases.into_iter().chain(bases) {
            assert_eq!(parse(text), Number::Is(number), "{text:?}");
        }
        assert_eq!(["abc", "", "-", "- 5"].map(parse), [const { Number::None }; 4]);
        for text in ["99999999999", "-9999999999", "2147483648", "99999999999999999999", "0xfffffffffffffffff"] {
            assert_eq!(parse(text), Number::Outside, "{text:?}");
        }
        assert_eq!([parse("2147483647"), parse("-2147483648")], [Number::Is(i32::MAX), Number::Is(i32::MIN)]);
    }

    #[test]
    fn a_file_is_made_where_there_is_none_and_kept_where_there_is_one() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("n");
        assert_eq!(read(&file), Number::Missing);
        write(&file, 7, false).unwrap();
        write(&file, 8, false).unwrap();
        assert_eq!(read(&file), Number::Is(7));
        write(&file, 9, true).unwrap();
        assert_eq!(read(&file), Number::Is(9));
        assert!(matches!(read(place.path()), Number::Unreadable(_)));
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_or_reads_holds_nobody_up() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read(&pipe), Number::Unreadable("it is no plain file".to_owned()));
        assert!(write(&pipe, 1, true).is_err());
    }

    #[test]
    fn every_way_to_change_a_file_is_told() {
        let place = tempfile::tempdir().unwrap();
        let (file, other) = (place.path().join("n"), place.path().join("m"));
        let mut watch = Watch::new().unwrap();
        assert!(watch.add(&file));
        assert!(!watch.add(&place.path().join("no/such/file")));
        let changes: [&dyn Fn(); 4] = [
            &|| fs::write(&file, "1").unwrap(),
            &|| fs::write(&file, "2").unwrap(),
            &|| fs::rename(&file, &other).unwrap(),
            &|| fs::write(&file, "3").unwrap(),
        ];
        for change in changes {
            change();
            wait::readable(&[watch.as_raw_fd()]).unwrap();
            assert!(watch.clear());
        }
        fs::remove_file(&other).unwrap();
        wait::readable(&[watch.as_raw_fd()]).unwrap();
        assert!(!watch.clear(), "another file is of no concern");
    }
}
