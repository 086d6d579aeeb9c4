//! `TCP_CHECK`: the connection is accepted. Sends nothing, closes normally.

use super::origin;
use crate::engine::health::Verdict;
use crate::engine::model::CheckSpec;

/// Connects once.
pub(super) async fn connect(check: &CheckSpec) -> Result<(), Verdict> {
    origin::connect(check).await.map(drop)
}

#[cfg(test)]
mod tests {
    use crate::engine::health::{Hindrance, Verdict};
    use crate::engine::io::probe::run;
    use crate::engine::model::{CheckSpec, CheckTiming};
    use std::net::{IpAddr, SocketAddr};
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpSocket};

    fn check(target: SocketAddr, timeout: Duration) -> CheckSpec {
        CheckSpec::tcp(target, CheckTiming { timeout, ..CheckTiming::default() })
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn an_accepted_connection_passes_and_carries_nothing() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(local).await.unwrap();
            let check = check(listener.local_addr().unwrap(), LONG);
            let (result, accepted) = tokio::join!(run(&check), listener.accept());
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
        assert_eq!(run(&check).await, Verdict::Failed("connection refused".to_owned()));
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
            said = run(&check).await;
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
        check.origin.bind = Some(("127.0.0.5".parse::<IpAddr>().unwrap(), 0));
        let (result, accepted) = tokio::join!(run(&check), listener.accept());
        assert!(matches!(result, Verdict::Passed(_)), "{result:?}");
        assert_eq!(accepted.unwrap().1.ip().to_string(), "127.0.0.5");
        check.origin.bind = Some(("192.0.2.1".parse::<IpAddr>().unwrap(), 0));
        let said = run(&check).await;
        let is_local = |h: &Hindrance| h.reason == "bind address 192.0.2.1 is not on this host" && !h.next.is_empty();
        assert!(matches!(&said, Verdict::Unable(hindrance) if is_local(hindrance)), "{said:?}");
    }
}
