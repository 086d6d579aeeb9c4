//! The state directory: what this engine has made in the kernel, so that the next start finds it after a crash.
//!
//! One JSON file a half, written whole and renamed into place. Kernel state does not survive a boot and belongs to one
//! network namespace, so a file of another is ignored. One engine holds the directory at a time; nobody else may write into
//! it, and no link in it is followed.

use crate::engine::balance::OwnedService;
use crate::engine::failover::OwnedAddress;
use crate::engine::model::VirtualLink;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file that is read, in bytes: 100,000 overrides or addresses are some 20 MiB.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Why the state directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Making the directory or writing a file failed.
    #[error("{path}: can't write the state ({source}); make the directory writable or name another with --state-dir")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another engine keeps its state there.
    #[error("{path}: another engine keeps its state here; give this one a directory of its own with --state-dir")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Others may write into the directory, so that what it says can't be trusted.
    #[error(
        "{path}: others than this user may write here; make it yours alone (chown, chmod 700), or name another \
             directory with --state-dir"
    )]
    Open {
        /// The directory.
        path: PathBuf,
    },
    /// A file is there and can't be read.
    #[error("{path}: can't read the state ({source}); what an earlier engine left in the kernel is not known")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is damaged.
    #[error(
        "{path}: the state is damaged ({source}); it was set aside as .damaged, and what an earlier engine left in the \
             kernel is not known: compare `ip addr` and `ipvsadm -ln` with the configuration"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the JSON breaks.
        source: serde_json::Error,
    },
}

/// One file's content.
#[derive(Serialize, Deserialize)]
struct Record<T> {
    /// Boot and network namespace.
    life: String,
    items: Vec<T>,
}

/// The directory, held by this process, with the life of the kernel state that it speaks of.
#[derive(Debug, Clone)]
pub struct StateDir {
    directory: PathBuf,
    life: String,
    _held: Arc<File>,
}

impl StateDir {
    /// Makes the directory when it is missing, and holds it until the last clone is dropped.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        let path = || directory.to_path_buf();
        let write = |source| StateError::Write { path: path(), source };
        make(directory).map_err(write)?;
        let found = fs::symlink_metadata(directory).map_err(write)?;
        let mine = found.is_dir() && found.uid() == super::host::user() && found.mode() & 0o022 == 0;
        if !mine {
            return Err(StateError::Open { path: path() });
        }
        let held = private().append(true).create(true).open(directory.join("lock")).map_err(write)?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse { path: path() }),
            Err(TryLockError::Error(source)) => return Err(write(source)),
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let network = fs::read_link("/proc/thread-self/ns/net").unwrap_or_default();
        let life = format!("{} {}", boot.trim(), network.display());
        Ok(Self { directory: path(), life, _held: Arc::new(held) })
    }

    /// Virtual addresses that an engine put on interfaces since boot.
    pub fn addresses(&self) -> Result<Vec<OwnedAddress>, StateError> {
        self.load("addresses.json")
    }

    /// Writes them down.
    pub fn save_addresses(&self, owned: Vec<OwnedAddress>) -> Result<(), StateError> {
        self.save("addresses.json", owned)
    }

    /// Virtual interfaces that an engine made since boot.
    pub fn links(&self) -> Result<Vec<VirtualLink>, StateError> {
        self.load("links.json")
    }

    /// Writes them down.
    pub fn save_links(&self, links: Vec<VirtualLink>) -> Result<(), StateError> {
        self.save("links.json", links)
    }

    /// Services that an engine made in the kernel since boot.
    pub fn services(&self) -> Result<Vec<OwnedService>, StateError> {
        self.load("services.json")
    }

    /// Writes them down.
    pub fn save_services(&self, owned: Vec<OwnedService>) -> Result<(), StateError> {
        self.save("services.json", owned)
    }

    /// Keeps what was written down of services under another name, for people; gives that, when there was anything.
    pub fn set_services_aside(&self) -> Result<Option<PathBuf>, StateError> {
        let path = self.directory.join("services.json");
        let aside = path.with_extension("json.aside");
        match fs::rename(&path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Write { path, source }),
        }
    }

    pub(super) fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, StateError> {
        let path = self.directory.join(name);
        let record = match read(&path) {
            Ok(text) => serde_json::from_slice::<Record<T>>(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(serde_json::Error::custom(error)),
            Err(source) => return Err(StateError::Read { path, source }),
        };
        match record {
            Ok(record) if record.life == self.life => Ok(record.items),
            Ok(_) => Ok(Vec::new()),
            Err(source) => {
                let _ = fs::rename(&path, path.with_extension("json.damaged"));
                Err(StateError::Damaged { path, source })
            }
        }
    }

    pub(super) fn save<T: Serialize>(&self, name: &str, items: Vec<T>) -> Result<(), StateError> {
        let record = Record { life: self.life.clone(), items };
        self.write(name, &serde_json::to_vec(&record).unwrap_or_default()).map(|_| ())
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.directory.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(StateError::Write { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Tries whether a page of some kilobytes can be written now, and removes it.
    pub fn try_to_write(&self) -> Result<(), StateError> {
        self.write("trial", &vec![b' '; 64 * 1024])?;
        self.remove("trial")
    }

    /// Puts a whole file into the directory, in place of one with the same name; gives its path.
    pub fn write(&self, name: &str, text: &[u8]) -> Result<PathBuf, StateError> {
        let path = self.directory.join(name);
        match replace(&self.directory, name, text, false) {
            Ok(()) => Ok(path),
            Err(source) => Err(StateError::Write { path, source }),
        }
    }
}

/// A whole file, never through a link. Errors: [`ErrorKind::FileTooLarge`] for what no engine writes.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    private().read(true).open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        let mebibytes = LARGEST / 1024 / 1024;
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("larger than {mebibytes} MiB")));
    }
    Ok(text)
}

/// Puts a whole file into a directory, in place of one with the same name; `lasting`: once the disk has it.
pub(super) fn replace(directory: &Path, name: &str, text: &[u8], lasting: bool) -> io::Result<()> {
    let fresh = directory.join(format!("{name}.new"));
    let file = match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => private().write(true).create_new(true).open(&fresh)?,
    };
    let written = fill(file, text, lasting).and_then(|()| fs::rename(&fresh, directory.join(name)));
    if let Err(error) = written {
        // What a full disk took of it is of no use.
        _ = fs::remove_file(&fresh);
        return Err(error);
    }
    if lasting { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn fill(mut file: File, text: &[u8], lasting: bool) -> io::Result<()> {
    file.write_all(text)?;
    if lasting { file.sync_all() } else { Ok(()) }
}

/// Errors: it is not a directory of this user's into which nobody else may write.
pub(super) fn is_ours_alone(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    let ours = found.is_dir() && found.uid() == super::host::user() && found.mode() & 0o022 == 0;
    let error = || io::Error::other("others may write into the directory: make it yours alone (chown, chmod 700)");
    if ours { Ok(()) } else { Err(error()) }
}

/// Opens the log of an engine that the console starts, in a directory that may be made for it; gives its path too. A log
/// of more than a mebibyte is set aside first.
pub fn open_log(directory: &Path) -> io::Result<(File, PathBuf)> {
    make(directory)?;
    let path = directory.join("engine.log");
    if fs::symlink_metadata(&path).is_ok_and(|found| found.len() > 1 << 20) {
        fs::rename(&path, directory.join("engine.log.old"))?;
    }
    Ok((private().create(true).read(true).append(true).open(&path)?, path))
}

/// A directory of this user's alone, unless it exists.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Files that only this user reads, never through a link.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> OwnedAddress {
        OwnedAddress { interface: "eth0".into(), address: "10.0.0.1".parse().unwrap(), prefix: 24 }
    }

    #[test]
    fn what_was_made_is_known_after_a_restart_and_forgotten_after_a_reboot() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        state.save_addresses(vec![address()]).unwrap();
        drop(state);
        let state = StateDir::open(place.path()).unwrap();
        assert_eq!(state.addresses().unwrap(), [address()]);
        let rebooted = StateDir { life: "another boot".into(), ..state };
        assert!(rebooted.addresses().unwrap().is_empty());
    }

    #[test]
    fn a_file_that_no_engine_writes_is_set_aside_and_not_read_whole() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        let huge = |name: &str| File::create(place.path().join(name)).unwrap().set_len(3 << 30).unwrap();
        huge("services.json");
        let said = state.services().unwrap_err().to_string();
        assert!(said.contains("services.json") && said.contains("larger than 64 MiB"), "{said}");
        assert!(place.path().join("services.json.damaged").exists());
        assert!(state.services().unwrap().is_empty());
        huge("masterships.json");
        assert!(state.take_masterships().unwrap_err().to_string().contains("larger than 64 MiB"));
        huge("overrides.json");
        let (_, overrides, error) = crate::engine::io::overrides::OverridesFile::open(place.path());
        let said = error.unwrap().to_string();
        assert!(said.contains("larger than 64 MiB") && said.contains("it is kept as "), "{said}");
        assert_eq!(overrides, crate::engine::io::overrides::Overrides::default());
    }

    #[test]
    fn what_could_not_be_put_into_its_place_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        fs::create_dir(place.path().join("addresses.json")).unwrap();
        assert!(state.save_addresses(vec![address()]).is_err());
        assert!(!place.path().join("addresses.json.new").exists());
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_named() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        fs::write(place.path().join("services.json"), "{\"boot").unwrap();
        assert!(state.services().unwrap_err().to_string().contains("services.json: the state is damaged"));
        assert!(place.path().join("services.json.damaged").exists());
        assert!(state.services().unwrap().is_empty());
    }

    #[test]
    fn services_that_can_not_be_there_are_kept_under_another_name() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        assert_eq!(state.set_services_aside().unwrap(), None);
        let left = OwnedService { key: "tcp/10.0.0.1:80".parse().unwrap(), servers: Vec::new() };
        state.save_services(vec![left]).unwrap();
        assert!(state.set_services_aside().unwrap().unwrap().exists());
        assert_eq!(state.services().unwrap(), []);
    }

    #[test]
    fn a_file_that_is_no_text_is_set_aside_like_one_that_is_no_json() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        fs::write(place.path().join("addresses.json"), b"{\"life\":\"\xff\xfe\",\"items\":[]}").unwrap();
        assert!(matches!(state.addresses(), Err(StateError::Damaged { .. })));
        assert!(place.path().join("addresses.json.damaged").exists());
        assert!(state.addresses().unwrap().is_empty());
    }

    #[test]
    fn a_second_engine_on_the_same_directory_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let first = StateDir::open(place.path()).unwrap();
        assert!(matches!(StateDir::open(place.path()), Err(StateError::InUse { .. })));
        drop(first);
        StateDir::open(place.path()).unwrap();
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused_and_a_link_in_it_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(StateDir::open(place.path()), Err(StateError::Open { .. })));
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let victim = place.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        symlink(&victim, place.path().join("addresses.json.new")).unwrap();
        symlink(&victim, place.path().join("engine.log")).unwrap();
        StateDir::open(place.path()).unwrap().save_addresses(vec![address()]).unwrap();
        assert!(open_log(place.path()).is_err());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    }
}
