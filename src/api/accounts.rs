//! Names of users and groups from the host's files: who asked, and who may ask.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The group whose members may give commands.
pub(super) const GROUP: &str = "lvsdeck";

/// Name of a user; the number where `/etc/passwd` has none.
pub(super) fn user_name(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&passwd, uid).map_or_else(|| uid.to_string(), str::to_owned)
}

/// Number of a group; none where `/etc/group` does not have it.
pub(super) fn group_id(name: &str) -> Option<u32> {
    id_of(&fs::read_to_string("/etc/group").ok()?, name)
}

/// Who may write to a socket that refused this user, and what to do.
pub(super) fn who_may(socket: &Path) -> String {
    let group_text = fs::read_to_string("/etc/group").unwrap_or_default();
    let found = fs::metadata(socket).ok();
    said(found.map(|found| (found.mode(), found.uid(), found.gid())), &group_text, user_name)
}

fn said(found: Option<(u32, u32, u32)>, groups: &str, user: impl Fn(u32) -> String) -> String {
    match found {
        Some((mode, _, gid)) if mode & 0o020 != 0 => {
            let group = name_of(groups, gid).map_or_else(|| gid.to_string(), str::to_owned);
            format!(
                "join the group {group} (and log in again), or run as root; to look on, `lvsdeck attach --read-only` needs neither"
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

/// `name:x:ID:…`, as passwd(5) and group(5) have it.
fn entries(text: &str) -> impl Iterator<Item = (&str, u32)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse().ok()?))
    })
}

fn name_of(text: &str, id: u32) -> Option<&str> {
    entries(text).find(|(_, found)| *found == id).map(|(name, _)| name)
}

fn id_of(text: &str, name: &str) -> Option<u32> {
    entries(text).find(|(found, _)| *found == name).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_use_a_socket_is_told_by_its_group() {
        let groups = "root:x:0:\nlvsdeck:x:991:anna\n";
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

    #[test]
    fn names_and_numbers_are_found_and_broken_lines_passed_over() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(text, 1000), Some("alice"));
        assert_eq!(name_of(text, 7), None);
        assert_eq!(id_of(text, "root"), Some(0));
        assert_eq!(id_of(text, "nobody"), None);
    }
}
