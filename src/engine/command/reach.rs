//! What a command acts on: whether a later one stands on an earlier one.

use super::{Changed, Command, RealServerSelector, ServiceSelector};
use crate::engine::model::ServiceKey;
use std::collections::BTreeSet;

/// The objects of a command. Where it is not sure that two are different, they count as the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// None that another command could have changed: a reload, a stop.
    Nothing,
    /// These instances; none named: all.
    Instances(Option<BTreeSet<String>>),
    /// Real servers, each in a service or wherever it is; a whole service has no server.
    Servers(Vec<(Option<ServiceSelector>, Option<RealServerSelector>)>),
}

impl Reach {
    /// Of a command; `group` gives the members of an instance's sync group, itself among them.
    pub fn of(command: &Command, group: &dyn Fn(&str) -> BTreeSet<String>) -> Self {
        let server = |service: &ServiceSelector, server| Self::Servers(vec![(Some(service.clone()), server)]);
        match command {
            Command::Failover { instance, .. } | Command::Rejoin { instance } => {
                Self::Instances(instance.as_deref().map(group))
            }
            Command::Takeover { instance } | Command::Priority { instance, .. } => {
                Self::Instances(Some(group(instance)))
            }
            Command::Drain { server, service, .. }
            | Command::Maintenance { server, service, .. }
            | Command::Restore { server, service } => Self::Servers(vec![(service.clone(), Some(*server))]),
            Command::Weight { service, server: key, .. }
            | Command::AddServer { service, server: key, .. }
            | Command::RemoveServer { service, server: key } => server(service, Some(RealServerSelector::Key(*key))),
            Command::AddService { service, .. } => server(&(*service).into(), None),
            Command::RemoveService { service } => server(service, None),
            Command::Several { commands } => Self::Servers(
                commands
                    .iter()
                    .flat_map(|command| match Self::of(command, group) {
                        Self::Servers(servers) => servers,
                        Self::Nothing | Self::Instances(_) => Vec::new(),
                    })
                    .collect(),
            ),
            Command::Reload | Command::Undo { .. } | Command::Stop { .. } => Self::Nothing,
        }
    }

    /// Of services and real servers that are known.
    pub fn exactly(changed: &[Changed]) -> Self {
        let one = |one: &Changed| (Some(one.service.into()), one.server.map(RealServerSelector::Key));
        Self::Servers(changed.iter().map(one).collect())
    }

    /// Whether both may act on the same object.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Instances(Some(ours)), Self::Instances(Some(theirs))) => !ours.is_disjoint(theirs),
            (Self::Instances(_), Self::Instances(_)) => true,
            (Self::Servers(ours), Self::Servers(theirs)) => ours.iter().any(|one| {
                theirs.iter().any(|other| {
                    both(one.0.as_ref(), other.0.as_ref(), same_service)
                        && both(one.1.as_ref(), other.1.as_ref(), same_server)
                })
            }),
            (Self::Nothing | Self::Instances(_) | Self::Servers(_), _) => false,
        }
    }
}

/// What is not named is whatever the other one is.
fn both<T>(one: Option<&T>, other: Option<&T>, same: impl Fn(&T, &T) -> bool) -> bool {
    one.zip(other).is_none_or(|(one, other)| same(one, other))
}

/// A name may stand for any service; two keys stand for themselves.
fn same_service(one: &ServiceSelector, other: &ServiceSelector) -> bool {
    let key = |selector: &ServiceSelector| selector.0.parse::<ServiceKey>().ok();
    key(one).zip(key(other)).is_none_or(|(one, other)| one == other)
}

fn same_server(one: &RealServerSelector, other: &RealServerSelector) -> bool {
    match (one, other) {
        (RealServerSelector::Key(key), selector) | (selector, RealServerSelector::Key(key)) => selector.matches(key),
        (RealServerSelector::Host(one), RealServerSelector::Host(other)) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(json: &str) -> Reach {
        let group = |name: &str| match name {
            "A" | "B" => ["A", "B"].map(str::to_owned).into(),
            other => [other.to_owned()].into(),
        };
        Reach::of(&serde_json::from_str(json).unwrap(), &group)
    }

    #[test]
    fn commands_meet_on_the_same_object_and_where_it_may_be_the_same() {
        let drain = r#"{"verb":"drain","server":"10.0.0.71:80","service":"tcp/10.0.0.1:80"}"#;
        for (one, other, meets) in [
            (drain, r#"{"verb":"weight","service":"tcp/10.0.0.1:80","server":"10.0.0.71:80","weight":5}"#, true),
            (drain, r#"{"verb":"restore","server":"10.0.0.71"}"#, true),
            (drain, r#"{"verb":"restore","server":"10.0.0.72"}"#, false),
            (drain, r#"{"verb":"weight","service":"tcp/10.0.0.1:443","server":"10.0.0.71:80","weight":5}"#, false),
            (drain, r#"{"verb":"weight","service":"web","server":"10.0.0.71:80","weight":5}"#, true),
            (drain, r#"{"verb":"remove-service","service":"tcp/10.0.0.1:80"}"#, true),
            (drain, r#"{"verb":"remove-service","service":"tcp/10.0.0.1:443"}"#, false),
            (drain, r#"{"verb":"several","commands":[{"verb":"restore","server":"10.0.0.71:80"}]}"#, true),
            (drain, r#"{"verb":"failover"}"#, false),
            (drain, r#"{"verb":"reload"}"#, false),
            (r#"{"verb":"failover","instance":"A"}"#, r#"{"verb":"rejoin","instance":"A"}"#, true),
            (r#"{"verb":"failover","instance":"A"}"#, r#"{"verb":"priority","instance":"B","priority":5}"#, true),
            (r#"{"verb":"failover","instance":"A"}"#, r#"{"verb":"takeover","instance":"C"}"#, false),
            (r#"{"verb":"failover"}"#, r#"{"verb":"takeover","instance":"C"}"#, true),
        ] {
            assert_eq!(reach(one).meets(&reach(other)), meets, "{one} {other}");
            assert_eq!(reach(other).meets(&reach(one)), meets, "{other} {one}");
        }
    }
}
