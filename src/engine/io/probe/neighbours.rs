//! Who of this host's neighbours does not answer: the kernel's neighbour table, of both families (`rtnetlink(7)`, `RTM_GETNEIGH`).
//!
//! One reading serves all checks that ask within a quarter of a second. It never holds the loop up: the kernel lists while nobody
//! changes links or routes, which may take its time.

use crate::engine::io::netlink::{Message, Requests};
use crate::engine::ipvs::attribute::{Attributes, array};
use neli::consts::nl::NlmF;
use neli::consts::socket::NlFamily;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How old a reading may be.
const SHARED: Duration = Duration::from_millis(250);
/// How long a check waits for a reading.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of `struct ndmsg`.
const HEADER: usize = 12;
/// `NDA_*` and `NUD_*` (`uapi/linux/neighbour.h`).
const NDA_DST: u16 = 1;
const NDA_CACHEINFO: u16 = 3;
const NUD_INCOMPLETE: u16 = 0x01;
const NUD_FAILED: u16 = 0x20;

/// Until when an address has not answered; none of one that has.
type Silent = HashMap<IpAddr, Option<Instant>>;

/// Whether this address is a neighbour's that has not answered ARP or neighbour discovery since something was sent to it. One behind a
/// router has no entry, and nothing is known where the table can't be read in time. `waited`: for how long nothing has been heard.
pub(super) async fn is_silent(address: IpAddr, sent_at: Instant, waited: Duration) -> bool {
    static LAST: Mutex<Option<(Instant, Silent)>> = Mutex::const_new(None);
    let asked = async {
        let mut last = LAST.lock().await;
        if last.as_ref().is_none_or(|(read_at, _)| read_at.elapsed() > SHARED.min(waited / 4)) {
            // The lock goes along: who has no patience left begins no second reading.
            let read = spawn_blocking(move || {
                *last = Some((Instant::now(), read()));
                last
            });
            last = read.await.ok()?;
        }
        let (_, silent) = last.as_ref()?;
        silent.get(&address).copied().flatten().filter(|until| *until >= sent_at)
    };
    matches!(timeout(PATIENCE, asked).await, Ok(Some(_)))
}

/// Reads the table of the calling thread's network namespace. What was read before an error counts.
fn read() -> Silent {
    let (now, mut silent) = (Instant::now(), Silent::new());
    if let Ok(mut requests) = Requests::open(NlFamily::Route, PATIENCE) {
        _ = requests.request(libc::RTM_GETNEIGH, NlmF::DUMP, &[0; HEADER], |message| note(&mut silent, message, now));
    }
    silent
}

/// One entry. Of an address that is there over several interfaces one that has answered counts.
fn note(silent: &mut Silent, message: Message<'_>, now: Instant) {
    let Some((address, until)) = entry(message, now) else { return };
    silent
        .entry(address)
        .and_modify(|known| *known = known.zip(until).map(|(one, other)| one.max(other)))
        .or_insert(until);
}

/// A question that is out has no answer until now. One that failed may be of a way that is taken no more: what is sent begins another.
fn entry(message: Message<'_>, now: Instant) -> Option<(IpAddr, Option<Instant>)> {
    let state = u16::from_ne_bytes(array(message.payload.get(8..)?)?);
    let attributes = Attributes::new(message.payload.get(HEADER..)?).index::<4>();
    let address = match attributes.get(NDA_DST)?.len() {
        4 => IpAddr::from(attributes.array::<4>(NDA_DST)?),
        _ => IpAddr::from(attributes.array::<16>(NDA_DST)?),
    };
    let until = match state {
        NUD_INCOMPLETE => Some(now),
        // `struct nda_cacheinfo`: hundredths of a second since it was confirmed, used and changed.
        NUD_FAILED => {
            let changed = attributes.get(NDA_CACHEINFO).and_then(|times| array(times.get(8..)?));
            now.checked_sub(Duration::from_millis(10 * u64::from(u32::from_ne_bytes(changed?))))
        }
        _ => None,
    };
    Some((address, until))
}
