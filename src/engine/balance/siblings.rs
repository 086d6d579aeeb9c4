//! The checks of a server that an operator added: those that all the others of its service have.

use super::service::ServiceState;
use crate::engine::model::{CheckKind, CheckSpec, Endpoint, RealServer, RealServerKey};
use std::net::SocketAddr;
use std::sync::Arc;

/// What `file`'s servers are all asked, asked of `key`. Nothing where they differ, or where a check is bound to its server in
/// another way than by its address: a script, a file, `connect_ip`.
pub(super) fn checks<'a>(mut file: impl Iterator<Item = &'a RealServer>, key: &RealServerKey) -> Vec<Arc<CheckSpec>> {
    let Some(checks) = file.next().and_then(|first| of(first, key)) else { return Vec::new() };
    let is_same = file.all(|other| of(other, key).as_ref() == Some(&checks));
    if is_same { checks } else { Vec::new() }
}

fn of(sibling: &RealServer, key: &RealServerKey) -> Option<Vec<Arc<CheckSpec>>> {
    sibling.checks.iter().map(|check| moved(check, sibling.key.0, key.0).map(Arc::new)).collect()
}

fn moved(check: &CheckSpec, from: Endpoint, to: Endpoint) -> Option<CheckSpec> {
    let is_bound = match &check.kind {
        CheckKind::Misc(_) | CheckKind::File(_) => true,
        CheckKind::Tcp
        | CheckKind::Http(_)
        | CheckKind::Smtp { .. }
        | CheckKind::Dns { .. }
        | CheckKind::Udp(_)
        | CheckKind::Ping => check.target.ip() != from.ip(),
    };
    let port = if check.target.port() == from.port() { to.port() } else { check.target.port() };
    (!is_bound && from.ip().is_ipv4() == to.ip().is_ipv4())
        .then(|| CheckSpec { target: SocketAddr::new(to.ip(), port), ..check.clone() })
}

impl ServiceState {
    /// See [`checks`].
    pub fn checks_of_siblings(&self, key: &RealServerKey) -> Vec<Arc<CheckSpec>> {
        checks(self.servers.iter().filter(|server| !server.added).map(|server| &server.config), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::CheckTiming;

    fn server(key: &str, targets: &[&str]) -> RealServer {
        let check = |target: &&str| Arc::new(CheckSpec::tcp(target.parse().unwrap(), CheckTiming::default()));
        RealServer { checks: targets.iter().map(check).collect(), ..RealServer::new(key.parse().unwrap()) }
    }

    #[test]
    fn an_added_server_is_asked_what_all_its_siblings_are_asked() {
        let key = "10.0.0.9:81".parse().unwrap();
        for (siblings, wanted) in [
            (vec![], vec![]),
            (vec![server("10.0.0.1:80", &[])], vec![]),
            (vec![server("10.0.0.1:80", &["10.0.0.1:80"])], vec!["10.0.0.9:81"]),
            (vec![server("10.0.0.1:80", &["10.0.0.1:8080"])], vec!["10.0.0.9:8080"]),
            (
                vec![server("10.0.0.1:80", &["10.0.0.1:80"]), server("10.0.0.2:80", &["10.0.0.2:80"])],
                vec!["10.0.0.9:81"],
            ),
            (vec![server("10.0.0.1:80", &["10.0.0.1:80"]), server("10.0.0.2:80", &[])], vec![]),
            (vec![server("10.0.0.1:80", &["10.9.9.9:80"])], vec![]),
            (vec![server("[fd00::1]:80", &["[fd00::1]:80"])], vec![]),
        ] {
            let found: Vec<String> = checks(siblings.iter(), &key).iter().map(|check| check.goal()).collect();
            assert_eq!(found, wanted, "{siblings:?}");
        }
    }
}
