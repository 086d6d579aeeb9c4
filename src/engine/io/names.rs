//! Names of hosts and ports, as the system's resolver has them (`/etc/services`, `/etc/hosts`, DNS).
//!
//! Each call may block as long as the resolver takes. Nothing is remembered here.

use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, ToSocketAddrs};

/// The port that a service name stands for; `protocol` is `tcp`, `udp` or `sctp`.
pub fn port_of(name: &str, protocol: &str) -> Option<u16> {
    let (name, protocol) = (CString::new(name).ok()?, CString::new(protocol).ok()?);
    // SAFETY: both are NUL-terminated and live over the call; the result is static storage of libc that is read at once,
    // by the only thread that asks for services.
    #[allow(unsafe_code)]
    let entry = unsafe { libc::getservbyname(name.as_ptr(), protocol.as_ptr()).as_ref()? };
    u16::try_from(entry.s_port).ok().map(u16::from_be)
}

/// The name of a port; `protocol` is `tcp`, `udp` or `sctp`.
pub fn name_of_port(port: u16, protocol: &str) -> Option<String> {
    let protocol = CString::new(protocol).ok()?;
    // SAFETY: as in `port_of`; the name is copied before anything else is asked.
    #[allow(unsafe_code)]
    let name = unsafe {
        let entry = libc::getservbyport(i32::from(port.to_be()), protocol.as_ptr()).as_ref()?;
        CStr::from_ptr(entry.s_name)
    };
    Some(name.to_string_lossy().into_owned())
}

/// The first IPv4 address of a host, or its first address at all.
pub fn address_of(host: &str) -> Option<IpAddr> {
    let found: Vec<IpAddr> = (host, 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect();
    found.iter().find(|address| address.is_ipv4()).or(found.first()).copied()
}

/// The name of a host, from its IPv4 address.
pub fn name_of_host(address: Ipv4Addr) -> Option<String> {
    let address = socket2::SockAddr::from(SocketAddrV4::new(address, 0));
    let mut name = [0; 1025]; // NI_MAXHOST
    // SAFETY: the address and its length belong together; `name` has the length that is told, and libc ends what it wrote
    // with a NUL within it.
    #[allow(unsafe_code)]
    let result = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            name.as_mut_ptr(),
            libc::socklen_t::try_from(name.len()).ok()?,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    let bytes: Vec<u8> = name.iter().map(|c| c.cast_unsigned()).collect();
    let name = CStr::from_bytes_until_nul(&bytes).ok()?;
    (result == 0).then(|| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_its_name_by_protocol() {
        assert_eq!((port_of("http", "tcp"), name_of_port(80, "tcp").as_deref()), (Some(80), Some("http")));
        assert_eq!((port_of("no-such-service", "tcp"), name_of_port(1, "sctp")), (None, None));
    }

    #[test]
    fn the_loopback_address_has_a_name_and_names_have_addresses() {
        assert_eq!(name_of_host(Ipv4Addr::LOCALHOST).as_deref(), Some("localhost"));
        assert_eq!(address_of("localhost"), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
