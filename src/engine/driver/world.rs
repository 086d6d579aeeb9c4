//! The failover loop's hands and ears: VRRP sockets by interface, frames, addresses, and the state directory.
//!
//! Translates between the core's inputs and actions and [`crate::engine::io`]; decides nothing.

use crate::engine::failover::{Action, Input, Link};
use crate::engine::io::frames::FrameSocket;
use crate::engine::io::route_netlink::{RouteMessage, RouteSocket};
use crate::engine::io::state::StateDir;
use crate::engine::io::vrrp_socket::VrrpSocket;
use crate::engine::snapshot::Warning;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// The largest packet that is looked at: 255 IPv6 addresses and headers fit.
const PACKET: usize = 4608;

/// Packets taken from one socket in one round: a storm must not hold up the deadlines of the other instances.
const BURST: usize = 2048;

/// Everything the failover loop touches.
pub struct World {
    route: RouteSocket,
    frames: FrameSocket,
    sockets: BTreeMap<u32, VrrpSocket>,
    names: BTreeMap<u32, String>,
    state: StateDir,
    state_error: Option<String>,
    asked: HashMap<u32, Action>,
}

impl World {
    /// Opens the sockets. Needs `CAP_NET_ADMIN` and `CAP_NET_RAW`.
    pub fn open(state: StateDir) -> io::Result<Self> {
        Ok(Self {
            route: RouteSocket::open()?,
            frames: FrameSocket::open()?,
            sockets: BTreeMap::new(),
            names: BTreeMap::new(),
            state,
            state_error: None,
            asked: HashMap::new(),
        })
    }

    /// What the loop waits for.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        std::iter::once(self.route.as_raw_fd()).chain(self.sockets.values().map(VrrpSocket::as_raw_fd))
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

    /// Hands in all packets, then all kernel messages, without waiting.
    pub fn drain(&mut self, mut input: impl FnMut(Input<'_>)) -> io::Result<()> {
        let mut buffer = [0; PACKET];
        for socket in self.sockets.values() {
            for _ in 0..BURST {
                // An error here is the interface going away; netlink tells it better.
                let Ok(Some(packet)) = socket.receive(&mut buffer) else { break };
                input(Input::Packet { index: socket.index(), packet });
            }
        }
        let mut messages = Vec::new();
        self.route.receive(|message| messages.push(message))?;
        for message in messages {
            match message {
                RouteMessage::Resync => self.list(&mut input)?,
                other => self.translate(other, &mut input),
            }
        }
        Ok(())
    }

    fn translate(&mut self, message: RouteMessage, input: &mut impl FnMut(Input<'_>)) {
        match message {
            RouteMessage::Link { index, name, up, mac } => {
                self.names.insert(index, name.clone());
                input(Input::Link(Link { index, name, up, mac }));
            }
            RouteMessage::LinkGone { index } => {
                self.names.remove(&index);
                self.sockets.remove(&index);
                input(Input::LinkGone { index });
            }
            RouteMessage::Address { index, address, prefix, present } => {
                input(Input::Address { index, address, prefix, present });
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
            Action::Join { index } => self.join(*index),
            Action::Leave { index } => {
                self.sockets.remove(index);
                Ok(())
            }
            Action::Advertise { index, source, message } => match self.sockets.get(index) {
                Some(socket) => socket.send(*source, message),
                None => Err(io::Error::other("no socket is open on this interface")),
            },
            Action::AddAddress { index, address } => self.route.add_address(*index, address).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::RemoveAddress { index, address } => self.route.remove_address(*index, address).map(|seq| {
                self.asked.insert(seq, action.clone());
            }),
            Action::Announce { index, frame } => self.frames.send(*index, frame),
            Action::Remember(owned) => {
                self.state_error = self.state.save_addresses(owned.clone()).err().map(|error| error.to_string());
                Ok(())
            }
            Action::Report(_) | Action::Answer { .. } => Ok(()),
        };
        done.map_err(|error| error.to_string())
    }

    fn join(&mut self, index: u32) -> io::Result<()> {
        if self.sockets.contains_key(&index) {
            return Ok(());
        }
        let name = self.names.get(&index).ok_or_else(|| io::Error::other("the interface has gone"))?;
        self.sockets.insert(index, VrrpSocket::open(index, name)?);
        Ok(())
    }

    /// What the operator should know of the loop's own means.
    pub fn warnings(&self) -> Option<Warning> {
        self.state_error.as_ref().map(|message| Warning {
            code: "state-not-written".to_owned(),
            subject: "state directory".to_owned(),
            message: message.clone(),
            next: "after a crash the next start will not know which addresses are lvsdeck's".to_owned(),
        })
    }
}
