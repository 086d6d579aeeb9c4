//! Whether another configuration can be had, asked before either half runs it.
//!
//! What is known without the kernel: what the userspace dataplane can't serve, and schedulers that the kernel
//! does not have. What only the kernel knows is tried there ([`Request::Trial`](super::balance::Request)). A service that could not
//! be had before, and is in the file as it was, stands in no reload's way.

use crate::engine::io::userspace::UNSERVED;
use crate::engine::model::{Configuration, Scheduler, ServiceKey, VirtualRouter};
use crate::engine::snapshot::Warning;
use std::collections::{BTreeSet, HashMap};

/// The first service of the file that userspace can't serve and that was none of these before.
pub(super) fn unserved(warnings: &[Warning], before: &[Warning]) -> Option<String> {
    let known = |new: &Warning| before.iter().any(|old| old.code == new.code && old.subject == new.subject);
    let new = warnings.iter().find(|warning| warning.code == UNSERVED && !known(warning))?;
    Some(format!("{}: {}", new.subject, new.message))
}

/// The first service with a scheduler that is new to it and that is not among the kernel's `modules` (`ip_vs_rr`).
pub(super) fn unscheduled(old: &Configuration, new: &Configuration, modules: &BTreeSet<String>) -> Option<String> {
    let before: HashMap<ServiceKey, Scheduler> = old.virtual_servers.iter().map(|s| (s.key, s.scheduler)).collect();
    let service = new.virtual_servers.iter().find(|service| {
        let name = format!("ip_vs_{}", service.scheduler.name());
        before.get(&service.key) != Some(&service.scheduler) && !modules.contains(&name)
    })?;
    let name = service.scheduler.name();
    Some(format!(
        "{}: this kernel has no module for the scheduler {name}: modprobe ip_vs_{name}; where there is none, another \
         lb_algo, wlc for example",
        service.key
    ))
}

/// What is to be said of instances that are new on an interface which is not there.
pub(super) fn absent(
    old: &Configuration,
    new: &Configuration,
    has_interface: impl Fn(&str) -> Option<bool>,
) -> Vec<String> {
    let is_new = |router: &&VirtualRouter| {
        !old.virtual_routers.iter().any(|old| old.name == router.name && old.interface == router.interface)
    };
    let absent = |router: &&VirtualRouter| has_interface(&router.interface) == Some(false);
    let said = |router: &VirtualRouter| {
        format!(
            "{}: there is no interface {} here, so that it is in FAULT until there is",
            router.name, router.interface
        )
    };
    new.virtual_routers.iter().filter(is_new).filter(absent).map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config;

    fn file(services: &[(u16, &str)]) -> Configuration {
        let one = |(port, algo): &(u16, &str)| {
            format!(
                "virtual_server 10.0.0.1 {port} {{\nlb_algo {algo}\nlb_kind DR\nprotocol TCP\n\
                 real_server 10.0.0.71 {port} {{\n}}\n}}\n"
            )
        };
        config::parse("test", &services.iter().map(one).collect::<String>()).configuration.unwrap()
    }

    #[test]
    fn a_service_that_userspace_can_not_serve_is_named_unless_it_was_left_out_before() {
        let warning = |key: &str| Warning {
            code: UNSERVED.to_owned(),
            subject: key.to_owned(),
            message: "not served: userspace forwards TCP only".to_owned(),
            next: String::new(),
        };
        let news = |before: &[&str], now: &[&str]| {
            let all = |keys: &[&str]| keys.iter().map(|key| warning(key)).collect::<Vec<_>>();
            unserved(&all(now), &all(before))
        };
        assert_eq!(news(&["udp/10.0.0.1:53"], &["udp/10.0.0.1:53"]), None);
        let why = news(&["udp/10.0.0.1:53"], &["udp/10.0.0.1:53", "udp/10.0.0.1:80"]).unwrap();
        assert_eq!(why, "udp/10.0.0.1:80: not served: userspace forwards TCP only");
    }

    #[test]
    fn an_instance_on_an_interface_that_is_not_there_is_told_when_it_is_new() {
        let on = |interface: &str| {
            let text = format!(
                "vrrp_instance V {{\ninterface {interface}\nvirtual_router_id 7\nvirtual_ipaddress {{\n10.0.0.1\n}}\n}}\n"
            );
            config::parse("test", &text).configuration.unwrap()
        };
        let told = |old: &str, new: &str| absent(&on(old), &on(new), |name| Some(name == "eth0"));
        assert_eq!(told("eth0", "eth0"), [""; 0]);
        assert_eq!(told("eth9", "eth9"), [""; 0]);
        assert_eq!(told("eth0", "eth9"), ["V: there is no interface eth9 here, so that it is in FAULT until there is"]);
    }

    #[test]
    fn a_missing_scheduler_is_named_unless_it_was_missing_before() {
        let modules = BTreeSet::from(["ip_vs_rr".to_owned(), "ip_vs_wlc".to_owned()]);
        let told = |old: &[_], new: &[_]| unscheduled(&file(old), &file(new), &modules);
        assert_eq!(told(&[(80, "rr")], &[(80, "wlc"), (81, "rr")]), None);
        let why = told(&[(80, "rr")], &[(80, "rr"), (81, "mh")]).unwrap();
        assert!(why.starts_with("tcp/10.0.0.1:81: ") && why.contains("modprobe ip_vs_mh"), "{why}");
        assert!(told(&[(80, "rr")], &[(80, "mh")]).is_some(), "another one than before");
        assert_eq!(told(&[(80, "mh")], &[(80, "mh"), (81, "rr")]), None, "known, and not worse than before");
    }
}
