//! Starting an engine from the console: `/proc/self/exe run --ready-fd 1`, in a session of its own.
//!
//! Never a bare fork. The engine's standard output is a pipe on which it says that it is ready; its standard error is the
//! log file, from which start-up errors are shown to the person who started it.

use super::Places;
use crate::engine::io::state::open_log;
use std::fs::{DirBuilder, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why the engine did not come up.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The log could not be written or the program not be run.
    #[error("can't start the engine: {path}: {source}")]
    System {
        /// The file concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It started and ended again.
    #[error("the engine did not start:\n{said}")]
    Ended {
        /// What it said on standard error.
        said: String,
        /// Its exit code.
        code: u8,
    },
}

/// Starts an engine on `file`, with more `options` of `run`, and waits until it is ready.
pub fn engine(file: &Path, places: &Places, options: &[&str]) -> Result<(), SpawnError> {
    let system = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SpawnError::System { path, source }
    };
    // As an engine that is started by itself makes it: the group and the read-only socket's users must get there.
    if let Some(directory) = places.socket.parent().filter(|directory| !directory.exists()) {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(directory);
        made.map_err(system(directory))?;
    }
    let (mut log, log_path) = open_log(&places.state).map_err(system(&places.state))?;
    let before = log.seek(SeekFrom::End(0)).map_err(system(&log_path))?;
    let program = Path::new("/proc/self/exe");
    let mut child = Command::new(program)
        .arg0(env!("CARGO_PKG_NAME"))
        .args(["run", "--ready-fd", "1"])
        .args(options)
        .arg("-f")
        .arg(file)
        .arg("--socket")
        .arg(&places.socket)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone().map_err(system(&log_path))?)
        .spawn()
        .map_err(system(program))?;
    let ready = child.stdout.take().is_some_and(|pipe| says_ready(BufReader::new(pipe)));
    if ready {
        return Ok(());
    }
    let code = child.wait().ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    let mut said = read_from(&mut log, before).unwrap_or_default().trim_end().to_owned();
    if said.is_empty() {
        said = match log.write_all(b"the engine ended without a word\n") {
            Ok(()) => format!("it ended without a word; {} is its log", log_path.display()),
            Err(error) => format!("it could not say why: {}: {error}", log_path.display()),
        };
    }
    Err(SpawnError::Ended { said, code: code.unwrap_or(super::exit::FAILED) })
}

fn says_ready(mut pipe: impl BufRead) -> bool {
    let mut line = String::new();
    pipe.read_line(&mut line).is_ok() && line.trim() == "ready"
}

fn read_from(log: &mut File, position: u64) -> io::Result<String> {
    let mut said = String::new();
    log.seek(SeekFrom::Start(position))?;
    log.take(16 << 10).read_to_string(&mut said)?;
    Ok(said)
}
