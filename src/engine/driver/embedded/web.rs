//! The real servers: small web servers on loopback that can be killed and come back at the same port.
//!
//! `GET /` is answered with the server's name, `GET /4096` with so many bytes; a connection may ask again and again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How soon it is tried again when a port is taken, or descriptors have run out.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest request that is read, and the largest answer.
const LONGEST: usize = 64 << 10;

/// All real servers.
pub(super) struct Webs {
    names: Vec<String>,
    /// Whether each lives; dropping it ends its ports.
    lives: Vec<watch::Sender<bool>>,
}

impl Webs {
    /// Starts a server a name, on a thread of their own; each has these listeners.
    pub fn start(servers: Vec<(String, Vec<std::net::TcpListener>)>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut names, mut lives, mut ports) = (Vec::new(), Vec::new(), Vec::new());
        for (name, listeners) in servers {
            let (life, alive) = watch::channel(true);
            for listener in listeners {
                ports.push((Arc::<str>::from(name.as_str()), listener, alive.clone()));
            }
            names.push(name);
            lives.push(life);
        }
        let body = move || {
            runtime.block_on(async {
                let mut running = JoinSet::new();
                for (name, listener, alive) in ports {
                    if let Ok(address) = listener.local_addr() {
                        running.spawn(port(name, address, listener, alive));
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
async fn port(name: Arc<str>, at: SocketAddr, first: std::net::TcpListener, mut alive: watch::Receiver<bool>) {
    let mut first = Some(first);
    while alive.wait_for(|alive| *alive).await.is_ok() {
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
