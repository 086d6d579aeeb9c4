//! Who is told of what: the notices that scripts and FIFOs get, in the order in which things happened. Facts are those of
//! keepalived 2.2.7, by measurement.
//!
//! - A server is told as it comes up or goes down by its checks; before the quorum that follows from it. One that begins up
//!   is told where `rs_init_notifies` asks for it; one that a reload or an operator takes out ends DOWN.
//!   One that `alpha` keeps out is told DOWN when a check of it fails the first time.
//! - A quorum is told at the start and at each edge; one that is not there at the start only where a sorry server serves in its place,
//!   or where the kernel had the service from before.
//! - The services of a group are told of as one.
//! - Where `smtp_alert` asks for it, each of these is mailed, but a server that begins up and what `omega` tells. A check of several that
//!   changes what it says is mailed too, with how the server stands; not so with `no_checker_emails`.
//! - The end tells nothing, but with `omega`: first its servers that are up, then the quorum.

use super::Action;
use super::core::Balance;
use super::server::ServerState;
use super::service::ServiceState;
use super::wish::Former;
use crate::engine::health::Standing;
use crate::engine::mail::Mail;
use crate::engine::model::{
    EdgeCommands, GroupRole, NotifyCommand, Protocol, RealServerKey, ServiceKey, VirtualServer,
};

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The service that it belongs to: notices of one are told one after the other.
    pub service: ServiceKey,
    /// What it is about, as events have it.
    pub subject: String,
    /// The line for FIFOs, without its end: `VS [10.0.0.1]:tcp:80 UP`; none where there is a mail alone.
    pub line: Option<String>,
    /// What is to be run.
    pub command: Option<NotifyCommand>,
    /// What is mailed.
    pub mail: Option<Mail>,
}

/// `[10.0.0.1]:tcp:80`, `FWM 9`, `[GROUP]:0`.
fn service_name(config: &VirtualServer) -> String {
    if let (Some(_), Some(group)) = (config.group, &config.name) {
        return format!("[{group}]:0");
    }
    match config.key {
        ServiceKey::Address { protocol, address } => {
            format!("[{}]:{}:{}", address.ip(), protocol_name(protocol), address.port())
        }
        ServiceKey::FwMark { mark, .. } => format!("FWM {mark}"),
    }
}

/// `[10.0.0.71]:tcp:80`; a firewall mark has no protocol.
fn server_name(config: &VirtualServer, RealServerKey(address): RealServerKey) -> String {
    let protocol = match config.key {
        ServiceKey::Address { protocol, .. } => protocol_name(protocol),
        ServiceKey::FwMark { .. } => "none",
    };
    format!("[{}]:{protocol}:{}", address.ip(), address.port())
}

const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

const fn word(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

fn command(commands: Option<&EdgeCommands>, up: bool) -> Option<NotifyCommand> {
    let commands = commands?;
    if up { commands.up.clone() } else { commands.down.clone() }
}

fn of_server(service: &VirtualServer, server: &ServerState, up: bool) -> Notice {
    let key = server.config.key;
    Notice {
        service: service.key,
        subject: format!("{} {key}", service.key),
        line: Some(format!("RS {} {} {}", server_name(service, key), service_name(service), word(up))),
        command: command(server.config.notify.as_deref(), up),
        mail: None,
    }
}

/// The mail about a server that is up or not, where it is wanted.
fn mail_of_server(service: &VirtualServer, server: &ServerState, up: bool, why: &str) -> Option<Mail> {
    let key = server.config.key;
    server.config.mails.then(|| Mail {
        subject: format!(
            "Realserver {} of virtual server {} - {}",
            server_name(service, key),
            service_name(service),
            word(up)
        ),
        text: format!("Real server {key} of {} is {}.\nWhy: {why}", service.key, word(up)),
    })
}

fn mail_of_service(service: &ServiceState, up: bool) -> Option<Mail> {
    let config = &service.config;
    config.mails.then(|| Mail {
        subject: format!("Virtualserver {} - {}", service_name(config), word(up)),
        text: format!(
            "Service {} is {}.\nWhy: weight {} is up, {} is needed{}",
            config.key,
            word(up),
            service.have(),
            service.quorum().need_words(),
            match &config.sorry_server {
                Some(sorry) if service.sorry_is_active() => format!("; sorry server {} serves", sorry.key),
                Some(_) | None => String::new(),
            }
        ),
    })
}

fn of_service(service: &VirtualServer, up: bool) -> Notice {
    Notice {
        service: service.key,
        subject: service.key.to_string(),
        line: Some(format!("VS {} {}", service_name(service), word(up))),
        command: command(service.notify.as_deref(), up),
        mail: None,
    }
}

/// Whether its notices are told: of a group one service speaks for all.
fn speaks(service: &ServiceState) -> bool {
    service.config.group != Some(GroupRole::Member)
}

impl ServerState {
    /// Whether it is up, whatever an operator wants of it.
    fn is_up(&self) -> bool {
        match self.standing.0 {
            Standing::Passing => true,
            Standing::Unknown => !self.waits_outside(),
            Standing::Failing => false,
        }
    }
}

impl Balance {
    /// The kernel was seen, or is out of sight: how everything begins is known now.
    pub(super) fn begin_telling(&mut self) {
        if !std::mem::replace(&mut self.tells, true) {
            for at in 0..self.services.len() {
                self.tell_first(at);
            }
        }
    }

    /// How a service and its servers begin.
    pub(super) fn tell_first(&mut self, at: usize) {
        let keys: Vec<RealServerKey> = match self.services.get(at).filter(|_| self.tells) {
            Some(service) => service.servers.iter().map(|server| server.config.key).collect(),
            None => return,
        };
        for key in keys {
            self.tell_server(at, key);
        }
        self.tell_service(at);
    }

    /// A server may be up or down now.
    pub(super) fn tell_server(&mut self, at: usize, key: RealServerKey) {
        let (tells, first) = (self.tells, self.tells_first_servers);
        let Some(service) = self.services.get_mut(at).filter(|_| tells) else { return };
        let Some(server) = service.server_mut(&key) else { return };
        let up = server.is_up();
        let before = server.told.replace(up);
        if before == Some(up) || (before.is_none() && !(up && first)) {
            return;
        }
        self.tell_server_as(at, key, up, before.is_some());
    }

    /// A check whose `alpha` keeps a server out failed the first time: that it is down is told once more, as keepalived does.
    pub(super) fn tell_first_failure(&mut self, at: usize, key: RealServerKey) {
        let server = self.services.get(at).and_then(|service| service.server(&key));
        if server.is_some_and(|server| server.told == Some(false) && server.former == Former::Unseen) {
            self.tell_server_as(at, key, false, true);
        }
    }

    fn tell_server_as(&mut self, at: usize, key: RealServerKey, up: bool, mails: bool) {
        let Some(service) = self.services.get(at) else { return };
        if let Some(server) = service.server(&key).filter(|_| speaks(service)) {
            let why = if up { "its checks pass" } else { server.reason.trim_start_matches("down: ") };
            let mail = if mails { mail_of_server(&service.config, server, up, why) } else { None };
            let notice = Notice { mail, ..of_server(&service.config, server, up) };
            self.tell(notice);
        }
    }

    /// A check of a server changed what it says, and the server stays as it is.
    pub(super) fn tell_check(&mut self, at: usize, key: RealServerKey, why: &str) {
        let Some(service) = self.services.get(at).filter(|s| self.tells && self.mails_checks && speaks(s)) else {
            return;
        };
        let Some(server) = service.server(&key) else { return };
        let up = server.is_up();
        let mail = mail_of_server(&service.config, server, up, why);
        if mail.is_some() {
            let notice = of_server(&service.config, server, up);
            self.tell(Notice { mail, line: None, command: None, ..notice });
        }
    }

    /// A server is none of the service's any more.
    pub(super) fn tell_leaving(&mut self, at: usize, server: &ServerState) {
        if server.told == Some(true)
            && let Some(service) = self.services.get(at).filter(|service| speaks(service))
        {
            let mail = mail_of_server(&service.config, server, false, "it is taken out of the service");
            let notice = Notice { mail, ..of_server(&service.config, server, false) };
            self.tell(notice);
        }
    }

    /// A quorum may be there or lost now.
    pub(super) fn tell_service(&mut self, at: usize) {
        let tells = self.tells;
        let Some(service) = self.services.get_mut(at).filter(|_| tells) else { return };
        let up = service.quorum().is_up();
        // One that begins down, without a sorry server that takes its place, was never there to be lost.
        let begins_down = !up && service.told.is_none() && service.config.sorry_server.is_none();
        let is_silent = begins_down && service.servers.iter().all(|server| server.former == Former::Unseen);
        if service.told.replace(up) != Some(up) && speaks(service) && !is_silent {
            let mail = mail_of_service(service, up);
            let notice = Notice { mail, ..of_service(&service.config, up) };
            self.tell(notice);
        }
    }

    /// `omega`: the end.
    pub(super) fn tell_end(&mut self) {
        let notices: Vec<Notice> =
            self.services.iter().filter(|s| s.config.omega && speaks(s)).flat_map(last_words).collect();
        self.actions.extend(notices.into_iter().map(|notice| Action::Notify(Box::new(notice))));
    }

    fn tell(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notify(Box::new(notice)));
    }
}

fn last_words(service: &ServiceState) -> Vec<Notice> {
    let up = service.servers.iter().filter(|server| server.told == Some(true));
    let servers = up.map(|server| of_server(&service.config, server, false));
    servers.chain(service.told.map(|_| of_service(&service.config, false))).collect()
}
