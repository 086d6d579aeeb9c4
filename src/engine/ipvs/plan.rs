//! From the table that was observed to the one that is wanted: the operations, and the differences in words.
//!
//! Level-triggered and idempotent: it looks at two tables and at what is ours, and remembers nothing. It touches services
//! that are wanted and those that are ours and no longer wanted; in a wanted service it removes only destinations that are
//! ours. Everything else is somebody else's: reported as drift, never changed.

use super::{Destination, IpvsOp, IpvsTable, Ownership, Service, Tunnel};
use crate::engine::model::{RealServerKey, ServiceKey};
use std::fmt;

/// The operations that turn `observed` into `desired`, in the order in which they are to be done, so that capacity is never
/// needlessly missing: service after service, first itself, then new servers and raised weights, then its other changes;
/// when all services have what they need, removals of servers, and at last removals of services.
pub fn plan(desired: &IpvsTable, observed: &IpvsTable, owned: &Ownership) -> Vec<IpvsOp> {
    let mut findings = compare(desired, observed, owned);
    findings.sort_by_key(Finding::rank);
    let mut ops = Vec::with_capacity(findings.len());
    ops.extend(findings.iter().filter_map(Finding::repair));
    ops
}

/// What is not as wanted, in key order: all that [`plan`] would change, and what strangers added to wanted services. A service that is
/// not there is one difference, with all that it should have.
pub fn drift(desired: &IpvsTable, observed: &IpvsTable, owned: &Ownership) -> Vec<Difference> {
    let goes_with_its_service =
        |finding: &Finding| matches!(finding, Finding::Server { key, .. } if !observed.services.contains_key(key));
    let findings = compare(desired, observed, owned);
    findings.iter().filter(|finding| !goes_with_its_service(finding)).map(Finding::in_words).collect()
}

/// One thing that is not as wanted, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The service.
    pub service: ServiceKey,
    /// The real server; none when it is about the service itself.
    pub server: Option<RealServerKey>,
    /// What is wanted: settings, or `absent`.
    pub wanted: String,
    /// What was found: settings, or `absent`.
    pub found: String,
    /// Whether [`plan`] repairs it; false for a stranger's server in a wanted service, which is only reported.
    pub repairable: bool,
}

impl Difference {
    /// `tcp/10.0.0.1:80`, or `tcp/10.0.0.1:80 10.0.0.71:80`.
    pub fn subject(&self) -> String {
        self.server.map_or_else(|| self.service.to_string(), |server| format!("{} {server}", self.service))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: wanted {}, found {}", self.subject(), self.wanted, self.found)
    }
}

/// One thing that is not as wanted: either side may be absent, both never are.
enum Finding<'a> {
    Service {
        key: &'a ServiceKey,
        wanted: Option<&'a Service>,
        found: Option<&'a Service>,
    },
    Server {
        key: &'a ServiceKey,
        server: &'a RealServerKey,
        wanted: Option<&'a Destination>,
        found: Option<&'a Destination>,
        /// Ours, or wanted, which makes it ours.
        ours: bool,
    },
}

fn compare<'a>(desired: &'a IpvsTable, observed: &'a IpvsTable, owned: &Ownership) -> Vec<Finding<'a>> {
    let mut findings = Vec::new();
    for (key, wanted) in &desired.services {
        let found = observed.services.get(key);
        if !found.is_some_and(|found| wanted.same_settings(found)) {
            findings.push(Finding::Service { key, wanted: Some(wanted), found });
        }
        compare_servers(key, wanted, found, owned, &mut findings);
    }
    for (key, _) in owned.iter().filter(|(key, _)| !desired.services.contains_key(key)) {
        if let Some((key, found)) = observed.services.get_key_value(&key) {
            findings.push(Finding::Service { key, wanted: None, found: Some(found) });
        }
    }
    findings
}

fn compare_servers<'a>(
    key: &'a ServiceKey,
    wanted: &'a Service,
    found: Option<&'a Service>,
    owned: &Ownership,
    findings: &mut Vec<Finding<'a>>,
) {
    for (server, wanted) in &wanted.destinations {
        let found = found.and_then(|found| found.destinations.get(server));
        if !found.is_some_and(|found| wanted.same_settings(found)) {
            findings.push(Finding::Server { key, server, wanted: Some(wanted), found, ours: true });
        }
    }
    for (server, found) in found.into_iter().flat_map(|found| &found.destinations) {
        if !wanted.destinations.contains_key(server) {
            let ours = owned.owns_server(key, server);
            findings.push(Finding::Server { key, server, wanted: None, found: Some(found), ours });
        }
    }
}

impl Finding<'_> {
    /// Its place in a plan: removals after everything else, then by service, then what gives capacity first.
    fn rank(&self) -> (u8, ServiceKey, u8) {
        match *self {
            Self::Service { key, wanted: Some(_), .. } => (0, *key, 0),
            Self::Server { key, wanted: Some(wanted), found, .. } => {
                let gains = found.is_none_or(|found| wanted.weight > found.weight);
                (0, *key, if gains { 1 } else { 2 })
            }
            Self::Server { key, wanted: None, .. } => (1, *key, 0),
            Self::Service { key, wanted: None, .. } => (2, *key, 0),
        }
    }

    fn repair(&self) -> Option<IpvsOp> {
        match *self {
            Self::Service { key, wanted: Some(new), found: None } => {
                Some(IpvsOp::NewService(*key, Box::new(new.settings())))
            }
            Self::Service { key, wanted: Some(new), found: Some(_) } => {
                Some(IpvsOp::SetService(*key, Box::new(new.settings())))
            }
            Self::Service { key, wanted: None, .. } => Some(IpvsOp::DelService(*key)),
            Self::Server { key, server, wanted: Some(new), found: None, .. } => {
                Some(IpvsOp::NewDestination(*key, *server, new.settings()))
            }
            Self::Server { key, server, wanted: Some(new), found: Some(_), .. } => {
                Some(IpvsOp::SetDestination(*key, *server, new.settings()))
            }
            Self::Server { key, server, wanted: None, ours: true, .. } => Some(IpvsOp::DelDestination(*key, *server)),
            Self::Server { wanted: None, ours: false, .. } => None,
        }
    }

    fn in_words(&self) -> Difference {
        fn words<T: fmt::Display>(side: Option<T>) -> String {
            side.map_or_else(|| "absent".to_owned(), |settings| settings.to_string())
        }
        match *self {
            Self::Service { key, wanted, found } => {
                Difference { service: *key, server: None, wanted: words(wanted), found: words(found), repairable: true }
            }
            Self::Server { key, server, wanted, found, ours } => Difference {
                service: *key,
                server: Some(*server),
                wanted: words(wanted),
                found: words(found),
                repairable: ours,
            },
        }
    }
}

impl fmt::Display for Service {
    /// Its settings: `wrr, persistent 300 s per /32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheduler)?;
        if let Some(persistence) = self.persistence {
            write!(f, ", persistent {} s per ", persistence.timeout)?;
            match self.odd_mask {
                Some(mask) => write!(f, "{mask}")?,
                None => write!(f, "/{}", persistence.prefix)?,
            }
        }
        if let Some(engine) = &self.engine {
            write!(f, ", persistence engine {engine}")?;
        }
        if self.one_packet {
            f.write_str(", one-packet")?;
        }
        if self.scheduler_flags != 0 {
            write!(f, ", scheduler flags {:#x}", self.scheduler_flags)?;
        }
        Ok(())
    }
}

impl fmt::Display for Destination {
    /// Its settings: `dr weight 3, at most 100 connections, again below 80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.forwarding)?;
        if self.tunnel != Tunnel::Ipip {
            write!(f, " ({})", self.tunnel)?;
        }
        write!(f, " weight {}", self.weight)?;
        if self.upper_threshold != 0 {
            write!(f, ", at most {} connections", self.upper_threshold)?;
        }
        if self.lower_threshold != 0 {
            write!(f, ", again below {}", self.lower_threshold)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
