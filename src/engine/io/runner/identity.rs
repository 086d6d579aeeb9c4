//! Who runs a script: a user of this host with the groups that belong to it.

use crate::engine::model::ScriptUser;
use serde::{Deserialize, Serialize};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::raw::{c_char, c_int};
use std::ptr;

/// A user and its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User number.
    pub user: u32,
    /// Group number.
    pub group: u32,
    /// Further groups.
    pub groups: Vec<u32>,
    /// The user's name.
    pub name: String,
    /// Its home directory.
    pub home: String,
}

/// A name that this host does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownUser {
    /// Of a user.
    #[error("there is no user {0} on this host")]
    User(String),
    /// Of a group.
    #[error("there is no group {0} on this host")]
    Group(String),
}

impl Identity {
    /// Looks a user up, and a group that takes the place of its own.
    pub fn of(wanted: &ScriptUser) -> Result<Self, UnknownUser> {
        let unknown = || UnknownUser::User(wanted.user.clone());
        let name = CString::new(wanted.user.as_str()).map_err(|_| unknown())?;
        let (user, own_group, home) = passwd(&name).ok_or_else(unknown)?;
        let group = match &wanted.group {
            None => own_group,
            Some(group) => {
                let unknown = || UnknownUser::Group(group.clone());
                group_number(&CString::new(group.as_str()).map_err(|_| unknown())?).ok_or_else(unknown)?
            }
        };
        // A group that was asked for stands alone: the user's others may reach further.
        let groups = if wanted.group.is_some() { vec![group] } else { groups_of(&name, group) };
        Ok(Self { user, group, groups, name: wanted.user.clone(), home })
    }

    /// The user that this process runs as, with what it has.
    pub fn own() -> Self {
        let user = crate::engine::io::host::user();
        let group = rustix::process::getegid().as_raw();
        Self { user, group, groups: vec![group], name: user.to_string(), home: "/".to_owned() }
    }

    /// Whether it is root.
    pub const fn is_root(&self) -> bool {
        self.user == 0
    }
}

/// Room for the strings of an entry.
const ROOM: usize = 16 << 10;

/// User, group and home directory (`getpwnam_r(3)`).
#[allow(unsafe_code)]
fn passwd(name: &CStr) -> Option<(u32, u32, String)> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut room: Vec<c_char> = vec![0; ROOM];
    let mut found = ptr::null_mut();
    // SAFETY: all pointers are valid for the call, and the length is that of `room`.
    unsafe { libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the call found an entry, so it filled `entry`, whose strings lie in `room`, which is alive.
    let (entry, home) = unsafe {
        let entry = entry.assume_init();
        (entry, CStr::from_ptr(entry.pw_dir).to_string_lossy().into_owned())
    };
    Some((entry.pw_uid, entry.pw_gid, home))
}

/// `getgrnam_r(3)`.
#[allow(unsafe_code)]
fn group_number(name: &CStr) -> Option<u32> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let mut room: Vec<c_char> = vec![0; ROOM];
    let mut found = ptr::null_mut();
    // SAFETY: all pointers are valid for the call, and the length is that of `room`.
    unsafe { libc::getgrnam_r(name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found) };
    // SAFETY: where an entry was found, the call filled it.
    (!found.is_null()).then(|| unsafe { entry.assume_init() }.gr_gid)
}

/// The groups that a user belongs to, `own` among them (`getgrouplist(3)`).
#[allow(unsafe_code)]
fn groups_of(name: &CStr, own: u32) -> Vec<u32> {
    let mut groups = vec![0; 256];
    let mut count = c_int::try_from(groups.len()).unwrap_or(0);
    // SAFETY: `groups` has room for `count` numbers; the call writes no more than that and says how many there are.
    let all = unsafe { libc::getgrouplist(name.as_ptr(), own, groups.as_mut_ptr(), &raw mut count) } >= 0;
    groups.truncate(if all { usize::try_from(count).unwrap_or(0) } else { 0 });
    if groups.is_empty() { vec![own] } else { groups }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(user: &str, group: Option<&str>) -> Result<Identity, UnknownUser> {
        Identity::of(&ScriptUser { user: user.into(), group: group.map(Into::into) })
    }

    #[test]
    fn root_is_found_with_its_group_and_home() {
        let root = find("root", None).unwrap();
        assert_eq!((root.user, root.group, root.home.as_str()), (0, 0, "/root"));
        assert!(root.is_root() && root.groups.contains(&0));
    }

    #[test]
    fn a_group_that_is_asked_for_stands_alone() {
        let daemon = find("root", Some("daemon")).unwrap();
        assert_eq!((daemon.user, daemon.group != 0, daemon.groups.len()), (0, true, 1));
    }

    #[test]
    fn unknown_names_are_told_as_what_they_are() {
        assert_eq!(find("no-such-user", None), Err(UnknownUser::User("no-such-user".into())));
        assert_eq!(find("root", Some("no-such-group")), Err(UnknownUser::Group("no-such-group".into())));
        assert_eq!(find("a\0b", None), Err(UnknownUser::User("a\0b".into())));
    }
}
