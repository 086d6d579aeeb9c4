//! Whether the kernel would take a service, found out beside the services that are there: it is made with all of its destinations
//! behind a firewall mark that no packet has, and taken away again.

use crate::engine::ipvs::{IpvsOp, Refusal, RefusalKind, Service};
use crate::engine::model::ServiceKey;

/// A mark that is nobody's.
const MARK: u32 = u32::MAX - 0x5d;

/// Tries it with `apply`. Errors: the first refusal, as one of the service itself.
pub(super) fn by_a_mark(
    mut apply: impl FnMut(&IpvsOp) -> Result<(), Refusal>,
    key: ServiceKey,
    service: &Service,
) -> Result<(), Refusal> {
    let place = ServiceKey::FwMark { mark: MARK, family: key.family() };
    let words = |refusal: Refusal, op: &IpvsOp| match refusal.kind {
        RefusalKind::NoIpvs | RefusalKind::NotPermitted | RefusalKind::TimedOut => refusal,
        kind => Refusal::of(kind, op),
    };
    let mut made = apply(&IpvsOp::NewService(place, Box::new(service.settings())));
    if matches!(&made, Err(refusal) if refusal.kind == RefusalKind::Exists) {
        // An engine that died in the middle of a trial left it behind.
        apply(&IpvsOp::DelService(place))?;
        made = apply(&IpvsOp::NewService(place, Box::new(service.settings())));
    }
    if let Err(refusal) = made {
        if refusal.kind == RefusalKind::TimedOut {
            _ = apply(&IpvsOp::DelService(place)); // it may have been made
        }
        return Err(words(refusal, &IpvsOp::NewService(key, Box::new(service.settings()))));
    }
    let tried = service.destinations.iter().try_for_each(|(server, new)| {
        apply(&IpvsOp::NewDestination(place, *server, new.clone()))
            .map_err(|refusal| words(refusal, &IpvsOp::NewDestination(key, *server, new.clone())))
    });
    let gone = apply(&IpvsOp::DelService(place));
    tried.and(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::io::ipvs_netlink::IpvsKernel;
    use crate::engine::io::simulated::SimulatedIpvs;
    use crate::engine::ipvs::Destination;
    use crate::engine::ipvs::fixture::{destination, key, server, service};

    #[test]
    fn what_would_be_refused_is_told_of_the_real_service_and_nothing_stays() {
        let mut kernel = SimulatedIpvs::default();
        let web = key("tcp/10.0.0.1:80");
        let with = |settings: Destination| Service {
            destinations: [(server("10.0.0.71:80"), settings)].into(),
            ..service("rr")
        };
        kernel.would_take(web, &with(destination(1))).unwrap();
        let left = ServiceKey::FwMark { mark: MARK, family: web.family() };
        kernel.edit(|table| table.services.insert(left, service("rr")));
        let why = kernel.would_take(web, &service("foo")).unwrap_err();
        assert!(why.message.starts_with("can't add service tcp/10.0.0.1:80: the kernel has no scheduler"), "{why}");
        let wrong = Destination { lower_threshold: 5, upper_threshold: 2, ..destination(1) };
        let why = kernel.would_take(web, &with(wrong)).unwrap_err();
        assert!(why.message.starts_with("can't add real server 10.0.0.71:80 to tcp/10.0.0.1:80"), "{why}");
        assert!(kernel.edit(|table| table.services.is_empty()));
    }
}
