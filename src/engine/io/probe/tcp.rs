//! `TCP_CHECK`: the connection is accepted. Sends nothing, closes normally.

use crate::engine::model::TcpCheck;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

/// Connects once; gives the time until the connection stood.
///
/// # Errors
/// `timeout` after `check.timing.timeout`; otherwise the system's reason in a few words.
pub async fn connect(check: &TcpCheck) -> Result<Duration, String> {
    let started = Instant::now();
    let attempt = async {
        let socket = match check.target {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        if let Some((address, port)) = check.bind {
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::new(address, port))?;
        }
        socket.connect(check.target).await
    };
    match timeout(check.timing.timeout, attempt).await {
        Ok(Ok(_stream)) => Ok(started.elapsed()),
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err("timeout".to_owned()),
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
        Some(libc::EADDRNOTAVAIL) => "bind address is not on this host".to_owned(),
        Some(libc::EADDRINUSE) => "bind port is in use".to_owned(),
        Some(libc::EACCES | libc::EPERM) => "not permitted by the local system".to_owned(),
        Some(libc::EMFILE | libc::ENFILE) => "no free file descriptor on this host".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::CheckTiming;
    use std::net::IpAddr;
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
            assert!(result.unwrap() < LONG);
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
        assert_eq!(connect(&check).await, Err("connection refused".to_owned()));
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_says_timeout() {
        // A listener whose queue is full drops further requests without a word.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let check = check(listener.local_addr().unwrap(), Duration::from_millis(50));
        let mut queued = Vec::new();
        let mut said = Ok(Duration::ZERO);
        for _ in 0..64 {
            said = connect(&check).await;
            if said.is_err() {
                break;
            }
            queued.push(tokio::net::TcpStream::connect(check.target).await);
        }
        assert_eq!(said, Err("timeout".to_owned()));
    }

    #[tokio::test]
    async fn it_connects_from_the_bind_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut check = check(listener.local_addr().unwrap(), LONG);
        check.bind = Some(("127.0.0.5".parse::<IpAddr>().unwrap(), 0));
        let (result, accepted) = tokio::join!(connect(&check), listener.accept());
        assert!(result.is_ok());
        assert_eq!(accepted.unwrap().1.ip().to_string(), "127.0.0.5");
        check.bind = Some(("192.0.2.1".parse::<IpAddr>().unwrap(), 0));
        assert_eq!(connect(&check).await, Err("bind address is not on this host".to_owned()));
    }
}
