//! Why a file can't be read that is there.

use super::accounts::{group_name, user_name};
use super::host;
use super::privilege::is_refused;
use rustix::process::{Gid, getegid, getgroups};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What keeps this process from reading a file that is there: the file, or a directory on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    path: PathBuf,
    owner: (u32, u32),
    mode: u32,
}

impl Barrier {
    /// What bars the way to this file; none where nothing does, or it is gone.
    pub fn to(file: &Path) -> Option<Self> {
        if !is_refused(file) {
            return None;
        }
        // What can't even be looked at lies in a directory that bars the way.
        let (path, found) = file.ancestors().find_map(|part| Some((part, fs::metadata(part).ok()?)))?;
        Some(Self { path: path.to_path_buf(), owner: (found.uid(), found.gid()), mode: found.mode() & 0o7777 })
    }

    /// How it is opened to this process, as a shell is told: the first class that it belongs to decides, whatever others may.
    pub fn remedy(&self) -> String {
        let (path, user) = (self.path.display(), user_name(host::user()));
        // The names in a directory are read too, for a pattern behind `include`.
        let right = if self.path.is_dir() { "rx" } else { "r" };
        if self.owner.0 == host::user() {
            return format!("`chmod u+{right} {path}`");
        }
        let class = if is_in_group(self.owner.1) { 'g' } else { 'o' };
        format!("`chown {user} {path}` or `chmod {class}+{right} {path}`")
    }
}

fn is_in_group(gid: u32) -> bool {
    let group = Gid::from_raw(gid);
    getegid() == group || getgroups().is_ok_and(|groups| groups.contains(&group))
}

/// `/etc/x.conf belongs to anna:users with mode 0600, and this process runs as root without …`.
impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, mode, user) = (self.path.display(), self.mode, user_name(host::user()));
        let owner = format!("{}:{}", user_name(self.owner.0), group_name(self.owner.1));
        let without = if host::is_root() { ", which gave up the right to read what is others'" } else { "" };
        write!(f, "{path} belongs to {owner} with mode {mode:04o}, and the engine runs as {user}{without}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_of_the_class_that_decides() {
        let remedy = |owner: u32, group: u32| {
            Barrier { path: "/etc/x.conf".into(), owner: (owner, group), mode: 0o600 }.remedy()
        };
        let (me, other) = (host::user(), u32::MAX - 1);
        assert_eq!(remedy(me, other), "`chmod u+r /etc/x.conf`");
        assert!(
            remedy(other, getegid().as_raw()).ends_with("`chmod g+r /etc/x.conf`"),
            "others' right would not count"
        );
        assert!(remedy(other, other).ends_with("`chmod o+r /etc/x.conf`"));
        let directory = Barrier { path: "/".into(), owner: (other, other), mode: 0o700 }.remedy();
        assert!(directory.ends_with("`chmod o+rx /`"), "{directory}");
    }
}
