//! The real servers: small web servers on loopback that can be killed and come back at the same port.
//!
//! `GET /` is answered with the server's name, `GET /4096` with so many bytes; a connection may ask again and again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How soon it is tried again when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest request that is read, and the largest answer.
const LONGEST: usize = 64 << 10;

/// A port of loopback that stays the server's own while it is dead.
pub(super) struct Port {
    listener: std::net::TcpListener,
    /// Bound and not listening: nobody else is given the port meanwhile, and who connects is refused.
    place: TcpSocket,
}

impl Port {
    /// Whatever port is free.
    pub fn open() -> io::Result<Self> {
        let place = TcpSocket::new_v4()?;
        // Then the listener may have the same address.
        place.set_reuseaddr(true)?;
        place.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { listener: std::net::TcpListener::bind(place.local_addr()?)?, place })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// All real servers.
pub(super) struct Webs {
    names: Vec<String>,
    /// Whether each lives; dropping it ends its ports.
    lives: Vec<watch::Sender<bool>>,
}

impl Webs {
    /// Starts a server a name, on a thread of their own; each has these ports.
    pub fn start(servers: Vec<(String, Vec<Port>)>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut names, mut lives, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (name, ports) in servers {
            let (life, alive) = watch::channel(true);
            for port in ports {
                all.push((Arc::<str>::from(name.as_str()), port, alive.clone()));
            }
            names.push(name);
            lives.push(life);
        }
        let body = move || {
            runtime.block_on(async {
                let mut running = JoinSet::new();
                for (name, port, alive) in all {
                    if let Ok(address) = port.address() {
                        running.spawn(serve(name, address, port, alive));
                    }
                }
                while running.join_next().await.is_some() {}
            });
        };
        std::thread::Builder::new().name("web".to_owned()).spawn(body)?;
        Ok(Self { names, lives })
    }

    /// Kills a server, or brings it back; whether that changes it. None: there is none of that name.
    pub fn live(&self, name: &str, lives: bool) -> Option<bool> {
        let found = self.names.iter().position(|known| known == name).and_then(|at| self.lives.get(at));
        found.map(|life| life.send_replace(lives) != lives)
    }

    /// Which servers are dead.
    pub fn dead(&self) -> Vec<&str> {
        let dead = self.names.iter().zip(&self.lives).filter(|(_, life)| !*life.borrow());
        dead.map(|(name, _)| name.as_str()).collect()
    }
}

/// One port of a server, through its deaths.
async fn serve(name: Arc<str>, at: SocketAddr, port: Port, mut alive: watch::Receiver<bool>) {
    let Port { listener, place: _place } = port;
    let mut first = Some(listener);
    let lives = |alive: &bool, first: &mut Option<_>| {
        if !alive {
            // Who died before the first visitor listens no more either.
            *first = None;
        }
        *alive
    };
    while alive.wait_for(|alive| lives(alive, &mut first)).await.is_ok() {
        let listener = match first.take() {
            Some(listener) => listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)),
            None => TcpListener::bind(at).await,
        };
        let Ok(listener) = listener else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let mut visitors = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(visitors.spawn(answer(Arc::clone(&name), stream))),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = visitors.join_next() => {}
                changed = alive.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if !*alive.borrow_and_update() {
                        break;
                    }
                }
            }
        }
    }
}

/// Answers requests until the client has no more.
async fn answer(name: Arc<str>, mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    loop {
        while let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = request.drain(..end + 4).collect();
            stream.write_all(&reply(&name, &head)).await?;
        }
        if request.len() > LONGEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
}

fn reply(name: &str, head: &[u8]) -> Vec<u8> {
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let path = line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
    let mut body = format!("{name}\n").into_bytes();
    if let Ok(bytes) = path.parse::<usize>() {
        body.resize(bytes.min(LONGEST), b'.');
    }
    let mut reply = format!("HTTP/1.1 200 OK\r\nServer: {name}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    reply.extend(body);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::time::Instant;

    fn until(what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_port_of_a_dead_server_refuses_and_is_nobody_elses() {
        let port = Port::open().unwrap();
        let address = port.address().unwrap();
        let webs = Webs::start(vec![("web1".to_owned(), vec![port])]).unwrap();
        let answers = || TcpStream::connect(address).is_ok();
        until("it answers", answers);
        webs.live("web1", false);
        until("it refuses", || !answers());
        let other = TcpSocket::new_v4().unwrap();
        assert!(other.bind(address).is_err(), "the port is taken");
        webs.live("web1", true);
        until("it answers again", answers);
    }
}
