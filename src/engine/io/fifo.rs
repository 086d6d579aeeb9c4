//! Lines into a FIFO that somebody may or may not read.

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mknodat, open};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// An open FIFO. One that was made here is removed with it.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    file: File,
    made: bool,
}

impl Fifo {
    /// Opens it, and makes it where nothing is there, for its owner alone. Nobody has to read it. Errors: it can't be made,
    /// or something else is there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let made = match mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
            Ok(()) => true,
            Err(rustix::io::Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        if !std::fs::symlink_metadata(path)?.file_type().is_fifo() {
            return Err(io::Error::other("something else than a FIFO is there"));
        }
        // Read and write: there is always a reader, so that neither opening nor writing fails without one.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(open(path, flags, Mode::empty())?);
        Ok(Self { path: path.to_owned(), file, made })
    }

    /// Whether it was made here.
    pub const fn is_made(&self) -> bool {
        self.made
    }

    /// Whether everything was read.
    pub fn is_read(&self) -> bool {
        rustix::io::ioctl_fionread(&self.file).is_ok_and(|unread| unread == 0)
    }

    /// Writes a line, whole or not at all. Errors: `WouldBlock` when it is full, since nobody reads it.
    pub fn write_line(&mut self, line: &str) -> io::Result<()> {
        // PIPE_BUF bytes go in one piece (pipe(7)).
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        match self.file.write(&bytes)? {
            written if written == bytes.len() => Ok(()),
            _ => Err(io::Error::other("the line is too long for a FIFO")),
        }
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let same = fstat(&self.file).is_ok_and(|own| {
            std::fs::symlink_metadata(&self.path)
                .is_ok_and(|there| (there.dev(), there.ino()) == (own.st_dev, own.st_ino))
        });
        if self.made && same {
            // What can't be removed stays; the next start uses it.
            _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_line_is_there_for_whoever_reads_later_and_what_was_made_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fifo");
        let mut fifo = Fifo::open(&path).unwrap();
        assert!(fifo.is_made());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fifo.write_line("INSTANCE \"VI_1\" MASTER 100").unwrap();
        assert!(!fifo.is_read());
        let mut read = [0; 27];
        File::open(&path).unwrap().read_exact(&mut read).unwrap();
        assert_eq!(&read, b"INSTANCE \"VI_1\" MASTER 100\n");
        assert!(fifo.is_read());
        drop(fifo);
        assert!(!path.exists());
    }

    #[test]
    fn a_fifo_that_was_there_stays_and_another_file_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let fifo = Fifo::open(&path).unwrap();
        assert!(!fifo.is_made());
        drop(fifo);
        assert!(path.exists());
        let file = place.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        assert_eq!(Fifo::open(&file).unwrap_err().to_string(), "something else than a FIFO is there");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    }

    #[test]
    fn a_fifo_that_nobody_reads_fills_up_and_takes_no_half_lines() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fifo");
        let mut fifo = Fifo::open(&path).unwrap();
        let line = "x".repeat(99);
        let mut written = 0;
        let error = loop {
            match fifo.write_line(&line) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut read = vec![0; written * 100];
        File::open(&path).unwrap().read_exact(&mut read).unwrap();
        assert!(read.chunks(100).all(|chunk| chunk.ends_with(b"x\n")));
    }
}
