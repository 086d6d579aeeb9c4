//! Where a script is, whether its user may run it, and who else could change it.

use super::PATH;
use super::identity::Identity;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why a script can't be run.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is not there.
    #[error("can't find {script}: {cause}; correct its path, or install it")]
    Missing {
        /// As it is written.
        script: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It is in no directory of `PATH`.
    #[error("{script} is in no directory of {PATH}; write its whole path")]
    NotInPath {
        /// As it is written.
        script: String,
    },
    /// Its user may not run it.
    #[error("{user} may not run {script}: chmod +x {script}, and look at the directories above it")]
    NotExecutable {
        /// Its path.
        script: PathBuf,
        /// Who.
        user: String,
    },
    /// It is no file.
    #[error("{script} is no file")]
    NoFile {
        /// Its path.
        script: PathBuf,
    },
    /// Somebody else can change what root would run.
    #[error(
        "root does not run {script} while others than root can change {part}: chown root and chmod go-w {part}, or let \
         another user run it (script_user)"
    )]
    Unsafe {
        /// Its path.
        script: PathBuf,
        /// What they can change.
        part: PathBuf,
    },
}

/// The file behind the first word of a command, which `identity` may run.
pub fn locate(word: &str, identity: &Identity) -> Result<PathBuf, PlaceError> {
    let path = if word.contains('/') {
        PathBuf::from(word)
    } else {
        let found = PATH.split(':').map(|directory| Path::new(directory).join(word)).find(|path| path.is_file());
        found.ok_or_else(|| PlaceError::NotInPath { script: word.to_owned() })?
    };
    let missing = |cause| PlaceError::Missing { script: word.to_owned(), cause };
    let file = fs::metadata(&path).map_err(missing)?;
    if !file.is_file() {
        return Err(PlaceError::NoFile { script: path });
    }
    let real = fs::canonicalize(&path).map_err(missing)?;
    let above = real.ancestors().skip(1);
    let reached = above.filter_map(|directory| fs::metadata(directory).ok()).all(|d| may_run(&d, identity));
    // Root runs what anybody may run.
    let any = identity.is_root() && file.mode() & 0o111 != 0;
    if any || (reached && !identity.is_root() && may_run(&file, identity)) {
        Ok(path)
    } else {
        Err(PlaceError::NotExecutable { script: path, user: identity.name.clone() })
    }
}

/// Whether a user may run a file or enter a directory.
fn may_run(file: &Metadata, identity: &Identity) -> bool {
    let bit = if file.uid() == identity.user {
        0o100
    } else if file.gid() == identity.group || identity.groups.contains(&file.gid()) {
        0o010
    } else {
        0o001
    };
    identity.is_root() || file.mode() & bit != 0
}

/// The first part of a path that others than root can change: the file, a directory on the way, or what a link on the way
/// points to.
pub fn others_can_change(path: &Path) -> Option<PathBuf> {
    let written = path.ancestors().map(Path::to_path_buf).collect::<Vec<_>>();
    let real = fs::canonicalize(path).unwrap_or_default();
    let mut parts: Vec<PathBuf> = written.into_iter().rev().collect();
    parts.extend(real.ancestors().map(Path::to_path_buf).collect::<Vec<_>>().into_iter().rev());
    parts.into_iter().filter(|part| !part.as_os_str().is_empty()).find(|part| {
        let changeable = |metadata: Metadata| is_changeable(&metadata);
        // What can't be looked at can't be vouched for.
        let link =
            fs::symlink_metadata(part).map_or(true, |m| !m.is_symlink() && is_changeable(&m) || foreign_link(&m));
        link || fs::metadata(part).map_or(true, changeable)
    })
}

/// A link of another user may point elsewhere tomorrow.
fn foreign_link(metadata: &Metadata) -> bool {
    metadata.is_symlink() && metadata.uid() != 0
}

/// Another owner who may write (and could allow it to himself any time), a group other than root's that may, or everybody.
/// In a directory with the sticky bit nobody removes what is root's.
fn is_changeable(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    let group = metadata.gid() != 0 && mode & 0o020 != 0;
    let everybody = mode & 0o002 != 0;
    metadata.uid() != 0 || ((group || everybody) && !sticky)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::ScriptUser;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn user(name: &str) -> Identity {
        Identity::of(&ScriptUser { user: name.into(), group: None }).unwrap()
    }

    fn script(directory: &Path, name: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_script_is_found_by_its_path_or_its_name() {
        let root = user("root");
        assert_eq!(locate("/bin/sh", &root).unwrap(), Path::new("/bin/sh"));
        assert!(locate("sh", &root).unwrap().ends_with("bin/sh"));
        let error = |word| locate(word, &root).unwrap_err().to_string();
        assert_eq!(
            error("/no/such"),
            "can't find /no/such: No such file or directory (os error 2); correct its path, or install it"
        );
        assert!(error("no-such-program").starts_with("no-such-program is in no directory of /usr/local/sbin:"));
        assert_eq!(error("/etc"), "/etc is no file");
    }

    #[test]
    fn a_script_needs_the_right_to_be_run_by_its_user() {
        let directory = tempfile::tempdir().unwrap();
        let plain = script(directory.path(), "plain", 0o644);
        assert!(matches!(locate(plain.to_str().unwrap(), &user("root")), Err(PlaceError::NotExecutable { .. })));
        let own = script(directory.path(), "own", 0o700);
        assert!(locate(own.to_str().unwrap(), &user("root")).is_ok());
        // The directory is 0700 as well.
        let refused = locate(own.to_str().unwrap(), &user("nobody")).unwrap_err().to_string();
        assert!(refused.starts_with("nobody may not run "), "{refused}");
    }

    #[test]
    fn what_others_can_change_is_named() {
        // These need a root that owns the files; elsewhere everything is "others".
        if !crate::engine::io::host::is_root() {
            return assert!(others_can_change(tempfile::tempdir().unwrap().path()).is_some());
        }
        let directory = tempfile::tempdir().unwrap();
        let safe = script(directory.path(), "safe", 0o755);
        assert_eq!(others_can_change(&safe), None, "/tmp has the sticky bit");
        let open = script(directory.path(), "open", 0o757);
        assert_eq!(others_can_change(&open), Some(open.clone()));
        let link = directory.path().join("link");
        symlink(&open, &link).unwrap();
        assert_eq!(others_can_change(&link), Some(link.clone()), "what it points to");
        let foreign = script(directory.path(), "foreign", 0o500);
        chown(&foreign, Some(65534), None).unwrap();
        assert_eq!(others_can_change(&foreign), Some(foreign.clone()));
        let below = directory.path().join("below");
        fs::create_dir(&below).unwrap();
        let inside = script(&below, "inside", 0o755);
        assert_eq!(others_can_change(&inside), None);
        fs::set_permissions(&below, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(others_can_change(&inside), Some(below));
        assert_eq!(others_can_change(Path::new("/no/such")), Some("/no".into()), "nothing vouches for it");
    }
}
