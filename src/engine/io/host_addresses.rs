//! The addresses of this host, of both families, and its links, as anybody may read them.

use std::collections::{BTreeMap, HashSet};
use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is on the interfaces of this network namespace.
#[derive(Debug, Default)]
pub struct Interfaces {
    /// Every address on any of them.
    pub addresses: HashSet<IpAddr>,
    /// Each by its name, and whether it is up and has a carrier (`IFF_UP` and `IFF_RUNNING`).
    pub links: BTreeMap<String, bool>,
}

/// Every address on any interface of this network namespace.
pub fn read() -> io::Result<HashSet<IpAddr>> {
    interfaces().map(|interfaces| interfaces.addresses)
}

/// The addresses and the links of this network namespace.
#[allow(unsafe_code)]
pub fn interfaces() -> io::Result<Interfaces> {
    const RUNS: u32 = (libc::IFF_UP | libc::IFF_RUNNING).cast_unsigned();
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs writes one pointer to where we say, and nothing when it fails.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Interfaces::default();
    let mut next = first;
    // SAFETY: the list is valid until it is freed below, and each entry's successor is in it or null.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: an entry's address is null or a sockaddr of the family that it names.
        found.addresses.extend(unsafe { address(entry.ifa_addr) });
        // SAFETY: an entry's name is a string that ends with a zero byte, as long as the list is valid.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        // An address may have a label behind the name, `eth0:1`.
        let name = name.to_string_lossy().split(':').next().unwrap_or_default().to_owned();
        found.links.insert(name, entry.ifa_flags & RUNS == RUNS);
        next = entry.ifa_next;
    }
    // SAFETY: the list came from getifaddrs, and nothing of it is kept.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// # Safety
/// `socket_address` is null or points to a sockaddr of the family that it names.
#[allow(unsafe_code)]
#[allow(clippy::cast_ptr_alignment)] // the C library gives storage that is aligned for every sockaddr
unsafe fn address(socket_address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: by the caller's word.
    let family = unsafe { socket_address.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is this struct.
            let address = unsafe { &*socket_address.cast::<libc::sockaddr_in>() };
            Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr))))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is this struct.
            let address = unsafe { &*socket_address.cast::<libc::sockaddr_in6>() };
            Some(IpAddr::V6(Ipv6Addr::from(address.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_on_this_host() {
        let found = interfaces().unwrap();
        assert!(found.addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(found.links.get("lo"), Some(&true));
    }
}
