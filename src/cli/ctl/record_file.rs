//! The file of a recording: the user's alone, a JSON object a line.

use super::CtlError;
use super::args::RecordArgs;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes the file, which must not be there without `--force`.
pub(super) fn create(args: &RecordArgs) -> Result<File, CtlError> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if args.force {
        // What is there is removed, not written into: it may be a link, or open to others.
        match std::fs::remove_file(&args.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(CtlError::Undone(format!("{}: can't replace it: {error}", args.file.display())));
            }
            Ok(()) | Err(_) => {}
        }
    }
    options.create_new(true).open(&args.file).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "is there already; --force replaces it".to_owned(),
            _ => format!("can't be made: {error}"),
        };
        CtlError::Undone(format!("{} {why}", args.file.display()))
    })
}

/// A file of JSON lines that knows its size.
pub(super) struct Lines<'a> {
    pub to: BufWriter<File>,
    pub written: u64,
    pub path: &'a Path,
}

impl Lines<'_> {
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<(), CtlError> {
        let mut line = serde_json::to_vec(value).map_err(|error| CtlError::Undone(error.to_string()))?;
        line.push(b'\n');
        self.written += line.len() as u64;
        self.to.write_all(&line).map_err(|error| unwritten(self.path, &error))
    }
    pub(super) fn flush(&mut self) -> Result<(), CtlError> {
        self.to.flush().map_err(|error| unwritten(self.path, &error))
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> CtlError {
    CtlError::Undone(format!(
        "{}: can't write it ({error}); make room or record elsewhere; what is there reads up to its last whole line",
        path.display()
    ))
}
