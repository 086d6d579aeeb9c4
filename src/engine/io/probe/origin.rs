//! The socket that a check connects from, and what its errors say. What goes wrong before a packet leaves is this host's
//! matter, never the target's.

use super::hindrance;
use crate::engine::health::{Hindrance, Verdict};
use crate::engine::io::socket_option;
use crate::engine::model::{CheckSpec, Origin};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

/// A connection to the target of a check, or the verdict that follows from there being none. Has no time limit.
pub(super) async fn connect(check: &CheckSpec) -> Result<TcpStream, Verdict> {
    let socket = match check.target {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(no_socket)?;
    if check.origin.bind.is_some() {
        socket.set_reuseaddr(true).map_err(no_socket)?;
    }
    prepare(&SockRef::from(&socket), &check.origin)?;
    socket.connect(check.target).await.map_err(|error| judge(check, &error))
}

/// A datagram socket that hears of the target of a check alone.
pub(super) fn datagrams(check: &CheckSpec, kind: Type, protocol: Protocol) -> Result<Socket, Verdict> {
    let socket = Socket::new(Domain::for_address(check.target), kind, Some(protocol)).map_err(no_socket)?;
    socket.set_nonblocking(true).map_err(no_socket)?;
    prepare(&SockRef::from(&socket), &check.origin)?;
    socket.connect(&check.target.into()).map_err(|error| judge(check, &error))?;
    Ok(socket)
}

/// The same for UDP, on the loop. It hears of every ICMP error: the kernel keeps those to itself that may pass (`ip(7)`), and then a
/// target that is gone looks like one that has nothing to say.
pub(super) fn udp(check: &CheckSpec) -> Result<UdpSocket, Verdict> {
    let socket = datagrams(check, Type::DGRAM, Protocol::UDP)?;
    let hear_errors = match check.target {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    };
    socket_option::set(&socket, hear_errors, 1).map_err(no_socket)?;
    UdpSocket::from_std(socket.into()).map_err(no_socket)
}

fn prepare(socket: &SockRef<'_>, origin: &Origin) -> Result<(), Verdict> {
    if origin.mark != 0 {
        socket.set_mark(origin.mark).map_err(|error| {
            unable(format!("can't mark its packets: {}", words(&error)), "let the engine keep CAP_NET_ADMIN")
        })?;
    }
    if let Some(interface) = &origin.interface {
        socket.bind_device(Some(interface.as_bytes())).map_err(|error| {
            let why = match error.raw_os_error() {
                Some(libc::ENODEV) => format!("interface {interface} is not on this host"),
                _ => format!("can't use interface {interface}: {}", words(&error)),
            };
            unable(why, "look at ip link, or change bind_if of the check")
        })?;
    }
    let Some((address, port)) = origin.bind else { return Ok(()) };
    socket.bind(&SocketAddr::new(address, port).into()).map_err(|error| {
        let why = match error.raw_os_error() {
            Some(libc::EADDRNOTAVAIL) => format!("bind address {address} is not on this host"),
            Some(libc::EADDRINUSE) => format!("bind port {port} is in use"),
            _ => format!("can't bind to {address} port {port}: {}", words(&error)),
        };
        unable(why, "add the address to this host (ip addr), or change bindto and bind_port of the check")
    })
}

fn unable(reason: String, next: &'static str) -> Verdict {
    Verdict::Unable(Hindrance { reason, next })
}

#[allow(clippy::needless_pass_by_value)] // for map_err
pub(super) fn no_socket(error: io::Error) -> Verdict {
    let other = || Hindrance { reason: words(&error), next: "look whether this host has the address family" };
    Verdict::Unable(hindrance(&error).unwrap_or_else(other))
}

/// What an error of the connection says. `EACCES` may be of a route, as `EHOSTUNREACH` is: there is no way to the target. Else it is, over
/// IPv6, the answer of a packet filter beyond this host (`icmpv6_err_convert`), and over IPv4 this host's own policy.
pub(super) fn judge(check: &CheckSpec, error: &io::Error) -> Verdict {
    let failed = |why: &str| Verdict::Failed(why.to_owned());
    match error.raw_os_error() {
        Some(libc::EACCES) if is_prohibited(check) => failed("prohibited by a route of this host"),
        Some(libc::EACCES) if check.target.is_ipv6() => failed("prohibited by a packet filter"),
        Some(libc::EINVAL) => {
            failed("no way to it: a blackhole route of this host, or an address without its interface")
        }
        _ => hindrance(error).map_or_else(|| Verdict::Failed(words(error)), Verdict::Unable),
    }
}

/// Whether a route prohibits the way: then it does so to datagrams as well, whose ports no security policy looks at. Nothing is sent.
fn is_prohibited(check: &CheckSpec) -> bool {
    let Ok(socket) = Socket::new(Domain::for_address(check.target), Type::DGRAM, Some(Protocol::UDP)) else {
        return false;
    };
    let origin = Origin { bind: check.origin.bind.map(|(address, _)| (address, 0)), ..check.origin.clone() };
    let refused = |error: io::Error| error.raw_os_error() == Some(libc::EACCES);
    prepare(&SockRef::from(&socket), &origin).is_ok() && socket.connect(&check.target.into()).is_err_and(refused)
}

/// An error as operators say it.
pub(super) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => "connection refused".to_owned(),
        Some(libc::ETIMEDOUT) => "timeout".to_owned(),
        Some(libc::EHOSTUNREACH) => "no route to host".to_owned(),
        Some(libc::ENETUNREACH) => "network unreachable".to_owned(),
        Some(libc::ECONNRESET | libc::EPIPE) => "connection reset".to_owned(),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "connection closed before the answer's end".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::CheckTiming;

    #[test]
    fn a_refusal_of_this_hosts_packet_filter_is_no_verdict_but_an_ipv6_targets_is() {
        let said = |target: &str, number| {
            let check = CheckSpec::tcp(target.parse().unwrap(), CheckTiming::default());
            judge(&check, &io::Error::from_raw_os_error(number))
        };
        // No route prohibits the loopback.
        assert!(matches!(said("127.0.0.1:80", libc::EACCES), Verdict::Unable(_)));
        assert!(matches!(said("[2001:db8::1]:80", libc::EPERM), Verdict::Unable(_)));
        assert!(matches!(said("[2001:db8::1]:80", libc::EACCES), Verdict::Failed(_)));
    }

    #[tokio::test]
    async fn an_interface_that_is_not_there_is_this_hosts_matter() {
        let mut check = CheckSpec::tcp("127.0.0.1:9".parse().unwrap(), CheckTiming::default());
        check.origin.interface = Some("nosuch0".to_owned());
        let said = connect(&check).await.unwrap_err();
        let is_named = |h: &Hindrance| h.reason == "interface nosuch0 is not on this host" && !h.next.is_empty();
        assert!(matches!(&said, Verdict::Unable(hindrance) if is_named(hindrance)), "{said:?}");
    }
}
