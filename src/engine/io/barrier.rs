//! Why a file can't be read that is there.

use super::accounts::{group_name, user_name};
use super::host;
use super::privilege::is_refused;
use rustix::process::{Gid, getegid, getgroups};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// To read a file, or the names in a directory.
const READ: u32 = 0o4;
/// To reach what is in a directory.
const SEARCH: u32 = 0o1;

/// What keeps this process from reading a file that is there, or the names in a directory: itself, or a directory on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    path: PathBuf,
    owner: (u32, u32),
    mode: u32,
    /// The rights that are needed there: [`READ`], [`SEARCH`].
    needs: u32,
}

impl Barrier {
    /// What bars the way to these files and directories, each barrier once; nothing where nothing does, or they are gone.
    pub fn to_all(paths: &[PathBuf]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for barrier in paths.iter().filter_map(|path| Self::to(path)) {
            match all.iter_mut().find(|known| known.path == barrier.path) {
                Some(known) => known.needs |= barrier.needs,
                None => all.push(barrier),
            }
        }
        all
    }

    /// What bars the way to this file, or to what is in this directory.
    fn to(wanted: &Path) -> Option<Self> {
        if !is_refused(wanted) {
            return None;
        }
        // What can't even be looked at lies in a directory that bars the way.
        let (path, found) = wanted.ancestors().find_map(|part| Some((part, fs::metadata(part).ok()?)))?;
        let needs = match (path == wanted, found.is_dir()) {
            (true, true) => READ | SEARCH,
            (true, false) => READ,
            (false, _) => SEARCH,
        };
        Some(Self { path: path.to_path_buf(), owner: (found.uid(), found.gid()), mode: found.mode() & 0o7777, needs })
    }

    /// How it is opened to this process, as a shell is told: the first class that it belongs to decides, whatever others may.
    pub fn remedy(&self) -> String {
        let (path, user) = (self.path.display(), user_name(host::user()));
        let is_own = self.owner.0 == host::user();
        let (class, shift) = match (is_own, is_in_group(self.owner.1)) {
            (true, _) => ('u', 6),
            (false, true) => ('g', 3),
            (false, false) => ('o', 0),
        };
        let lacks = self.needs & !(self.mode >> shift);
        if lacks == 0 {
            return format!(
                "`getfacl {path}` and what confines the engine (SELinux, AppArmor) say what else bars it: open it there"
            );
        }
        let read = if lacks & READ == 0 { "" } else { "r" };
        let search = if lacks & SEARCH == 0 { "" } else { "x" };
        let chmod = format!("`chmod {class}+{read}{search} {path}`");
        // The owner's class decides then.
        let owner_may = self.needs & !(self.mode >> 6) == 0;
        if !is_own && owner_may { format!("`chown {user} {path}` or {chmod}") } else { chmod }
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
        let (me, other) = (host::user(), u32::MAX - 1);
        let mine = getegid().as_raw();
        let remedy = |path: &str, owner: (u32, u32), mode, needs| {
            let remedy = Barrier { path: path.into(), owner, mode, needs }.remedy();
            remedy.replace(&user_name(me), "me")
        };
        let file = |owner, group, mode| remedy("/x", (owner, group), mode, READ);
        assert_eq!(file(me, other, 0o044), "`chmod u+r /x`");
        assert_eq!(file(other, mine, 0o604), "`chown me /x` or `chmod g+r /x`", "others' right does not count");
        assert_eq!(file(other, other, 0o640), "`chown me /x` or `chmod o+r /x`");
        assert_eq!(file(other, other, 0o040), "`chmod o+r /x`", "its owner may not read it either");
        assert!(file(other, other, 0o604).starts_with("`getfacl /x`"), "no mode bars it");
        let directory = |mode, needs| remedy("/d", (other, other), mode, needs);
        assert_eq!(directory(0o700, READ | SEARCH), "`chown me /d` or `chmod o+rx /d`");
        assert_eq!(directory(0o711, READ | SEARCH), "`chown me /d` or `chmod o+r /d`");
        assert_eq!(directory(0o704, READ | SEARCH), "`chown me /d` or `chmod o+x /d`");
        assert_eq!(directory(0o700, SEARCH), "`chown me /d` or `chmod o+x /d`", "nothing is listed on the way");
    }

    #[test]
    fn a_fifo_that_nobody_writes_to_bars_nothing_and_holds_nobody_up() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.conf");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert_eq!(Barrier::to_all(&[path]), []);
    }

    #[test]
    fn a_directory_that_can_be_entered_and_not_listed_is_a_barrier_and_each_is_told_once() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.conf"), "").unwrap();
        let wanted = [path.join("a.conf"), path.clone(), path.clone()];
        let without_privilege = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let wanted = wanted.clone();
            let look = move || {
                let now = rustix::thread::capabilities(None).unwrap();
                let none = rustix::thread::CapabilitySet::empty();
                rustix::thread::set_capabilities(None, rustix::thread::CapabilitySets { effective: none, ..now })
                    .unwrap();
                Barrier::to_all(&wanted)
            };
            let all = std::thread::spawn(look).join().unwrap();
            let told: Vec<(u32, String)> = all.iter().map(|one| (one.needs, one.remedy())).collect();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            told
        };
        let chmod = |right: &str| format!("`chmod u+{right} {}`", path.display());
        assert_eq!(without_privilege(0o755), []);
        assert_eq!(without_privilege(0o311), [(READ | SEARCH, chmod("r"))]);
        assert_eq!(without_privilege(0o611), [(READ | SEARCH, chmod("x"))]);
        assert_eq!(without_privilege(0o011), [(READ | SEARCH, chmod("rx"))], "the file needs less of it");
    }
}
