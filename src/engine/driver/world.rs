//! The failover loop's hands and ears: VRRP sockets by interface, frames, addresses, and the state directory.
//!
//! Translates between the core's inputs and actions and [`crate::engine::io`]; decides nothing.

use super::filter::FilterThread;
use super::overrides::OverridesSender;
use super::scribe::Scribe;
use crate::engine::failover::{Action, Channel, Input, Link};
use crate::engine::io::arp_listener::ArpListener;
use crate::engine::io::frames::FrameSocket;
use crate::engine::io::process_list;
use crate::engine::io::route_netlink::{RouteMessage, RouteSocket};
use crate::engine::io::routing_watch::{RoutingMessage, RoutingWatch};
use crate::engine::io::state::StateDir;
use crate::engine::io::vrrp_socket::{self, VrrpSocket};
use crate::engine::io::wait::Ready;
use crate::engine::model::Family;
use crate::engine::snapshot::Warning;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// The largest packet that is looked at: 255 IPv6 addresses and headers fit.
const PACKET: usize = 4608;

/// Code of the warning that the addresses which are ours are not on disk.
pub(super) const UNWRITTEN: &str = "state-not-written";
/// Time between two tries to list links and addresses.
const LIST_PAUSE: Duration = Duration::from_secs(1);
/// Packets taken from one socket in one round: a storm must not hold up the deadlines of the other instances.
const BURST: usize = 2048;

/// Everything the failover loop touches.
pub struct World {
    route: RouteSocket,
    frames: FrameSocket,
    filter: FilterThread,
    /// From the first route or rule on.
    routing: Option<RoutingWatch>,
    /// From the first probe on.
    answers: Option<ArpListener>,
    sockets: BTreeMap<(u32, Family), VrrpSocket>,
    names: BTreeMap<u32, String>,
    scribe: Scribe,
    /// None where nobody reads what is held: a loop that only takes off what another left.
    overrides: Option<OverridesSender>,
    asked: HashMap<u32, Action>,
    /// When a list that failed is tried again; the picture before it holds until then.
    list_again_at: Option<Instant>,
}

impl World {
    /// Opens the sockets. Needs `CAP_NET_ADMIN` and `CAP_NET_RAW`.
    pub fn open(state: StateDir) -> io::Result<Self> {
        Ok(Self {
            route: RouteSocket::open()?,
            frames: FrameSocket::open()?,
            filter: FilterThread::default(),
            routing: None,
            answers: None,
            sockets: BTreeMap::new(),
            names: BTreeMap::new(),
            scribe: Scribe::start(state)?,
            overrides: None,
            asked: HashMap::new(),
            list_again_at: None,
        })
    }

    /// The same; what operators hold is written down by this.
    #[must_use]
    pub fn writing_holds(self, overrides: OverridesSender) -> Self {
        Self { overrides: Some(overrides), ..self }
    }

    /// What the loop waits for.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        let answers = self.answers.iter().map(AsRawFd::as_raw_fd);
        let answers = answers.chain(self.routing.iter().map(AsRawFd::as_raw_fd));
        std::iter::once(self.route.as_raw_fd())
            .chain(answers)
            .chain(self.sockets.values().flat_map(VrrpSocket::descriptors))
    }

    /// Lists links and addresses as they are now, and what has gone since the list before.
    pub fn list(&mut self, mut input: impl FnMut(Input<'_>)) -> io::Result<()> {
        let mut messages = Vec::new();
        self.route.dump(|message| messages.push(message))?;
        // Answers that were under way when the kernel lost messages will not come.
        self.asked.clear();
        input(Input::Resync);
        for message in messages {
            self.translate(message, &mut input);
        }
        Ok(())
    }

    /// Hands in the packets, then the kernel messages, of those that are `ready`, without waiting.
    pub fn drain(&mut self, ready: &Ready, mut input: impl FnMut(Input<'_>)) -> io::Result<()> {
        let mut buffer = [0; PACKET];
        for socket in self.sockets.values().filter(|socket| socket.descriptors().any(|one| ready.has(one))) {
            for _ in 0..BURST {
                // An error here is the interface going away; netlink tells it better.
                let Ok(Some(packet)) = socket.receive(&mut buffer) else { break };
                input(Input::Packet { index: socket.index(), packet });
            }
        }
        if let Some(answers) = self.answers.as_ref().filter(|answers| ready.has(answers.as_raw_fd())) {
            for _ in 0..BURST {
                let Ok(Some(frame)) = answers.receive(&mut buffer) else { break };
                input(Input::Arp { frame });
            }
        }
        self.scribe.listen();
        for (action, error) in self.filter.refused() {
            input(Input::Refused { action: Box::new(action), error });
        }
        let mut messages = Vec::new();
        let mut lost = self.list_again_at.is_some_and(|at| at <= Instant::now());
        if ready.has(self.route.as_raw_fd()) && self.route.receive(|message| messages.push(message)).is_err() {
            // A socket that fails is replaced; what it did not tell is in the list.
            self.route = RouteSocket::open()?;
            lost = true;
        }
        for message in messages {
            match message {
                RouteMessage::Resync => lost = true,
                other => self.translate(other, &mut input),
            }
        }
        if let Some(routing) = self.routing.as_mut().filter(|routing| ready.has(routing.as_raw_fd())) {
            routing.receive(|message| match message {
                RoutingMessage::Gone { entry, by } => {
                    input(Input::RoutingGone { entry: Box::new(entry), by: by.map(who) });
                }
                RoutingMessage::Lost => lost = true,
            });
        }
        if lost {
            let listed = self.list(&mut input);
            self.list_again_at = listed.is_err().then(|| Instant::now() + LIST_PAUSE);
        }
        Ok(())
    }

    /// When [`drain`](Self::drain) has something to do even if nothing comes in.
    pub const fn deadline(&self) -> Option<Instant> {
        self.list_again_at
    }

    fn translate(&mut self, message: RouteMessage, input: &mut impl FnMut(Input<'_>)) {
        match message {
            RouteMessage::Link { index, name, up, mac, macvlan } => {
                self.names.insert(index, name.clone());
                input(Input::Link(Link { index, name, up, mac, macvlan }));
            }
            RouteMessage::LinkGone { index } => {
                self.names.remove(&index);
                self.sockets.retain(|(at, _), _| *at != index);
                input(Input::LinkGone { index });
            }
            RouteMessage::Address { index, address, prefix, present, by } => {
                let by = by.filter(|port| !present && self.route.port().ok() != Some(*port)).map(who);
                input(Input::Address { index, address, prefix, present, by });
            }
            RouteMessage::Ack { seq, error } => {
                if let (Some(action), Some(code)) = (self.asked.remove(&seq), error) {
                    let error = io::Error::from_raw_os_error(code).to_string();
                    input(Input::Refused { action: Box::new(action), error });
                }
            }
            RouteMessage::Resync => {}
        }
    }

    /// Does one action. Errors: what the system said, for the core to hear. Refusals of addresses come later, by
    /// [`drain`](Self::drain).
    pub fn perform(&mut self, action: &Action) -> Result<(), String> {
        let done = match action {
            Action::Join(channel) => self.join(*channel),
            Action::Leave { index, family } => {
                self.sockets.remove(&(*index, *family));
                Ok(())
            }
            Action::Advertise { index, source, destination, ttl, message, header, mac } => {
                let packet = vrrp_socket::packet((*source, *destination), *ttl, message, header.as_ref());
                packet.and_then(|packet| match (mac, self.socket(*index, *source)) {
                    (Some(mac), _) => self.frames.advertise(*index, *mac, *destination, packet),
                    (None, Some(socket)) => socket.send((*source, *destination), &packet),
                    (None, None) => Err(io::Error::other("no socket is open on this interface")),
                })
            }
            Action::AddAddress { index, address } => self.route.add_address(*index, address).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::RemoveAddress { index, address } => self.route.remove_address(*index, address).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::MakeLink { link, base } => self.route.make_link(link, *base).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::LeaveLink { link, base } => self.route.leave_link(link, *base).map(|_| ()),
            Action::SetLink { index, up } => self.route.set_link(*index, *up).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::RemoveLink { index } => self.route.remove_link(*index).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::Probe { index, frame } => {
                if self.answers.is_none() {
                    self.answers = ArpListener::open().ok(); // without it nothing is asked in vain but the frame
                }
                self.frames.send(*index, frame)
            }
            Action::Announce { index, frame } => self.frames.send(*index, frame),
            Action::Route { entry, present } => {
                let names = &self.names;
                let index = |name: &str| names.iter().find(|(_, known)| *known == name).map(|(index, _)| *index);
                if self.routing.is_none() && *present {
                    // Without it what others remove goes unnoticed.
                    self.routing = self.route.port().and_then(RoutingWatch::open).ok();
                }
                if let Some(routing) = &mut self.routing {
                    routing.note(entry, *present, index);
                }
                self.route.set_routing(entry, *present, index).map(|seq| {
                    self.asked.insert(seq, action.clone());
                })
            }
            Action::Drop { .. } | Action::DropNothing => self.filter.perform(action),
            Action::Remember(owned) => {
                self.scribe.write(owned.clone());
                Ok(())
            }
            Action::RememberLinks(links) => {
                self.scribe.write_links(links.clone());
                Ok(())
            }
            Action::Keep(masterships) => self.scribe.keep(masterships.clone()),
            Action::Holds(holds) => {
                if let Some(overrides) = &self.overrides {
                    overrides.instances(holds.clone());
                }
                Ok(())
            }
            Action::Met(met) => {
                if let Some(overrides) = &self.overrides {
                    overrides.met(met.clone());
                }
                Ok(())
            }
            Action::Report(_) | Action::Notify(_) | Action::Answer { .. } => Ok(()),
        };
        done.map_err(|error| error.to_string())
    }

    fn socket(&self, index: u32, source: IpAddr) -> Option<&VrrpSocket> {
        self.sockets.get(&(index, Family::of(source)))
    }

    fn join(&mut self, Channel { index, family, group, sealed }: Channel) -> io::Result<()> {
        let socket = match self.sockets.entry((index, family)) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let name = self.names.get(&index).ok_or_else(|| io::Error::other("the interface has gone"))?;
                place.insert(VrrpSocket::open(index, name, family)?)
            }
        };
        if sealed {
            let name = self.names.get(&index).ok_or_else(|| io::Error::other("the interface has gone"))?;
            socket.take_sealed(name)?;
        }
        let joined = group.map_or(Ok(()), |group| socket.join(group));
        // Who is not member of its group is deaf: the next try begins with a new socket.
        if joined.is_err() && socket.is_alone() {
            self.sockets.remove(&(index, family));
        }
        joined
    }

    /// What the operator should know of the loop's own means.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let unwritten = self.scribe.trouble().map(|message| Warning {
            code: UNWRITTEN.to_owned(),
            subject: "state directory".to_owned(),
            message: message.to_owned(),
            next: "after a crash the next start will not know which addresses are lvsdeck's".to_owned(),
        });
        let unlisted = self.list_again_at.map(|_| Warning {
            code: "host-not-listed".to_owned(),
            subject: "interfaces".to_owned(),
            message: "links and addresses change too fast to be listed; the picture may be old".to_owned(),
            next: "it is tried again every second; look for a program that makes and deletes interfaces".to_owned(),
        });
        let overrides = self.overrides.as_ref().and_then(OverridesSender::warning);
        unwritten.into_iter().chain(unlisted).chain(overrides)
    }
}

/// Who has a netlink socket: its port is the process's number, unless that has several.
fn who(port: u32) -> String {
    match process_list::name(port) {
        Some(name) => format!("pid {port} ({name})"),
        None => format!("pid {port}"),
    }
}
