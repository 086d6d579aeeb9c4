//! Which sync daemons are to run, and the way there.

use super::control::{DaemonRole, SyncDaemon};
use crate::engine::model::SyncDaemonWords;

/// One act on a sync daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaemonStep {
    /// Ends the one of this role.
    Stop(DaemonRole),
    /// Starts it.
    Start(SyncDaemon),
}

/// The daemons that the words ask for: the one that sends while the followed instance is master, and the one that receives
/// while it is not; both where none is followed (`is_master` is none). `vrid` is the instance's.
pub fn wanted_daemons(words: &SyncDaemonWords, is_master: Option<bool>, vrid: u8) -> Vec<SyncDaemon> {
    let roles: &[DaemonRole] = match is_master {
        Some(true) => &[DaemonRole::Master],
        Some(false) => &[DaemonRole::Backup],
        None => &[DaemonRole::Master, DaemonRole::Backup],
    };
    let daemon = |role: &DaemonRole| SyncDaemon {
        role: *role,
        interface: words.interface.clone(),
        sync_id: words.id.unwrap_or(vrid).into(),
        max_length: words.max_length,
        group: words.group,
        port: words.port,
        ttl: words.ttl,
    };
    roles.iter().map(daemon).collect()
}

/// The acts that make the running daemons the wanted ones; none where they are. All ends come first: a daemon can't be
/// changed, and the other director hears of none twice.
pub fn daemon_steps(wanted: &[SyncDaemon], running: &[SyncDaemon]) -> Vec<DaemonStep> {
    let is_right = |daemon: &SyncDaemon| wanted.iter().any(|wanted| is_like(wanted, daemon));
    let stops = running.iter().filter(|daemon| !is_right(daemon)).map(|daemon| DaemonStep::Stop(daemon.role));
    let is_there = |wanted: &SyncDaemon| running.iter().any(|daemon| is_like(wanted, daemon));
    let starts = wanted.iter().filter(|wanted| !is_there(wanted)).cloned().map(DaemonStep::Start);
    stops.chain(starts).collect()
}

/// Whether a running daemon is the wanted one; what was left to the kernel may be anything.
fn is_like(wanted: &SyncDaemon, running: &SyncDaemon) -> bool {
    let SyncDaemon { role, interface, sync_id, max_length, group, port, ttl } = wanted;
    let same = |wanted: u16, running: u16| wanted == 0 || running == 0 || wanted == running;
    *role == running.role
        && *interface == running.interface
        && *sync_id == running.sync_id
        && same(*max_length, running.max_length)
        && same(*port, running.port)
        && same((*ttl).into(), running.ttl.into())
        && (group.is_none() || running.group.is_none() || *group == running.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> SyncDaemonWords {
        let (instance, id, group) = (Some("VI_1".to_owned()), None, None);
        SyncDaemonWords { interface: "eth0".into(), instance, id, max_length: 0, port: 0, ttl: 0, group }
    }

    /// What the kernel says of a daemon: its defaults filled in.
    fn running(role: DaemonRole, sync_id: u32) -> SyncDaemon {
        let group = "224.0.0.81".parse().ok();
        SyncDaemon { role, interface: "eth0".into(), sync_id, max_length: 1_472, group, port: 8_848, ttl: 1 }
    }

    #[test]
    fn the_daemon_sends_while_its_instance_is_master_and_receives_otherwise() {
        let (master, backup) = (wanted_daemons(&words(), Some(true), 51), wanted_daemons(&words(), Some(false), 51));
        assert_eq!(
            master.iter().map(|daemon| (daemon.role, daemon.sync_id)).collect::<Vec<_>>(),
            [(DaemonRole::Master, 51)]
        );
        let here = [running(DaemonRole::Backup, 51)];
        assert_eq!(daemon_steps(&backup, &here), []);
        let steps = daemon_steps(&master, &here);
        assert_eq!(steps, [DaemonStep::Stop(DaemonRole::Backup), DaemonStep::Start(master[0].clone())]);
        let roles = wanted_daemons(&SyncDaemonWords { instance: None, id: Some(7), ..words() }, None, 0);
        assert_eq!(
            roles.iter().map(|daemon| (daemon.role, daemon.sync_id)).collect::<Vec<_>>(),
            [(DaemonRole::Master, 7), (DaemonRole::Backup, 7)]
        );
    }

    #[test]
    fn a_daemon_of_other_settings_is_started_anew_and_none_wanted_ends_all() {
        let wanted = wanted_daemons(&SyncDaemonWords { port: 9_000, ..words() }, Some(true), 51);
        let steps = daemon_steps(&wanted, &[running(DaemonRole::Master, 51)]);
        assert_eq!(steps, [DaemonStep::Stop(DaemonRole::Master), DaemonStep::Start(wanted[0].clone())]);
        let both = [running(DaemonRole::Master, 1), running(DaemonRole::Backup, 1)];
        assert_eq!(
            daemon_steps(&[], &both),
            [DaemonStep::Stop(DaemonRole::Master), DaemonStep::Stop(DaemonRole::Backup)]
        );
    }
}
