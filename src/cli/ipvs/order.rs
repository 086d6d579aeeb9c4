//! The order in which ipvsadm lists: services by mark, family, protocol, address and port; real servers by address and port.
//!
//! ipvsadm compares marks and the words of an address by the sign of their 32-bit difference. That is no order (of three
//! addresses each may stand before the next), so the result depends on how one sorts: it is the merge sort below, which
//! is found by comparing lists of hard cases with ipvsadm's.

use crate::engine::{Family, Protocol, RealServerKey, ServerEntry, ServiceEntry, ServiceKey};
use std::cmp::Ordering;
use std::net::IpAddr;

/// The places of services in ipvsadm's order.
pub fn of_services(services: &[ServiceEntry]) -> Vec<usize> {
    let places = services.iter().enumerate().map(|(at, service)| (at, service.key)).collect();
    merge_sort(places, &|(_, a), (_, b)| by_service(a, b)).into_iter().map(|(at, _)| at).collect()
}

/// The real servers of a service in ipvsadm's order.
pub fn sort_servers(servers: &mut Vec<ServerEntry>) {
    *servers = merge_sort(std::mem::take(servers), &|a, b| by_server(a.key, b.key));
}

fn by_service(a: &ServiceKey, b: &ServiceKey) -> Ordering {
    let mark = |key: &ServiceKey| match key {
        ServiceKey::FwMark { mark, .. } => *mark,
        ServiceKey::Address { .. } => 0,
    };
    let protocol = |key: &ServiceKey| match key {
        ServiceKey::FwMark { .. } => 0,
        ServiceKey::Address { protocol: Protocol::Tcp, .. } => 6,
        ServiceKey::Address { protocol: Protocol::Udp, .. } => 17,
        ServiceKey::Address { protocol: Protocol::Sctp, .. } => 132,
    };
    by_difference(mark(a), mark(b))
        .then_with(|| (a.family() == Family::Inet6).cmp(&(b.family() == Family::Inet6)))
        .then_with(|| protocol(a).cmp(&protocol(b)))
        .then_with(|| match (a, b) {
            (ServiceKey::Address { address: a, .. }, ServiceKey::Address { address: b, .. }) => {
                by_server((*a).into(), (*b).into())
            }
            (ServiceKey::FwMark { .. }, _) | (_, ServiceKey::FwMark { .. }) => Ordering::Equal,
        })
}

fn by_server(a: RealServerKey, b: RealServerKey) -> Ordering {
    let words = words(a.0.ip()).into_iter().zip(words(b.0.ip()));
    let address = words.map(|(a, b)| by_difference(a, b)).find(|order| *order != Ordering::Equal);
    address.unwrap_or(Ordering::Equal).then_with(|| a.0.port().cmp(&b.0.port()))
}

/// An address as four words, of which IPv4 has one.
fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(address) => [address.into(), 0, 0, 0],
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            [96, 64, 32, 0].map(|shift| u32::try_from(bits >> shift & u128::from(u32::MAX)).unwrap_or(0))
        }
    }
}

const fn by_difference(a: u32, b: u32) -> Ordering {
    match a.wrapping_sub(b).cast_signed() {
        0 => Ordering::Equal,
        negative if negative < 0 => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// Halves, each sorted, merged; of equals the left one first. Ends in any comparison, be it an order or not.
fn merge_sort<T>(mut list: Vec<T>, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if list.len() < 2 {
        return list;
    }
    let right = list.split_off(list.len() / 2);
    let mut sorted = Vec::with_capacity(list.len() + right.len());
    let mut left = merge_sort(list, compare).into_iter().peekable();
    let mut right = merge_sort(right, compare).into_iter().peekable();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let first = if compare(a, b) == Ordering::Greater { right.next() } else { left.next() };
        sorted.extend(first);
    }
    sorted.extend(left);
    sorted.extend(right);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Seen in ipvsadm 1.31 (Debian 12) on Linux 6.1.176: the kernel's order, and what `-Ln` made of it.
    #[test]
    fn real_servers_stand_as_ipvsadm_lists_them() {
        let kernel = "137.0.0.2:8 138.0.0.2:8 32.1.13.185:8 32.1.13.183:8 172.16.0.2:8 192.168.0.2:8 10.0.0.2:8 \
            10.0.0.2:40000 10.0.0.2:90 10.0.0.2:80 [9000:2::]:80 [a00:2::]:80 [a00:1::2]:80 [fd00:9000::2]:80 \
            [fd00:0:0:1::2]:80 [fd00::2]:80 [fd00::9000:1]:80 [fd00::9000:0]:80 [fd00::1:0]:80 [2001:db8::1]:80";
        let listed = "137.0.0.2:8 138.0.0.2:8 [9000:2::]:80 172.16.0.2:8 192.168.0.2:8 [fd00::9000:0]:80 \
            [fd00::9000:1]:80 [fd00::2]:80 [fd00::1:0]:80 [fd00:0:0:1::2]:80 [fd00:9000::2]:80 [a00:1::2]:80 10.0.0.2:8 \
            10.0.0.2:80 [a00:2::]:80 10.0.0.2:90 10.0.0.2:40000 32.1.13.183:8 [2001:db8::1]:80 32.1.13.185:8";
        let keys = |text: &str| text.split_whitespace().map(|key| key.parse().unwrap()).collect::<Vec<RealServerKey>>();
        assert_eq!(merge_sort(keys(kernel), &|a, b| by_server(*a, *b)), keys(listed));
    }

    #[test]
    fn services_stand_as_ipvsadm_lists_them() {
        let kernel = "tcp/[9000::2]:40000 tcp/10.0.0.1:40000 udp/10.0.0.1:40000 tcp/[2001:db8::1]:80 tcp/[9000::2]:80 \
            tcp/[fd00:9000::2]:80 tcp/[fd00::2]:80 tcp/[fd00:0:0:1::2]:80 tcp/[fd00::9000:0]:80 tcp/[fd00::1:0]:80 \
            tcp/1.168.0.1:80 tcp/140.168.0.1:80 tcp/192.168.0.1:80 tcp/10.0.0.1:80 tcp/[::1]:80 sctp/10.0.0.1:40000 \
            sctp/[9000::2]:40000 tcp/[9000::2]:90 udp/[9000::2]:80 fwmark/2147483647 fwmark/2147483648 \
            fwmark6/2147483649 fwmark6/1 fwmark/1";
        let listed = "fwmark6/2147483649 tcp/140.168.0.1:80 tcp/192.168.0.1:80 tcp/1.168.0.1:80 tcp/10.0.0.1:80 \
            tcp/10.0.0.1:40000 udp/10.0.0.1:40000 sctp/10.0.0.1:40000 tcp/[9000::2]:90 tcp/[fd00::9000:0]:80 \
            tcp/[fd00::2]:80 tcp/[fd00::1:0]:80 tcp/[fd00:0:0:1::2]:80 tcp/[::1]:80 tcp/[2001:db8::1]:80 \
            tcp/[9000::2]:80 tcp/[9000::2]:40000 tcp/[fd00:9000::2]:80 udp/[9000::2]:80 sctp/[9000::2]:40000 fwmark/1 \
            fwmark6/1 fwmark/2147483647 fwmark/2147483648";
        let keys = |text: &str| text.split_whitespace().map(|key| key.parse().unwrap()).collect::<Vec<ServiceKey>>();
        assert_eq!(merge_sort(keys(kernel), &by_service), keys(listed));
    }

    proptest! {
        #[test]
        fn a_real_order_is_sorted(list: Vec<u8>) {
            let mut sorted = list.clone();
            sorted.sort_unstable();
            prop_assert_eq!(merge_sort(list, &Ord::cmp), sorted);
        }
    }
}
