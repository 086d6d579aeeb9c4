//! The two sockets of an engine: where they are, who may open them, and that only one engine has them.
//!
//! `lvsdeck.sock` (0660, group `lvsdeck`) takes commands; `lvsdeck-ro.sock` (0666) beside it answers questions only. A
//! lock file beside them settles which of two engines started at once has the path; a socket file that nobody answers on
//! is replaced. Never touches a file that is not a socket.

use super::accounts::GROUP;
use crate::engine::group_id;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Why the control socket can't be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another engine has it.
    #[error(
        "another engine answers on {path}: attach to it with `lvsdeck attach`, stop it with `lvsdeck ctl stop`, or \
             give this one its own --socket"
    )]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// A file that is no socket is in the way.
    #[error("{path} is in the way and is not a socket: move it, or choose another --socket")]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The address for metrics can't be had.
    #[error("can't serve metrics on {address} (--metrics): {source}; choose an address of this host and a free port")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused.
    #[error("can't {doing} {path} for the control socket: {source}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl BindError {
    /// The exit code of `lvsdeck run`: 3 where another engine holds the socket, 4 where this user may not, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::InUse { .. } => 3,
            Self::Refused { source, .. } | Self::Metrics { source, .. }
                if source.kind() == ErrorKind::PermissionDenied =>
            {
                4
            }
            Self::Refused { .. } | Self::Metrics { .. } | Self::NotASocket { .. } => 1,
        }
    }
}

/// The engine's two sockets. Their files go when this value is dropped: keep it until the engine has stopped, so that
/// no second one starts beside it.
#[derive(Debug)]
pub struct Bound {
    pub(super) writable: UnixListener,
    pub(super) read_only: UnixListener,
    /// Only where it was asked for.
    pub(super) metrics: Option<TcpListener>,
    /// The group whose members may give commands, where it exists.
    pub(super) group: Option<u32>,
    files: Vec<(PathBuf, u64)>,
    /// Held, never read.
    _lock: File,
    /// What the operator should know: a group that is missing.
    pub warnings: Vec<String>,
}

impl Bound {
    /// Serves `/metrics`, and nothing else, on a TCP address too.
    pub fn offer_metrics(&mut self, address: SocketAddr) -> Result<(), BindError> {
        let listening = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        self.metrics = Some(listening.map_err(|source| BindError::Metrics { address, source })?);
        Ok(())
    }

    /// Where `/metrics` is served beside the sockets: with the port that was found where 0 was asked for.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        for (path, inode) in &self.files {
            if fs::symlink_metadata(path).is_ok_and(|found| found.ino() == *inode) {
                let _ = fs::remove_file(path); // at the end there is nobody left to tell
            }
        }
    }
}

/// The read-only socket beside a control socket: `lvsdeck.sock` → `lvsdeck-ro.sock`.
pub fn read_only_path(path: &Path) -> PathBuf {
    beside(path, "-ro.sock")
}

/// The socket beside a read-only one that takes commands: `lvsdeck-ro.sock` → `lvsdeck.sock`, where that is there.
pub fn commanding_path(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let stem = name.strip_suffix("-ro.sock")?;
    let named = [format!("{stem}.sock"), stem.to_owned()].map(|name| path.with_file_name(name));
    named.into_iter().find(|path| path.exists())
}

/// Takes both sockets, or says who or what is in the way.
pub fn bind(path: &Path) -> Result<Bound, BindError> {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty() && !d.exists()) {
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(directory);
        made.map_err(refused("create", directory))?;
    }
    // Before anything is made beside it: the path may be a slip of the hand.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket()) {
        return Err(BindError::NotASocket { path: path.to_owned() });
    }
    let lock_path = beside(path, ".lock");
    let lock = lock(&lock_path, path)?;
    let read_only_path = read_only_path(path);
    let writable = listen(path)?;
    let read_only = listen(&read_only_path)?;
    let mut files = Vec::new();
    for path in [path, &read_only_path, &lock_path] {
        files.push((path.to_owned(), inode(path)?));
    }
    let (metrics, group, warnings) = (None, group_id(GROUP), Vec::new());
    let mut bound = Bound { writable, read_only, metrics, group, files, _lock: lock, warnings };
    permit(path, &read_only_path, group, &mut bound.warnings)?;
    Ok(bound)
}

fn refused(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BindError {
    let path = path.to_owned();
    move |source| BindError::Refused { doing, path, source }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{}{ending}", name.strip_suffix(".sock").unwrap_or(&name)))
}

fn inode(path: &Path) -> Result<u64, BindError> {
    fs::symlink_metadata(path).map(|found| found.ino()).map_err(refused("look at", path))
}

/// Locks the file at `path`; again where its last holder has removed it in between.
fn lock(path: &Path, socket: &Path) -> Result<File, BindError> {
    loop {
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(refused("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BindError::InUse { path: socket.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(refused("lock", path)(source)),
        }
        let locked = file.metadata().map_err(refused("look at", path))?.ino();
        if fs::symlink_metadata(path).is_ok_and(|found| found.ino() == locked) {
            return Ok(file);
        }
    }
}

/// Listens on `path`; replaces a socket that nobody answers on.
fn listen(path: &Path) -> Result<UnixListener, BindError> {
    match fs::symlink_metadata(path) {
        Err(_) => {}
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::NotASocket { path: path.to_owned() }),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(refused("replace", path))?;
            }
            Err(source) if source.kind() == ErrorKind::PermissionDenied => return Err(refused("open", path)(source)),
            Ok(_) | Err(_) => return Err(BindError::InUse { path: path.to_owned() }),
        },
    }
    let listener = UnixListener::bind(path).map_err(refused("bind", path))?;
    listener.set_nonblocking(true).map_err(refused("bind", path))?;
    Ok(listener)
}

/// 0660 for the group, 0600 where it does not exist or may not be given; 0666 for the read-only one.
fn permit(path: &Path, read_only: &Path, group: Option<u32>, warnings: &mut Vec<String>) -> Result<(), BindError> {
    let given = match group {
        Some(group) => chown(path, None, Some(group)).map_err(|error| error.to_string()),
        None => Err("there is no such group".to_owned()),
    };
    let mode = match given {
        Ok(()) => 0o660,
        Err(why) => {
            warnings.push(format!(
                "the control socket {} is its owner's alone: it can't be given to group {GROUP} ({why}); \
                 `groupadd --system {GROUP}` and a restart let its members in",
                path.display()
            ));
            0o600
        }
    };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(refused("set permissions of", path))?;
    fs::set_permissions(read_only, Permissions::from_mode(0o666)).map_err(refused("set permissions of", read_only))
}
