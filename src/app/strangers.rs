//! Who advertises the instances of a file already, heard before the console starts an engine on it.
//!
//! The partner of a pair is to be heard: it is shown. A stranger is another matter: one that speaks with an address of this
//! host (a director in a container, a machine with the same address, a program of another name), or one that the file's
//! `unicast_peer` does not name. With it, two masters would hold the addresses.

use crate::engine::io::host_addresses;
use crate::engine::io::vrrp_listener::VrrpListener;
use crate::engine::model::{Configuration, Family, Transport, VirtualRouter};
use crate::engine::vrrp::{Overheard, overhear};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Nobody waits longer than this for his console.
const PATIENCE: Duration = Duration::from_secs(2);
/// An advertisement may come this much after its time.
const LATE: Duration = Duration::from_millis(100);

/// An advertisement of one of the file's instances.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    router: &'a VirtualRouter,
    said: Overheard,
    /// Sent by this host.
    ours: bool,
}

/// Listens for one interval of the slowest instance, two seconds at most; nothing is sent. Empty without `CAP_NET_RAW`.
pub(super) fn listen(configuration: &Configuration) -> Vec<Voice<'_>> {
    let routers = &configuration.virtual_routers;
    let mut heard: Vec<Voice> = Vec::new();
    let Some(interval) = routers.iter().map(|router| router.advert_interval.duration()).max() else { return heard };
    let end = Instant::now() + (interval + LATE).min(PATIENCE);
    let Ok(mut listener) = VrrpListener::open(LATE) else { return heard };
    while Instant::now() < end {
        let passed = match listener.receive() {
            Ok(Some(passed)) => passed,
            Ok(None) => continue,
            Err(_) => break,
        };
        let Some(said) = overhear(passed.packet) else { continue };
        let speaks_of = |router: &&VirtualRouter| {
            (router.interface.as_str(), router.vrid.get(), router.family)
                == (passed.interface.as_str(), said.vrid, Family::of(said.source))
        };
        let Some(router) = routers.iter().find(speaks_of) else { continue };
        heard.retain(|voice| !(voice.router.name == router.name && voice.said.source == said.source));
        heard.push(Voice { router, said, ours: passed.ours });
    }
    heard
}

/// Why no engine must start beside these.
pub(super) fn objection(heard: &[Voice]) -> Option<String> {
    let own = host_addresses::read().unwrap_or_default();
    let stranger = heard.iter().find(|voice| voice.is_strange(&own))?;
    let Voice { router, said, .. } = stranger;
    let who = if stranger.ours || own.contains(&said.source) {
        format!("{} is an address of this host, and somebody advertises with it", said.source)
    } else {
        format!("{} advertises, and unicast_peer does not name it:", said.source)
    };
    Some(format!(
        "{who} VRID {} on {} ({}), priority {}: started beside it, both would be master; look at it (lvsdeck watch), take \
         keepalived's place (lvsdeck adopt), or end it first",
        said.vrid, router.interface, router.name, said.priority
    ))
}

/// Who is heard as master of this instance, for a person who decides.
pub(super) fn master_of(heard: &[Voice], router: &VirtualRouter) -> Option<String> {
    let masters = heard.iter().filter(|voice| voice.router.name == router.name && voice.said.priority > 0);
    let said = &masters.max_by_key(|voice| voice.said.priority)?.said;
    Some(format!("{} is heard as master, priority {}", said.source, said.priority))
}

impl Voice<'_> {
    fn is_strange(&self, own: &HashSet<IpAddr>) -> bool {
        let unnamed = match &self.router.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast(unicast) => unicast.peers.iter().all(|peer| peer.address != self.said.source),
        };
        self.ours || own.contains(&self.said.source) || unnamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config;

    const FILE: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 100\n PEERS \
                        virtual_ipaddress {\n 10.0.0.1\n }\n}\n";

    fn strange(peers: &str, source: &str, ours: bool) -> Option<String> {
        let configuration = config::parse("test.conf", &FILE.replace("PEERS", peers)).configuration.unwrap();
        let router = &configuration.virtual_routers[0];
        let said = Overheard {
            source: source.parse().unwrap(),
            version: 2,
            vrid: 51,
            priority: 150,
            interval: Duration::from_secs(1),
            addresses: Vec::new(),
            fault: None,
        };
        let heard = [Voice { router, said, ours }];
        assert!(master_of(&heard, router).unwrap().contains("priority 150"));
        objection(&heard)
    }

    #[test]
    fn a_partner_is_no_stranger_but_who_speaks_as_this_host_or_is_not_named_is_one() {
        assert_eq!(strange("", "192.0.2.12", false), None);
        for (peers, source, ours) in [("", "192.0.2.12", true), ("", "127.0.0.1", false)] {
            let said = strange(peers, source, ours).unwrap();
            assert!(said.contains("VRID 51 on eth0 (VI_1)") && said.contains("lvsdeck watch"), "{said}");
        }
        let unicast = "unicast_src_ip 192.0.2.11\n unicast_peer {\n 192.0.2.12\n }\n";
        assert_eq!(strange(unicast, "192.0.2.12", false), None);
        assert!(strange(unicast, "192.0.2.13", false).unwrap().contains("unicast_peer does not name it"));
    }
}
