//! The switch of the embedded cluster: who connects to a loopback port reaches the director that has the virtual address.
//!
//! When the address moves, connections through the other director end, as they do on a real LAN without a sync daemon.

use super::layout::VIP;
use crate::engine::io::simulated_lan::SimulatedLan;
use crate::engine::io::userspace::Userspace;
use crate::engine::model::ServiceKey;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;

/// How often it is looked where the address is.
const LOOK: Duration = Duration::from_millis(100);

/// The clients of the cluster by their port on loopback.
#[derive(Debug, Clone, Default)]
pub(super) struct Clients(Arc<Mutex<HashMap<u16, IpAddr>>>);

impl Clients {
    /// Whoever connects from this port is this client.
    pub fn enter(&self, port: u16, client: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(port, client);
    }
    /// Not any more.
    pub fn leave(&self, port: u16) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
    /// Who it is; somebody from outside is himself.
    fn of(&self, peer: SocketAddr) -> SocketAddr {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&peer.port()).copied();
        known.map_or(peer, |client| SocketAddr::new(client, peer.port()))
    }
}

/// What it forwards to.
#[derive(Clone)]
pub(super) struct Switch {
    pub lan: SimulatedLan,
    /// By the number of their station.
    pub dataplanes: Vec<Userspace>,
    pub clients: Clients,
}

impl Switch {
    /// Starts its thread over these entrances. It ends when `running` is dropped.
    pub fn start(
        self,
        entrances: Vec<(ServiceKey, TcpListener)>,
        running: tokio::sync::watch::Receiver<()>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = move || runtime.block_on(self.run(entrances, running));
        std::thread::Builder::new().name("switch".to_owned()).spawn(body)?;
        Ok(())
    }

    async fn run(self, entrances: Vec<(ServiceKey, TcpListener)>, mut running: tokio::sync::watch::Receiver<()>) {
        for (key, listener) in entrances {
            drop(tokio::spawn(self.clone().forward(key, listener)));
        }
        let mut before = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                ended = running.changed() => if ended.is_err() { return },
            }
            let holder = self.lan.holder(VIP.into());
            if let Some(old) = before.filter(|_| holder != before).and_then(|old: usize| self.dataplanes.get(old)) {
                old.reset();
            }
            before = holder;
        }
    }

    async fn forward(self, key: ServiceKey, listener: TcpListener) {
        let listener = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
        let Ok(listener) = listener else { return };
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.hand(key, stream, peer),
                // Out of descriptors: whoever connects waits.
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    fn hand(&self, key: ServiceKey, stream: TcpStream, peer: SocketAddr) {
        let client = self.clients.of(peer);
        let director = self.lan.holder(VIP.into()).and_then(|number| self.dataplanes.get(number));
        // Nobody has the address: the connection is closed, where a real LAN would let the client wait.
        if let (Some(director), Ok(stream)) = (director, stream.into_std()) {
            director.hand(key, stream, client);
        }
    }
}
