//! Who may ask.

use crate::engine::{group_name, user_name};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The group whose members may give commands.
pub(super) const GROUP: &str = "lvsdeck";

/// Who may write to a socket that refused this user, and what to do.
pub(super) fn who_may(socket: &Path) -> String {
    let found = fs::metadata(socket).ok();
    said(found.map(|found| (found.mode(), found.uid(), found.gid())), group_name, user_name)
}

fn said(found: Option<(u32, u32, u32)>, group: impl Fn(u32) -> String, user: impl Fn(u32) -> String) -> String {
    match found {
        Some((mode, _, gid)) if mode & 0o020 != 0 => {
            format!(
                "join the group {} (and log in again), or run as root; to look on, `lvsdeck attach --read-only` needs neither",
                group(gid)
            )
        }
        Some((_, uid, _)) => format!(
            "the engine found no group {GROUP}: run as root, or make that group and restart the engine; until then the socket \
             is {}'s alone; to look on, `lvsdeck attach --read-only` needs neither",
            user(uid)
        ),
        None => format!("run as root, or join the group {GROUP} where it exists"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_use_a_socket_is_told_by_its_group() {
        let groups = |gid: u32| if gid == 991 { "lvsdeck".to_owned() } else { gid.to_string() };
        let user = |uid: u32| if uid == 0 { "root".to_owned() } else { uid.to_string() };
        assert!(said(Some((0o140_660, 0, 991)), groups, user).starts_with("join the group lvsdeck"));
        assert!(said(Some((0o140_660, 0, 55)), groups, user).starts_with("join the group 55"));
        assert!(
            said(Some((0o140_600, 0, 0)), groups, user).starts_with("the engine found no group lvsdeck: run as root")
        );
        assert!(said(None, groups, user).contains("lvsdeck"));
        // Whatever command was refused, what it is sent to has that option.
        for mode in [0o140_660, 0o140_600] {
            let told = said(Some((mode, 0, 991)), groups, user);
            assert!(told.ends_with("to look on, `lvsdeck attach --read-only` needs neither"), "{told}");
        }
    }
}
