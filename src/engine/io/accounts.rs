//! Names of users and groups, from the host's files.

use std::fs;

/// Name of a user; the number where `/etc/passwd` has none.
pub fn user_name(uid: u32) -> String {
    name_in("/etc/passwd", uid)
}

/// Name of a group; the number where `/etc/group` has none.
pub fn group_name(gid: u32) -> String {
    name_in("/etc/group", gid)
}

/// Number of a group; none where `/etc/group` does not have it.
pub fn group_id(name: &str) -> Option<u32> {
    id_of(&fs::read_to_string("/etc/group").ok()?, name)
}

fn name_in(file: &str, id: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    name_of(&text, id).map_or_else(|| id.to_string(), str::to_owned)
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
    fn names_and_numbers_are_found_and_broken_lines_passed_over() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(text, 1000), Some("alice"));
        assert_eq!(name_of(text, 7), None);
        assert_eq!(id_of(text, "root"), Some(0));
        assert_eq!(id_of(text, "nobody"), None);
    }
}
