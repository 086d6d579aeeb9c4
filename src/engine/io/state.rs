//! The state directory: what this engine has made in the kernel, so that the next start finds it after a crash.
//!
//! One JSON file a half, written whole and renamed into place. Kernel state does not survive a boot, so a file of another
//! boot is ignored.

use crate::engine::balance::OwnedService;
use crate::engine::failover::OwnedAddress;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why the state directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Making the directory or writing a file failed.
    #[error("{path}: can't write the state ({source}); make the directory writable or name another with --state-dir")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there and can't be read.
    #[error("{path}: can't read the state ({source}); what an earlier engine left in the kernel is not known")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
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
    boot_id: String,
    items: Vec<T>,
}

/// The directory, with the boot that runs.
#[derive(Debug, Clone)]
pub struct StateDir {
    directory: PathBuf,
    boot_id: String,
}

impl StateDir {
    /// Makes the directory when it is missing.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        fs::create_dir_all(directory).map_err(|source| StateError::Write { path: directory.to_path_buf(), source })?;
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Ok(Self { directory: directory.to_path_buf(), boot_id: boot_id.trim().to_owned() })
    }

    /// Virtual addresses that an engine put on interfaces since boot.
    pub fn addresses(&self) -> Result<Vec<OwnedAddress>, StateError> {
        self.load("addresses.json")
    }

    /// Writes them down.
    pub fn save_addresses(&self, owned: Vec<OwnedAddress>) -> Result<(), StateError> {
        self.save("addresses.json", owned)
    }

    /// Services that an engine made in the kernel since boot.
    pub fn services(&self) -> Result<Vec<OwnedService>, StateError> {
        self.load("services.json")
    }

    /// Writes them down.
    pub fn save_services(&self, owned: Vec<OwnedService>) -> Result<(), StateError> {
        self.save("services.json", owned)
    }

    fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, StateError> {
        let path = self.directory.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StateError::Read { path, source }),
        };
        match serde_json::from_str::<Record<T>>(&text) {
            Ok(record) if record.boot_id == self.boot_id => Ok(record.items),
            Ok(_) => Ok(Vec::new()),
            Err(source) => {
                let _ = fs::rename(&path, path.with_extension("json.damaged"));
                Err(StateError::Damaged { path, source })
            }
        }
    }

    fn save<T: Serialize>(&self, name: &str, items: Vec<T>) -> Result<(), StateError> {
        let path = self.directory.join(name);
        let fresh = path.with_extension("json.new");
        let record = Record { boot_id: self.boot_id.clone(), items };
        let text = serde_json::to_vec(&record).unwrap_or_default();
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|source| StateError::Write { path, source })
    }
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
        assert_eq!(StateDir::open(place.path()).unwrap().addresses().unwrap(), [address()]);
        let rebooted = StateDir { boot_id: "another".into(), ..state };
        assert!(rebooted.addresses().unwrap().is_empty());
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
}
