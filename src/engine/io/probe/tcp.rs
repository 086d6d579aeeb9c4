//! `TCP_CHECK`: the connection is accepted. Sends nothing, closes normally.

use super::hindrance;
use crate::engine::health::{Hindrance, Verdict};
use crate::engine::model::TcpCheck;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

/// Connects once; `timeout` is the verdict after `check.timing.timeout`.
pub async fn connect(check: &TcpCheck) -> Verdict {
    let started = Instant::now();
    let socket = match socket(check) {
        Ok(socket) => socket,
        Err(hindrance) => return Verdict::Unable(hindrance),
    };
    match timeout(check.timing.timeout, socket.connect(check.target)).await {
        Ok(Ok(_stream)) => Verdict::Passed(started.elapsed()),
        Ok(Err(error)) => judge(check, &error),
        Err(_) => Verdict::Failed("timeout".to_owned()),
    }
}

/// A socket at the address to connect from. What goes wrong with it is this host's matter.
fn socket(check: &TcpCheck) -> Result<TcpSocket, Hindrance> {
    let socket = match check.target {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(|error| {
        let other = || Hindrance { reason: words(&error), next: "look whether this host has the address family" };
        hindrance(&error).unwrap_or_else(other)
    })?;
    if let Some((address, port)) = check.bind {
        let bound = socket.set_reuseaddr(true).and_then(|()| socket.bind(SocketAddr::new(address, port)));
        bound.map_err(|error| Hindrance {
            reason: match error.raw_os_error() {
                Some(libc::EADDRNOTAVAIL) => format!("bind address {address} is not on this host"),
                Some(libc::EADDRINUSE) => format!("bind port {port} is in use"),
                _ => format!("can't bind to {address} port {port}: {}", words(&error)),
            },
            next: "add the address to this host (ip addr), or change bindto and bind_port of the check",
        })?;
    }
    Ok(socket)
}

/// What an error of the connection says. Over IPv6 a target's own packet filter answers "prohibited", which arrives as
/// `EACCES` (`icmpv6_err_convert`): that is the target's.
fn judge(check: &TcpCheck, error: &io::Error) -> Verdict {
    let prohibited = check.target.is_ipv6() && error.raw_os_error() == Some(libc::EACCES);
    match hindrance(error).filter(|_| !prohibited) {
        Some(hindrance) => Verdict::Unable(hindrance),
        None if prohibited => Verdict::Failed("prohibited by a packet filter".to_owned()),
        None => Verdict::Failed(words(error)),
    }
}

/// An error as operators say it.
fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => "connection refused".to_owned(),
        Some(libc::ETIMEDOUT) => "timeout".to_owned(),
        Some(libc::EHOSTUNREACH) => "no route to host".to_owned(),
        Some(libc::ENETUNREACH) => "network unreachable".to_owned(),
        Some(libc::ECONNRESET) => "connection reset".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::CheckTiming;
    use std::net::IpAddr;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    fn check(target: SocketAddr, timeout: Duration) -> TcpCheck {
        TcpCheck { target, bind: None, timing: CheckTiming { timeout, ..CheckTiming::default() } }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn an_accepted_connection_passes_and_carries_nothing() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(local).await.unwrap();
            let check = check(listener.local_addr().unwrap(), LONG);
            let (result, accepted) = tokio::join!(connect(&check), listener.accept());
            assert!(matches!(result, Verdict::Passed(took) if took < LONG), "{result:?}");
            let mut sent = Vec::new();
            accepted.unwrap().0.read_to_end(&mut sent).await.expect("it is closed normally, not reset");
            assert!(sent.is_empty());
        }
    }

    #[tokio::test]
    async fn a_closed_port_says_connection_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let check = check(listener.local_addr().unwrap(), LONG);
        drop(listener);
        assert_eq!(connect(&check).await, Verdict::Failed("connection refused".to_owned()));
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_says_timeout() {
        // A listener whose queue is full drops further requests without a word.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let check = check(listener.local_addr().unwrap(), Duration::from_millis(50));
        let mut queued = Vec::new();
        let mut said = Verdict::Passed(Duration::ZERO);
        for _ in 0..64 {
            said = connect(&check).await;
            if !matches!(said, Verdict::Passed(_)) {
                break;
            }
            queued.push(tokio::net::TcpStream::connect(check.target).await);
        }
        assert_eq!(said, Verdict::Failed("timeout".to_owned()));
    }

    #[tokio::test]
    async fn it_connects_from_the_bind_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut check = check(listener.local_addr().unwrap(), LONG);
        check.bind = Some(("127.0.0.5".parse::<IpAddr>().unwrap(), 0));
        let (result, accepted) = tokio::join!(connect(&check), listener.accept());
        assert!(matches!(result, Verdict::Passed(_)), "{result:?}");
        assert_eq!(accepted.unwrap().1.ip().to_string(), "127.0.0.5");
        check.bind = Some(("192.0.2.1".parse::<IpAddr>().unwrap(), 0));
        let said = connect(&check).await;
        let is_local = |h: &Hindrance| h.reason == "bind address 192.0.2.1 is not on this host" && !h.next.is_empty();
        assert!(matches!(&said, Verdict::Unable(hindrance) if is_local(hindrance)), "{said:?}");
    }

    #[test]
    fn a_refusal_of_this_hosts_packet_filter_is_no_verdict_but_an_ipv6_targets_is() {
        let said =
            |target: &str, number| judge(&check(target.parse().unwrap(), LONG), &io::Error::from_raw_os_error(number));
        assert!(matches!(said("192.0.2.1:80", libc::EACCES), Verdict::Unable(_)));
        assert!(matches!(said("[2001:db8::1]:80", libc::EPERM), Verdict::Unable(_)));
        assert!(matches!(said("[2001:db8::1]:80", libc::EACCES), Verdict::Failed(_)));
    }
}
