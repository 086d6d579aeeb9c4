//! The addresses of this host, of both families, as anybody may read them.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every address on any interface of this network namespace.
#[allow(unsafe_code)]
pub fn read() -> io::Result<HashSet<IpAddr>> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs writes one pointer to where we say, and nothing when it fails.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = HashSet::new();
    let mut next = first;
    // SAFETY: the list is valid until it is freed below, and each entry's successor is in it or null.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: an entry's address is null or a sockaddr of the family that it names.
        found.extend(unsafe { address(entry.ifa_addr) });
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
        assert!(read().unwrap().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
