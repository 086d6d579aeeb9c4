//! What a configuration asks of the host that `lvsdeck check` runs on: interfaces, addresses, users, groups and scripts. A file may be for another
//! host, so that each answer is a warning that names this one. Nothing is run or changed.

use super::scripts::default_identity;
use crate::engine::config::{Asked, Diagnostic, Loaded, Severity, Wanted, nearest};
use crate::engine::io::host_addresses;
use crate::engine::io::runner::{Identity, PlaceError, locate, others_can_change};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;

/// So many things that this host has not are told.
const TOLD: usize = 1_000;

/// Adds what this host has not, each at its place among the messages; and what keepalived would do otherwise then, where that is asked.
pub fn look(loaded: &mut Loaded, against: bool) {
    // Of this network namespace, unlike /sys/class/net.
    let links = std::fs::read_to_string("/proc/self/net/dev").ok();
    let links: Option<Vec<&str>> = links
        .as_ref()
        .map(|links| links.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect());
    let addresses = host_addresses::read().ok();
    let mut told = 0;
    for Asked { at, what, more } in std::mem::take(&mut loaded.asked) {
        let found = match &what {
            Wanted::Source(address, _) if addresses.as_ref().is_none_or(|all| all.contains(address)) => None,
            Wanted::Source(address, is_multicast) => Some(nowhere(*address, *is_multicast)),
            _ => missing(&what, &at, links.as_deref()),
        };
        let Some((message, help)) = found else { continue };
        let message = match more {
            0 => message,
            1 => message + " (also on 1 more line)",
            _ => format!("{message} (also on {more} more lines)"),
        };
        if told == TOLD {
            let message = "what else this host has not is not looked for".to_owned();
            loaded.diagnostics.push(Diagnostic { code: "too-many-messages", message, help: None, ..at });
            return;
        }
        told += 1;
        let place = |d: &Diagnostic| (d.line, d.column);
        let all = &mut loaded.diagnostics;
        let end = all.iter().rposition(|d| d.file == at.file).map_or(all.len(), |last| last + 1);
        let index = all.iter().position(|d| d.file == at.file && place(d) > place(&at)).unwrap_or(end);
        if against && matches!(what, Wanted::Source(IpAddr::V6(_), true)) {
            let message = "keepalived becomes master all the same, and none of its advertisements leaves it".to_owned();
            let (severity, code) = (Severity::Difference, "difference");
            all.insert(index, Diagnostic { severity, code, message, help: None, ..at.clone() });
        }
        all.insert(index, Diagnostic { message, help: Some(help), ..at });
    }
}

/// What is to be said of an address to advertise from that is on no interface.
fn nowhere(address: IpAddr, is_multicast: bool) -> (String, String) {
    let then = match (address, is_multicast) {
        (IpAddr::V4(_), true) => {
            "advertisements come from it all the same, as with keepalived, and a router that filters by source drops them"
        }
        (IpAddr::V6(_), true) => "the instance is in FAULT until it is there",
        (_, false) => "the instance is in FAULT until it is there, as with keepalived",
    };
    let message = format!("{address} is on no interface of this host: {then}");
    (
        message,
        "write one of `ip address`, each node its own, or remove the line: the interface's own address is used then"
            .to_owned(),
    )
}

/// What this host has not, and what to do; none where it is there, or nobody can say.
fn missing(wanted: &Wanted, at: &Diagnostic, links: Option<&[&str]>) -> Option<(String, String)> {
    let (program, user, secure) = match wanted {
        Wanted::User(user) => {
            let is_behind = ["notify", "quorum_"].iter().any(|word| at.source_line.trim_start().starts_with(word));
            let help = if is_behind {
                "make it there, or correct the name; the arguments of a command stand within its double quotes"
            } else {
                "make it there, or correct the name"
            };
            return Identity::of(user).err().map(|error| (error.to_string(), help.to_owned()));
        }
        Wanted::File(path) => {
            let help = "make it, or correct the path";
            let is_gone = matches!(Path::new(path).try_exists(), Ok(false));
            return is_gone.then(|| (format!("there is no {path} on this host"), help.to_owned()));
        }
        Wanted::Interface(name) => {
            let known = links?;
            if known.contains(&name.as_str()) {
                return None;
            }
            let help = match nearest(name, known.iter().copied().filter(|known| *known != "lo")) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "see `ip link` for the names of this host".to_owned(),
            };
            return Some((format!("there is no interface {name} on this host"), help));
        }
        Wanted::Source(..) => return None,
        Wanted::Program(program, user, secure) => (program, user, *secure),
    };
    let identity = match user {
        // A user that is not there is told where it is named.
        Some(user) => Identity::of(user).ok()?,
        None => match default_identity(secure) {
            Ok(identity) => identity,
            Err(why) => return Some((format!("{program} is not run on this host"), why)),
        },
    };
    match locate(program, &identity) {
        Ok(path) => {
            let part = others_can_change(&path).filter(|_| identity.is_root())?;
            let part_of = format!("others than root can change {} on this host", part.display());
            let message = if secure {
                format!("{program} is not run as root: {part_of}")
            } else {
                format!("root runs {program}, and {part_of}: whoever can is root")
            };
            let help =
                format!("chown root and chmod go-w {}, or let another user run it (user, script_user)", part.display());
            Some((message, help))
        }
        Err(PlaceError::Missing { cause, .. }) if cause.kind() == ErrorKind::PermissionDenied => None,
        Err(PlaceError::Missing { script, .. }) => {
            Some((format!("there is no {script} on this host"), "correct its path, or install it there".to_owned()))
        }
        Err(PlaceError::NotInPath { script }) => {
            let message = format!("{script} is in no directory for programs of this host");
            Some((message, "write its whole path, or install it there".to_owned()))
        }
        Err(PlaceError::NoFile { script }) => {
            let message = format!("{} is no file on this host", script.display());
            Some((message, "name the script itself".to_owned()))
        }
        Err(PlaceError::NotExecutable { script, user }) => {
            let message = format!("{user} may not run {} on this host", script.display());
            Some((message, format!("chmod +x {}, and look at the directories above it", script.display())))
        }
        Err(PlaceError::Unsafe { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::parse;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Line and message of each.
    fn told(text: &str) -> Vec<String> {
        let mut loaded = parse("x.conf", text);
        let runs = loaded.configuration.is_some();
        look(&mut loaded, true);
        assert_eq!(loaded.configuration.is_some(), runs, "what this host has not makes no error");
        loaded.diagnostics.iter().map(|d| format!("{} {}", d.line, d.message)).collect()
    }

    #[test]
    fn an_interface_that_this_host_has_not_is_told_unless_lvsdeck_makes_it() {
        let text = "vrrp_instance a {\ninterface no-such-link\nvirtual_router_id 5\nuse_vmac own-link\nvirtual_ipaddress {\n\
                    10.0.0.9 dev own-link\n10.0.0.10 dev nor-this\n10.0.0.11 dev nor-this\n}\ntrack_interface {\nlo\n}\n}\n";
        assert_eq!(
            told(text),
            [
                "2 there is no interface no-such-link on this host",
                "7 there is no interface nor-this on this host (also on 1 more line)"
            ]
        );
    }

    #[test]
    fn an_address_to_advertise_from_that_is_nowhere_is_told_with_what_comes_of_it() {
        let of = |words: &str, vip: &str| {
            let text = format!(
                "static_ipaddress {{\n192.0.2.99 dev lo\n}}\nvrrp_instance a {{\ninterface lo0\nvirtual_router_id 5\n{words}\n\
                 virtual_ipaddress {{\n{vip}\n}}\n}}\n"
            );
            told(&text).into_iter().filter(|told| !told.starts_with("5 ")).collect::<Vec<_>>()
        };
        let gone = "7 192.0.2.77 is on no interface of this host: ";
        let multicast = of("mcast_src_ip 192.0.2.77", "10.0.0.1");
        assert!(multicast[0].starts_with(&format!("{gone}advertisements come from it all the same")), "{multicast:?}");
        assert_eq!(multicast.len(), 1, "keepalived does the same");
        let unicast = of("unicast_src_ip 192.0.2.77\nunicast_peer {\n192.0.2.78\n}", "10.0.0.1");
        assert_eq!(unicast, [format!("{gone}the instance is in FAULT until it is there, as with keepalived")]);
        let six = of("mcast_src_ip fe80::77", "fe80::1");
        assert_eq!(
            six,
            [
                "7 fe80::77 is on no interface of this host: the instance is in FAULT until it is there",
                "7 keepalived becomes master all the same, and none of its advertisements leaves it",
            ]
        );
        assert_eq!(of("mcast_src_ip 127.0.0.1", "10.0.0.1"), [""; 0]);
        assert_eq!(of("mcast_src_ip 192.0.2.99", "10.0.0.1"), [""; 0], "lvsdeck sets that one");
    }

    #[test]
    fn interfaces_of_routes_rules_and_global_words_are_looked_for_too() {
        let text = "global_defs {\ndefault_interface nor-a\nlvs_sync_daemon nor-b\n}\nstatic_routes {\n10.8.0.0/16 dev nor-c\n\
                    10.9.0.0/16 nexthop via 10.0.0.1 dev nor-d\n}\nstatic_rules {\nfrom 10.9.0.0/16 iif nor-e table 5 priority 5\n\
                    from 10.9.0.0/16 oif lo table 5 priority 5\n}\nstatic_ipaddress {\n10.7.0.1/24 dev nor-f\n}\n";
        let named = |(line, name)| format!("{line} there is no interface nor-{name} on this host");
        let missing = [(2, "a"), (3, "b"), (6, "c"), (7, "d"), (10, "e"), (14, "f")];
        assert_eq!(told(text), missing.map(named));
    }

    #[test]
    fn a_name_that_nobody_defined_is_told_once() {
        let text = "vrrp_instance V {\ninterface lo0\nvirtual_router_id 7\nnotify $N\ntrack_interface {\n$I\n}\n\
                    virtual_ipaddress {\n10.0.0.1\n}\n}\n";
        let told = told(text);
        assert_eq!(told.iter().filter(|told| told.starts_with("4 ") || told.starts_with("6 ")).count(), 2, "{told:?}");
    }

    #[test]
    fn of_very_many_things_that_are_not_there_the_first_are_told() {
        let all = (0..3_000).map(|number| format!("no-{number}")).collect::<Vec<_>>().join("\n");
        let text = format!(
            "vrrp_instance V {{\ninterface lo0\nvirtual_router_id 7\nvirtual_ipaddress {{\n10.0.0.1\n}}\ntrack_interface {{\n{all}\n}}\n}}\n"
        );
        let told = told(&text);
        assert_eq!(told.len(), TOLD + 1);
        assert!(told.last().unwrap().ends_with("what else this host has not is not looked for"), "{told:?}");
    }

    #[test]
    fn users_groups_and_scripts_that_this_host_has_not_are_told_at_their_first_place() {
        let text = "global_defs {\nscript_user nobody-here\n}\nvrrp_script a {\nscript \"/no/such x\"\nuser root no-group\nrise 0\n}\n\
                    vrrp_script b {\nscript /no/such\nuser root\n}\nvrrp_script c {\nscript /no/such\nuser root\n}\n\
                    vrrp_script d {\nscript no-such-program\nuser root\n}\nvrrp_script e {\nscript /etc\nuser root\n}\n";
        assert_eq!(
            told(text),
            [
                "2 there is no user nobody-here on this host",
                "6 there is no group no-group on this host",
                "7 rise 0 is ignored, as keepalived does",
                "10 there is no /no/such on this host (also on 1 more line)",
                "18 no-such-program is in no directory for programs of this host",
                "22 /etc is no file on this host",
            ]
        );
    }

    #[test]
    fn a_script_of_root_that_others_can_change_is_told_and_one_that_can_not_be_run() {
        let place = tempfile::tempdir().unwrap();
        let script = place.path().join("script");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        let with = |mode: u32, secure: &str| {
            fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
            let path = script.display();
            told(&format!("global_defs {{\n{secure}\n}}\nvrrp_script a {{\nscript \"{path} x\"\nuser root\n}}\n"))
                .join("\n")
        };
        assert_eq!(with(0o644, ""), format!("5 root may not run {} on this host", script.display()));
        assert!(with(0o757, "").ends_with("on this host: whoever can is root"));
        let refused = with(0o757, "enable_script_security");
        assert!(
            refused.contains(&format!("{} is not run as root: others than root can", script.display())),
            "{refused}"
        );
        if crate::engine::io::host::is_root() {
            assert_eq!(with(0o755, "enable_script_security"), "");
        }
    }

    #[test]
    fn notify_scripts_and_misc_checks_are_looked_for_too() {
        let text = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 7\nnotify \"/no/notify x\" root\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n\
                    virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.0.2 80 {\nMISC_CHECK {\nmisc_path /no/misc\nuser root\n}\n}\n}\n";
        assert_eq!(told(text), ["4 there is no /no/notify on this host", "13 there is no /no/misc on this host"]);
    }
}
