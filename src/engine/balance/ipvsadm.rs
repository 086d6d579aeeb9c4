//! Operations in ipvsadm's words (its manual, version 1.31): what an operator would type.

use crate::engine::ipvs::{Destination, IpvsOp, Service};
use crate::engine::model::{Family, ServiceKey, scheduler_flag_names};
use std::fmt::Write;

/// The command that does what the operation does.
pub(super) fn ipvsadm(op: &IpvsOp) -> String {
    let service = op.service().ipvsadm_option();
    match op {
        IpvsOp::NewService(key, new) => format!("ipvsadm -A {service}{}", service_options(key, new)),
        IpvsOp::SetService(key, new) => format!("ipvsadm -E {service}{}", service_options(key, new)),
        IpvsOp::DelService(_) => format!("ipvsadm -D {service}"),
        IpvsOp::NewDestination(_, server, new) => format!("ipvsadm -a {service} -r {server}{}", server_options(new)),
        IpvsOp::SetDestination(_, server, new) => format!("ipvsadm -e {service} -r {server}{}", server_options(new)),
        IpvsOp::DelDestination(_, server) => format!("ipvsadm -d {service} -r {server}"),
    }
}

fn server_options(new: &Destination) -> String {
    let option = new.forwarding.ipvsadm_option();
    let mut text = format!(" {option} -w {}{}", new.weight, new.tunnel.ipvsadm_options());
    if new.upper_threshold > 0 || new.lower_threshold > 0 {
        let _ = write!(text, " -x {} -y {}", new.upper_threshold, new.lower_threshold);
    }
    text
}

fn service_options(key: &ServiceKey, new: &Service) -> String {
    let mut text = format!(" -s {}", new.scheduler);
    if let Some(persistence) = new.persistence {
        let _ = write!(text, " -p {}", persistence.timeout);
        match key.family() {
            Family::Inet if let Some(mask) = new.odd_mask => {
                let _ = write!(text, " -M {mask}");
            }
            Family::Inet if persistence.prefix < 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(persistence.prefix)).unwrap_or(0);
                let _ = write!(text, " -M {}", std::net::Ipv4Addr::from_bits(mask));
            }
            Family::Inet6 if persistence.prefix < 128 => {
                let _ = write!(text, " -M {}", persistence.prefix);
            }
            Family::Inet | Family::Inet6 => {}
        }
    }
    if new.scheduler_flags != 0 {
        let _ = write!(text, " -b {}", scheduler_flag_names(new.scheduler_flags, &new.scheduler));
    }
    if new.one_packet {
        text += " -o";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ipvs::Traffic;
    use crate::engine::model::{Checksum, Forwarding, Persistence, Tunnel, Weight};
    use std::collections::BTreeMap;

    #[test]
    fn every_operation_has_its_command() {
        let web: ServiceKey = "tcp/10.0.0.1:80".parse().unwrap();
        let mark: ServiceKey = "fwmark6/8".parse().unwrap();
        let a = "10.0.0.71:80".parse().unwrap();
        let service = |prefix, one_packet| {
            Box::new(Service {
                scheduler: "wrr".to_owned(),
                persistence: Some(Persistence { timeout: 300, prefix }),
                odd_mask: None,
                one_packet,
                scheduler_flags: 0,
                engine: None,
                destinations: BTreeMap::new(),
                traffic: Traffic::default(),
            })
        };
        let server = Destination {
            forwarding: Forwarding::Tun,
            tunnel: Tunnel::Ipip,
            weight: Weight::new(3).unwrap(),
            upper_threshold: 100,
            lower_threshold: 80,
            active: 0,
            inactive: 0,
            persistent: 0,
            traffic: Traffic::default().into(),
        };
        let tunnel = Tunnel::Gue { port: 6080, checksum: Checksum::Remote };
        let tunnelled = Destination { tunnel, ..server.clone() };
        let odd = Box::new(Service { odd_mask: Some([0, 0, 0, 24].into()), ..*service(0, false) });
        for (op, command) in [
            (IpvsOp::NewService(web, service(24, false)), "ipvsadm -A -t 10.0.0.1:80 -s wrr -p 300 -M 255.255.255.0"),
            (IpvsOp::NewService(web, service(32, true)), "ipvsadm -A -t 10.0.0.1:80 -s wrr -p 300 -o"),
            (IpvsOp::SetService(mark, service(64, false)), "ipvsadm -E -f 8 -6 -s wrr -p 300 -M 64"),
            (
                IpvsOp::SetService(
                    mark,
                    Box::new(Service { scheduler: "mh".to_owned(), scheduler_flags: 0x18, ..*service(128, false) }),
                ),
                "ipvsadm -E -f 8 -6 -s mh -p 300 -b mh-fallback,mh-port",
            ),
            (IpvsOp::DelService(mark), "ipvsadm -D -f 8 -6"),
            (
                IpvsOp::NewDestination(web, a, server.clone()),
                "ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.71:80 -i -w 3 -x 100 -y 80",
            ),
            (IpvsOp::SetDestination(web, a, server), "ipvsadm -e -t 10.0.0.1:80 -r 10.0.0.71:80 -i -w 3 -x 100 -y 80"),
            (
                IpvsOp::NewDestination(web, a, tunnelled),
                "ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.71:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-remcsum -x 100 -y 80",
            ),
            (IpvsOp::NewService(web, odd), "ipvsadm -A -t 10.0.0.1:80 -s wrr -p 300 -M 0.0.0.24"),
            (IpvsOp::DelDestination(web, a), "ipvsadm -d -t 10.0.0.1:80 -r 10.0.0.71:80"),
        ] {
            assert_eq!(ipvsadm(&op), command);
        }
    }
}
