//! Where clients come in: a listener with its seats, and what each who comes may do.

use super::accounts::GROUP;
use super::patience::Wire;
use super::reply::Refusal;
use super::seats::{NoSeat, Seat, Seats};
use crate::engine::{Who, login_user, own_user, peer_groups, user_name};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Connections beyond those that are told so in answer to their request; any more are told at once and closed.
const STANDING: usize = 64;
/// Connections that were told so and are kept until others come, so that the word is read before the end.
const DOORSTEP: usize = 64;
/// Questions at a time that are computed for one door's clients: the others wait for their turn.
pub(super) const DESKS: usize = 2;
/// Streams of events at a time behind one door.
pub(super) const STREAMS: usize = 32;
/// In whose name a seat is taken where the kernel names nobody.
const NOBODY: u32 = u32::MAX;

/// What may be done on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything.
    Commands,
    /// Questions only: this is the socket for them.
    Questions,
    /// Questions only: this user may not give commands.
    Visitor(String),
    /// `/metrics` alone.
    Metrics,
    /// Nothing, since there is no seat: why.
    Full(String),
}

/// Which door it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `lvsdeck.sock`; members of this group, where there is one, may give commands.
    Operators(Option<u32>),
    /// `lvsdeck-ro.sock`.
    Readers,
    /// A TCP address.
    Metrics,
}

/// Who is at the other end, as far as the kernel tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Peer {
    user: Option<u32>,
    pid: Option<u32>,
    groups: Vec<u32>,
}

impl Peer {
    fn of(stream: &UnixStream) -> Self {
        let Ok(peer) = stream.peer_cred() else { return Self::default() };
        // A kernel that can't tell the others tells the first one.
        let mut groups = peer_groups(stream.as_fd()).unwrap_or_default();
        groups.push(peer.gid());
        Self { user: Some(peer.uid()), pid: peer.pid().and_then(|pid| u32::try_from(pid).ok()), groups }
    }

    /// Whether it is root or the engine's own user.
    fn is_owner(&self, engine: u32) -> bool {
        self.user.is_some_and(|user| user == 0 || user == engine)
    }

    fn may_command(&self, engine: u32, group: Option<u32>) -> bool {
        self.is_owner(engine) || group.is_some_and(|group| self.groups.contains(&group))
    }

    fn name(&self) -> String {
        self.user.map_or_else(|| "unknown".to_owned(), user_name)
    }

    /// For the journal. Reads `/etc/passwd` and `/proc`.
    pub(super) fn who(&self) -> Who {
        let login = self.pid.and_then(login_user).filter(|login| Some(*login) != self.user);
        Who { user: self.name(), login: login.map(user_name), pid: self.pid, origin: None }
    }
}

/// A connection with its seat.
pub(super) struct Came {
    pub wire: Box<dyn Wire>,
    pub access: Access,
    /// Who gives commands on it; nobody where it takes none.
    pub who: Who,
    pub peer: Peer,
    /// In whose name places are taken, and whether from whatever is free.
    pub user: (u32, bool),
    /// Held until the connection ends.
    pub seat: Seat,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection that nobody has looked at.
enum Fresh {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// One that was turned away, and is closed with this.
enum TurnedAway {
    Unix { _stream: std::os::unix::net::UnixStream },
    Tcp { _stream: std::net::TcpStream },
}

impl Fresh {
    fn wire(self) -> Box<dyn Wire> {
        match self {
            Self::Unix(stream) => Box::new(stream),
            Self::Tcp(stream) => Box::new(stream),
        }
    }

    /// Says so without waiting: what has no room for a word gets none.
    fn turn_away(self, word: &[u8]) -> io::Result<TurnedAway> {
        Ok(match self {
            Self::Unix(stream) => {
                let mut stream = stream.into_std()?;
                stream.write_all(word)?;
                stream.shutdown(Shutdown::Write)?;
                TurnedAway::Unix { _stream: stream }
            }
            Self::Tcp(stream) => {
                let mut stream = stream.into_std()?;
                stream.write_all(word)?;
                stream.shutdown(Shutdown::Write)?;
                TurnedAway::Tcp { _stream: stream }
            }
        })
    }
}

/// A listener with its places.
pub(super) struct Door {
    listener: Listener,
    kind: Kind,
    seats: Arc<Seats>,
    standing: Arc<Seats>,
    doorstep: Mutex<VecDeque<TurnedAway>>,
    /// Places for those who read a stream.
    pub streams: Arc<Seats>,
    /// Turns at the engine.
    pub desks: Arc<Semaphore>,
}

impl Door {
    /// A door at a Unix socket.
    pub(super) fn unix(listener: &std::os::unix::net::UnixListener, kind: Kind, places: usize) -> io::Result<Self> {
        Ok(Self::new(Listener::Unix(UnixListener::from_std(listener.try_clone()?)?), kind, places))
    }

    /// A door at a TCP address, for the metrics alone.
    pub(super) fn tcp(listener: &std::net::TcpListener, places: usize) -> io::Result<Self> {
        Ok(Self::new(Listener::Tcp(TcpListener::from_std(listener.try_clone()?)?), Kind::Metrics, places))
    }

    fn new(listener: Listener, kind: Kind, places: usize) -> Self {
        let [seats, standing, streams] = [places, STANDING, STREAMS].map(Seats::new);
        Self {
            listener,
            kind,
            seats,
            standing,
            doorstep: Mutex::default(),
            streams,
            desks: Arc::new(Semaphore::new(DESKS)),
        }
    }

    /// The next connection that there is a seat, or a place to be told that there is none, for. May be cancelled.
    pub(super) async fn next(&self) -> Came {
        loop {
            let accepted: io::Result<(Fresh, Peer)> = match &self.listener {
                Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                    let peer = Peer::of(&stream);
                    (Fresh::Unix(stream), peer)
                }),
                Listener::Tcp(listener) => listener.accept().await.map(|(s, _)| (Fresh::Tcp(s), Peer::default())),
            };
            let Ok((stream, peer)) = accepted else {
                sleep(Duration::from_millis(100)).await; // out of file descriptors: until some are given back
                continue;
            };
            if let Some(came) = self.receive(stream, peer) {
                return came;
            }
        }
    }

    /// Gives a seat, or a place to be told why there is none; or nothing, and that is told on the doorstep.
    fn receive(&self, stream: Fresh, peer: Peer) -> Option<Came> {
        let engine = own_user();
        // Whoever may end the engine is not kept from its seats; on TCP nobody is known.
        let trusted = match self.kind {
            Kind::Operators(_) | Kind::Readers => peer.is_owner(engine),
            Kind::Metrics => true,
        };
        let user = (peer.user.unwrap_or(NOBODY), trusted);
        match self.seats.take(user.0, trusted) {
            Ok(seat) => {
                let access = self.access(&peer, engine);
                let who = if access == Access::Commands { peer.who() } else { Who::default() };
                self.doorstep().clear();
                Some(Came { wire: stream.wire(), access, who, peer, user, seat })
            }
            Err(none) => {
                let why = match none {
                    NoSeat::Full(places) => format!("{places} clients are connected to this socket already"),
                    NoSeat::Share(theirs) => {
                        format!("user {} has {theirs} of this socket's connections already", peer.name())
                    }
                };
                let Ok(seat) = self.standing.take(user.0, true) else {
                    if let Ok(told) = stream.turn_away(&Refusal::busy(why).bytes()) {
                        let mut doorstep = self.doorstep();
                        doorstep.push_back(told);
                        let leaves = doorstep.len().saturating_sub(DOORSTEP);
                        doorstep.drain(..leaves);
                    }
                    return None;
                };
                Some(Came { wire: stream.wire(), access: Access::Full(why), who: Who::default(), peer, user, seat })
            }
        }
    }

    fn doorstep(&self) -> MutexGuard<'_, VecDeque<TurnedAway>> {
        self.doorstep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self, peer: &Peer, engine: u32) -> Access {
        match self.kind {
            Kind::Operators(group) if peer.may_command(engine, group) => Access::Commands,
            Kind::Operators(_) => Access::Visitor(format!(
                "user {} may not give commands: that is for root and members of group {GROUP}",
                peer.name()
            )),
            Kind::Readers => Access::Questions,
            Kind::Metrics => Access::Metrics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_the_engines_user_and_members_of_the_group_may_command_and_nobody_else() {
        let peer = |user, groups: &[u32]| Peer { user, pid: None, groups: groups.to_vec() };
        let (engine, group) = (500, Some(42));
        for (who, may) in [
            (peer(Some(0), &[]), true),
            (peer(Some(500), &[500]), true),
            (peer(Some(1000), &[1000, 27, 42]), true),
            (peer(Some(1000), &[42]), true),
            (peer(Some(1000), &[1000, 0]), false),
            (peer(Some(65534), &[65534]), false),
            (peer(None, &[42]), true),
            (peer(None, &[]), false),
        ] {
            assert_eq!(who.may_command(engine, group), may, "{who:?}");
        }
        assert!(!peer(Some(1000), &[42]).may_command(engine, None), "where the group does not exist");
    }
}
