//! Bytes from one connection to another, both ways, until both ends have closed or one breaks.
//!
//! An idle connection holds no buffer: what was read is written at once from one that the thread has, and only what the
//! other side does not take is kept.

use crate::engine::ipvs::Traffic;
use socket2::SockRef;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;

/// What is read at once, at most.
const PIECE: usize = 64 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// Traffic that is counted while it moves.
#[derive(Debug, Default)]
pub(super) struct Tally {
    in_packets: AtomicU64,
    out_packets: AtomicU64,
    in_bytes: AtomicU64,
    out_bytes: AtomicU64,
}

impl Tally {
    pub fn traffic(&self) -> Traffic {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic {
            connections: 0,
            in_packets: read(&self.in_packets),
            out_packets: read(&self.out_packets),
            in_bytes: read(&self.in_bytes),
            out_bytes: read(&self.out_bytes),
        }
    }

    fn came(&self, bytes: u64) {
        self.in_packets.fetch_add(1, Ordering::Relaxed);
        self.in_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn went(&self, bytes: u64) {
        self.out_packets.fetch_add(1, Ordering::Relaxed);
        self.out_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Relays until both have closed or one breaks; `closing` is called when either has closed.
pub(super) async fn both_ways(client: &TcpStream, server: &TcpStream, tallies: &[&Tally], closing: impl Fn() + Sync) {
    for stream in [client, server] {
        // What can't be set is slower, and no more.
        let _ = stream.set_nodelay(true);
    }
    let came = |bytes| tallies.iter().for_each(|tally| tally.came(bytes));
    let went = |bytes| tallies.iter().for_each(|tally| tally.went(bytes));
    let done = tokio::try_join!(one_way(client, server, came, &closing), one_way(server, client, went, &closing));
    if done.is_err() {
        // A broken side breaks the other: nobody takes half of an answer for the whole.
        refuse(client);
        refuse(server);
    }
}

/// Closes with a reset.
pub(super) fn refuse(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

async fn one_way(from: &TcpStream, to: &TcpStream, count: impl Fn(u64), closed: &impl Fn()) -> io::Result<()> {
    loop {
        from.readable().await?;
        let (read, mut rest) = match step(from, to) {
            Ok(moved) => moved,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if read == 0 {
            closed();
            return SockRef::from(to).shutdown(Shutdown::Write);
        }
        count(read);
        while !rest.is_empty() {
            to.writable().await?;
            match to.try_write(&rest) {
                Ok(taken) => drop(rest.drain(..taken)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads a piece and writes it; gives how much was read (0: closed) and what the other side did not take.
fn step(from: &TcpStream, to: &TcpStream) -> io::Result<(u64, Vec<u8>)> {
    SCRATCH.with_borrow_mut(|scratch| {
        let read = from.try_read(scratch)?;
        let piece = scratch.get(..read).unwrap_or_default();
        let taken = match to.try_write(piece) {
            Ok(taken) => taken,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        Ok((read as u64, piece.get(taken..).unwrap_or_default().to_vec()))
    })
}
