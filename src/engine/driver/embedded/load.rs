//! Clients of the embedded cluster: a load that comes and goes like a tide with waves on it.
//!
//! Each client has an address of 198.51.100.0/24, asks a few times with pauses, and leaves. Drawn from a seed.

use super::layout::{SERVICES, client};
use super::switch::Clients;
use std::f64::consts::TAU;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

/// How often new clients come.
const TICK: Duration = Duration::from_millis(100);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// New clients a second, at the mean.
pub(super) const USUAL: u32 = 8;

/// What the clients see.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Who got all answers.
    pub served: AtomicU64,
    /// Who got none, or half of one.
    pub failed: AtomicU64,
    /// New ones a second at the mean.
    pub rate: AtomicU32,
}

/// Starts the clients' thread: the first comes as soon as the cluster `serves`. It ends when `running` is dropped.
pub(super) fn start(
    entrances: Vec<SocketAddr>,
    clients: Clients,
    seed: u64,
    luck: Arc<Seen>,
    serves: impl Fn() -> bool + Send + 'static,
    mut running: tokio::sync::watch::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = move || {
        runtime.block_on(async {
            tokio::select! {
                () = come(entrances, clients, seed, luck, serves) => {}
                _ = running.changed() => {}
            }
        });
    };
    std::thread::Builder::new().name("clients".to_owned()).spawn(body)?;
    Ok(())
}

async fn come(entrances: Vec<SocketAddr>, clients: Clients, seed: u64, luck: Arc<Seen>, serves: impl Fn() -> bool) {
    while !serves() {
        sleep(TICK).await;
    }
    let mut ticks = tokio::time::interval(TICK);
    let mut arrivals = Arrivals::new(seed);
    loop {
        ticks.tick().await;
        for visit in arrivals.next(luck.rate.load(Ordering::Relaxed)) {
            let Some(entrance) = entrances.get(visit.service).copied() else { continue };
            let (clients, luck) = (clients.clone(), Arc::clone(&luck));
            drop(tokio::spawn(async move {
                let done = visit.pay(entrance, &clients).await;
                let count = if done.is_ok() { &luck.served } else { &luck.failed };
                count.fetch_add(1, Ordering::Relaxed);
            }));
        }
    }
}

/// Which clients come in which tick, and what each does: by the seed and the rate alone, not by the clock.
struct Arrivals {
    random: Random,
    due: f64,
    tick: u32,
}

impl Arrivals {
    const fn new(seed: u64) -> Self {
        Self { random: Random(seed), due: 0.0, tick: 0 }
    }

    /// Those of the next tick, at so many a second at the mean.
    fn next(&mut self, rate: u32) -> Vec<Visit> {
        self.tick = self.tick.wrapping_add(1);
        self.due += f64::from(rate) * tide(TICK * self.tick) * TICK.as_secs_f64();
        let mut visits = Vec::new();
        while self.due >= 1.0 {
            self.due -= 1.0;
            visits.push(Visit::draw(&mut self.random));
        }
        visits
    }
}

/// How much of the mean comes at a time: between a quarter and nearly double.
fn tide(since: Duration) -> f64 {
    let t = since.as_secs_f64();
    1.0 + 0.5 * (t / 45.0 * TAU).sin() + 0.25 * (t / 11.0 * TAU).sin()
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What one client will do.
#[derive(Debug, PartialEq, Eq)]
struct Visit {
    service: usize,
    from: IpAddr,
    requests: u64,
    pause: Duration,
    bytes: u64,
}

impl Visit {
    /// Seven of ten want the first service, two the second, one the third.
    fn draw(random: &mut Random) -> Self {
        let service = match random.draw() % 10 {
            0..7 => 0,
            7..9 => 1,
            _ => SERVICES.len() - 1,
        };
        let requests = 1 + random.draw() % 5;
        Self {
            service,
            from: client(random.draw()),
            requests,
            pause: Duration::from_millis(200 + random.draw() % 3000),
            bytes: 200 + random.draw() % 8000,
        }
    }

    async fn pay(&self, entrance: SocketAddr, clients: &Clients) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let port = socket.local_addr()?.port();
        clients.enter(port, self.from);
        let done = self.ask(socket, entrance).await;
        clients.leave(port);
        done
    }

    async fn ask(&self, socket: TcpSocket, entrance: SocketAddr) -> io::Result<()> {
        let mut stream = timeout(PATIENCE, socket.connect(entrance)).await??;
        let request = format!("GET /{} HTTP/1.1\r\nHost: demo\r\n\r\n", self.bytes);
        for turn in 0..self.requests {
            if turn > 0 {
                sleep(self.pause).await;
            }
            stream.write_all(request.as_bytes()).await?;
            timeout(PATIENCE, whole_answer(&mut stream)).await??;
        }
        Ok(())
    }
}

/// Reads an answer to its end.
async fn whole_answer(stream: &mut tokio::net::TcpStream) -> io::Result<()> {
    let mut answer = Vec::with_capacity(4096);
    loop {
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if answer.len() >= end + 4 + length {
                return Ok(());
            }
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_brings_the_same_clients_in_the_same_ticks() {
        let minute = |seed| {
            let mut arrivals = Arrivals::new(seed);
            (0..600).map(|_| arrivals.next(USUAL)).collect::<Vec<_>>()
        };
        assert_eq!(minute(7), minute(7));
        assert_ne!(minute(7), minute(8));
        let clients = minute(7).iter().map(Vec::len).sum::<usize>();
        assert!((400..600).contains(&clients), "{clients} in a minute");
    }
}
