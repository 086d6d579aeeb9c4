//! Sending entries to systemd's journal with fields, by its native protocol (`systemd.io/JOURNAL_NATIVE_PROTOCOL`).
//!
//! One datagram an entry. It never blocks; an entry that the journal does not take is an error for the caller to act on.
//!
//! A field is `NAME=value\n`, or, when the value has a line break in it:
//!
//! ```text
//! NAME \n | length, 64 bits, little endian | value | \n
//! ```

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// The longest value sent; a datagram has an end, and a line of the log is never meant to be longer.
const LONGEST: usize = 16 << 10;

/// A way to the journal.
#[derive(Debug)]
pub struct JournalSocket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl JournalSocket {
    /// A way to the journal that listens at `path`. Errors: there is no socket, or nobody listens.
    pub fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        // Not connected for good: a journal that was restarted has another socket at the same place.
        UnixDatagram::unbound()?.connect(path)?;
        Ok(Self { socket, path: path.to_path_buf() })
    }

    /// Sends one entry. Errors: nobody listens, or the queue is full.
    pub fn send(&self, fields: &[(String, String)]) -> io::Result<()> {
        self.socket.send_to(&entry(fields), &self.path).map(|_| ())
    }
}

/// The bytes of an entry.
fn entry(fields: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        let end = (0..=LONGEST.min(value.len())).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
        let value = value.get(..end).unwrap_or_default().as_bytes();
        bytes.extend_from_slice(name.as_bytes());
        if value.contains(&b'\n') {
            bytes.push(b'\n');
            bytes.extend_from_slice(&u64::try_from(value.len()).unwrap_or(0).to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    bytes
}

/// Whether standard error is the stream to the journal that `JOURNAL_STREAM` (`device:inode`) names.
pub fn stderr_is_journal(stream: Option<&OsStr>) -> bool {
    is_stream(stream, io::stderr())
}

fn is_stream(stream: Option<&OsStr>, descriptor: impl AsFd) -> bool {
    let named = stream.and_then(OsStr::to_str).and_then(|text| text.split_once(':'));
    let Some((Ok(device), Ok(inode))) = named.map(|(d, i)| (d.parse::<u64>(), i.parse::<u64>())) else { return false };
    let found = descriptor.as_fd().try_clone_to_owned().map(File::from).and_then(|file| file.metadata());
    found.is_ok_and(|found| (found.dev(), found.ino()) == (device, inode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn bytes(fields: &[(&str, &str)]) -> Vec<u8> {
        entry(&fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_value_with_line_breaks_carries_its_length() {
        assert_eq!(bytes(&[("PRIORITY", "6"), ("MESSAGE", "a\nb")]), b"PRIORITY=6\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n");
    }

    #[test]
    fn a_value_without_end_is_cut_between_two_characters() {
        let long = format!("{}é", "x".repeat(LONGEST - 1));
        assert_eq!(bytes(&[("M", &long)]).len(), "M=\n".len() + LONGEST - 1);
    }

    #[test]
    fn only_the_very_stream_that_is_named_is_the_journal() {
        let (one, other) = UnixStream::pair().unwrap();
        let found = File::from(one.as_fd().try_clone_to_owned().unwrap()).metadata().unwrap();
        let name = format!("{}:{}", found.dev(), found.ino());
        assert!(is_stream(Some(OsStr::new(&name)), &one));
        assert!(!is_stream(Some(OsStr::new(&name)), &other));
        for nothing in [None, Some(""), Some("1"), Some("a:b")] {
            assert!(!is_stream(nothing.map(OsStr::new), &one), "{nothing:?}");
        }
    }
}
