//! The connection against a scripted kernel: what netlink does to those who read tables over it, one test a hazard.
//!
//! The sockets are neli's, its router is not used: one request at a time, nobody else's task, our own time-outs. What that keeps
//! away, and what is left to take care of:
//!
//! | hazard | test |
//! |---|---|
//! | a router that holds 1,024 messages and no more hangs at the next request | `a_list_of_a_hundred_thousand_is_read_whole_and_the_next_request_is_answered` |
//! | a list that was left half read makes the next one EBUSY | `a_list_in_the_way_is_left_behind_with_its_connection` |
//! | events that nobody drains stall the requests beside them | `requests_join_no_group_so_that_no_event_is_among_the_answers` |
//! | the receive buffer is too small for the refusals of a batch (ENOBUFS) | `a_batch_whose_refusals_were_lost_is_no_success`, `the_receive_buffer_holds_the_refusals_of_a_batch` |
//! | the end of a list comes as a message without a payload | `the_end_of_a_list_is_no_service` |
//! | errors are negative numbers, and a missing family is ENOENT | `a_kernel_without_the_family_is_a_kernel_without_ip_vs`, `a_refusal_is_ours_in_words` |
//! | an interrupted list (`NLM_F_DUMP_INTR`) is not told apart | `a_list_that_changes_under_the_reader_is_read_again_but_not_for_ever` |
//! | the calls need a kernel | this file: [`Netlink`] over a [`Carrier`], and the table behind `IpvsKernel` |
//! | a library that logs errors of its own | `nothing_is_logged_by_the_library` |
//! | untyped nests, fields in network order | `src/engine/ipvs/message/tests.rs` |

use super::*;
use crate::engine::io::netlink::{Messages, frame};
use crate::engine::ipvs::{Destination, Traffic, Tunnel};
use crate::engine::model::{Forwarding, RealServerKey, Weight};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The family's number in these tests.
const NUMBER: u16 = 28;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// What happens to requests, beside that the table is what it is.
#[derive(Default)]
struct World {
    table: IpvsTable,
    /// For the nth request with this command: what happens in place of an answer.
    faults: Vec<(u8, usize, Fault)>,
    asked: BTreeMap<u8, usize>,
    no_family: bool,
}

#[derive(Clone, Copy)]
enum Fault {
    /// It ends with this errno.
    Errno(i32),
    /// Its messages say that the list changed.
    Interrupted,
    /// The socket gives this error in place of the answer.
    Socket(i32),
    /// Before it is answered, this service is removed.
    Vanishes(&'static str),
    /// Nothing comes.
    Silence,
}

/// A socket to that kernel.
struct Wire {
    world: Arc<Mutex<World>>,
    answers: VecDeque<io::Result<Vec<u8>>>,
}

impl Carrier for Wire {
    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let mut world = self.world.lock().unwrap();
        for message in Messages(&bytes) {
            let answers = world.answer(message.kind, message.flags, message.seq, message.payload);
            self.answers.extend(answers);
        }
        Ok(())
    }
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A socket whose time is over says WouldBlock.
        let answer = self.answers.pop_front().unwrap_or(Err(io::ErrorKind::WouldBlock.into()))?;
        buffer[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }
}

impl World {
    fn answer(&mut self, kind: u16, flags: NlmF, seq: u32, payload: &[u8]) -> Vec<io::Result<Vec<u8>>> {
        let (command, body) = (payload[0], &payload[HEADER..]);
        let end = |errno: i32| frame(ERROR, NlmF::empty(), seq, &(-errno).to_ne_bytes());
        if kind != NUMBER {
            let id = Builder::default().put(FAMILY_ID, &NUMBER.to_ne_bytes()).finish();
            let family = frame(16, NlmF::empty(), seq, &[&[1, 2, 0, 0], id.as_slice()].concat());
            return if self.no_family { vec![Ok(end(libc::ENOENT))] } else { vec![Ok([family, end(0)].concat())] };
        }
        let turn = self.asked.entry(command).or_default();
        *turn += 1;
        let turn = *turn;
        let fault = self.faults.iter().find(|(which, nth, _)| (*which, *nth) == (command, turn)).map(|fault| fault.2);
        let mut extra = NlmF::MULTI;
        match fault {
            Some(Fault::Errno(errno)) => return vec![Ok(end(errno))],
            Some(Fault::Socket(errno)) => return vec![Err(io::Error::from_raw_os_error(errno))],
            Some(Fault::Silence) => return Vec::new(),
            Some(Fault::Interrupted) => extra |= NlmF::DUMP_INTR,
            Some(Fault::Vanishes(key)) => drop(self.table.services.remove(&key.parse().unwrap())),
            None => {}
        }
        let item = |op: &IpvsOp| {
            let request = message::encode(op);
            frame(NUMBER, extra, seq, &[&[request.command, 1, 0, 0], request.body.as_slice()].concat())
        };
        let asked_for = message::service(body).map(|(key, _)| key).or_else(|| key_of(&self.table, body));
        let found = asked_for.and_then(|key| Some((key, self.table.services.get(&key)?.clone())));
        let items: Vec<Vec<u8>> = match (command, flags.contains(NlmF::DUMP)) {
            (command::GET_SERVICE, true) => {
                let all = self.table.services.iter();
                all.map(|(key, service)| item(&IpvsOp::NewService(*key, Box::new(service.clone())))).collect()
            }
            (command::GET_SERVICE, false) => return vec![Ok(end(if found.is_some() { 0 } else { libc::ESRCH }))],
            (command::GET_DEST, _) => {
                let servers = found.iter().flat_map(|(key, service)| {
                    service
                        .destinations
                        .iter()
                        .map(|(server, d)| item(&IpvsOp::NewDestination(*key, *server, d.clone())))
                });
                servers.collect()
            }
            _ if flags.contains(NlmF::ACK) => return vec![Ok(end(0))],
            _ => return Vec::new(),
        };
        // As the kernel does: as many as 32 KiB hold, and the end in a message of its own.
        let mut answers: Vec<Vec<u8>> = vec![Vec::new()];
        for mut item in items {
            item.resize(item.len().next_multiple_of(4), 0);
            if answers.last().is_some_and(|last| last.len() + item.len() > 32 * 1024) {
                answers.push(Vec::new());
            }
            answers.last_mut().unwrap().extend(item);
        }
        answers.push(frame(DONE, extra, seq, &0_i32.to_ne_bytes()));
        answers.into_iter().filter(|answer| !answer.is_empty()).map(Ok).collect()
    }
}

/// The service that a request names, which says no more than its key.
fn key_of(table: &IpvsTable, body: &[u8]) -> Option<ServiceKey> {
    table.services.keys().copied().find(|key| body.starts_with(&message::about(*key)))
}

fn destination(weight: u32) -> Destination {
    Destination {
        forwarding: Forwarding::Dr,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(weight).unwrap(),
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

const WEB: &str = "tcp/10.0.0.1:80";
const DNS: &str = "udp/10.0.0.1:53";

/// Two services, the first with so many servers and the other with one.
fn table(servers: u32) -> IpvsTable {
    let server =
        |n: u32| RealServerKey::from(std::net::SocketAddr::from((std::net::Ipv4Addr::from_bits(0x0a01_0000 + n), 80)));
    let service = |count: u32| Service {
        scheduler: "rr".to_owned(),
        persistence: None,
        odd_mask: None,
        one_packet: false,
        scheduler_flags: 0,
        engine: None,
        destinations: (0..count).map(|n| (server(n), destination(n % 100))).collect(),
        traffic: Traffic::default(),
    };
    IpvsTable { services: [(WEB, servers), (DNS, 1)].map(|(key, n)| (key.parse().unwrap(), service(n))).into() }
}

struct Rig {
    world: Arc<Mutex<World>>,
    kernel: Netlink<Wire>,
    connections: Arc<AtomicUsize>,
}

fn rig_with(servers: u32, faults: &[(u8, usize, Fault)]) -> Rig {
    let world = World { table: table(servers), faults: faults.to_vec(), ..World::default() };
    let (world, connections) = (Arc::new(Mutex::new(world)), Arc::new(AtomicUsize::new(0)));
    let (behind, count) = (Arc::clone(&world), Arc::clone(&connections));
    let connect = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Requests::over(Wire { world: Arc::clone(&behind), answers: VecDeque::new() }))
    });
    Rig { world, kernel: Netlink::over(connect).unwrap(), connections }
}

impl Rig {
    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
    fn asked(&self, command: u8) -> usize {
        self.world.lock().unwrap().asked.get(&command).copied().unwrap_or(0)
    }
}

fn ops() -> Vec<IpvsOp> {
    let server = |n: u8| RealServerKey::from(std::net::SocketAddr::from(([10, 2, 0, n], 80)));
    (1..=3).map(|n| IpvsOp::NewDestination(WEB.parse().unwrap(), server(n), destination(1))).collect()
}

#[test]
fn a_list_of_a_hundred_thousand_is_read_whole_and_the_next_request_is_answered() {
    let mut rig = rig_with(100_000, &[]);
    let read = rig.kernel.read_table().unwrap();
    assert_eq!(read, table(100_000), "nothing lost, nothing doubled");
    assert_eq!(IpvsKernel::apply(&mut rig.kernel, &ops()[0]), Ok(()));
    assert_eq!(rig.connections(), 1);
}

#[test]
fn a_list_in_the_way_is_left_behind_with_its_connection() {
    let mut rig = rig_with(3, &[(command::GET_DEST, 1, Fault::Errno(libc::EBUSY))]);
    assert_eq!(rig.kernel.read_table().unwrap(), table(3));
    assert_eq!(rig.connections(), 2);
    let mut rig = rig_with(3, &[1, 2].map(|n| (command::GET_SERVICE, n, Fault::Errno(libc::EBUSY))));
    let refusal = rig.kernel.read_table().unwrap_err();
    assert!(refusal.message.contains("busy"), "{refusal}");
    assert_eq!(rig.kernel.read_table().unwrap(), table(3), "the next look is on its own");
}

#[test]
fn requests_join_no_group_so_that_no_event_is_among_the_answers() {
    // A real socket: what it says of itself.
    let mut requests = Requests::open(NlFamily::Generic, TIMEOUT).unwrap();
    assert_eq!(requests.groups().unwrap(), [0_usize; 0]);
    assert!(resolve(&mut requests).is_ok() || matches!(resolve(&mut requests), Err(RequestError::NoFamily)));
}

#[test]
fn the_receive_buffer_holds_the_refusals_of_a_batch() {
    let requests = Requests::open(NlFamily::Generic, TIMEOUT).unwrap();
    assert!(requests.receive_buffer().unwrap() >= BATCH * 1024, "{:?}", requests.receive_buffer());
}

#[test]
fn a_batch_whose_refusals_were_lost_is_no_success() {
    let mut rig = rig_with(3, &[(command::NEW_DEST, 2, Fault::Socket(libc::ENOBUFS))]);
    let ends = IpvsKernel::apply_all(&mut rig.kernel, &ops());
    assert!(ends.iter().all(Result::is_err), "who was refused is not known: {ends:?}");
    assert_eq!(rig.connections(), 2, "the next request has a connection of its own");
    assert_eq!(IpvsKernel::apply_all(&mut rig.kernel, &ops()), [Ok(()), Ok(()), Ok(())]);
}

#[test]
fn the_end_of_a_list_is_no_service() {
    let mut rig = rig_with(0, &[]);
    rig.world.lock().unwrap().table.services.clear();
    assert_eq!(rig.kernel.read_table().unwrap(), IpvsTable::default());
}

#[test]
fn a_kernel_without_the_family_is_a_kernel_without_ip_vs() {
    let world = Arc::new(Mutex::new(World { no_family: true, ..World::default() }));
    let connect = Box::new(move || Ok(Requests::over(Wire { world: Arc::clone(&world), answers: VecDeque::new() })));
    let refusal = Netlink::over(connect).err().unwrap();
    assert_eq!(refusal.kind, RefusalKind::NoIpvs);
    assert!(refusal.message.contains("modprobe ip_vs"), "{refusal}");
}

#[test]
fn a_refusal_is_ours_in_words() {
    for (errno, kind) in [
        (libc::EEXIST, RefusalKind::Exists),
        (libc::EINVAL, RefusalKind::Invalid),
        (libc::EPERM, RefusalKind::NotPermitted),
        (libc::ENOMEM, RefusalKind::Other),
    ] {
        let mut rig = rig_with(3, &[(command::NEW_DEST, 2, Fault::Errno(errno))]);
        let ends = IpvsKernel::apply_all(&mut rig.kernel, &ops());
        let refusal = ends[1].clone().unwrap_err();
        assert_eq!((refusal.kind, &ends[0], &ends[2]), (kind, &Ok(()), &Ok(())), "the others are done");
        assert!(refusal.message.contains("10.2.0.2:80"), "it names its operation: {refusal}");
        assert!(!refusal.message.contains("Nlmsg"), "{refusal}");
    }
}

#[test]
fn a_list_that_changes_under_the_reader_is_read_again_but_not_for_ever() {
    let once = [(command::GET_DEST, 1, Fault::Interrupted)];
    let mut rig = rig_with(3, &once);
    assert_eq!(rig.kernel.read_table().unwrap(), table(3));
    assert_eq!(rig.asked(command::GET_SERVICE), 2, "from the beginning");
    let always: Vec<_> = (1..=100).map(|n| (command::GET_SERVICE, n, Fault::Interrupted)).collect();
    let mut rig = rig_with(3, &always);
    let refusal = rig.kernel.read_table().unwrap_err();
    assert!(refusal.message.contains("changed while it was read"), "{refusal}");
    assert_eq!(rig.asked(command::GET_SERVICE), READINGS);
}

#[test]
fn a_service_that_vanishes_while_the_table_is_read_is_not_in_it() {
    let mut rig = rig_with(3, &[(command::GET_DEST, 1, Fault::Vanishes(WEB))]);
    let read = rig.kernel.read_table().unwrap();
    assert_eq!(read.services.into_keys().collect::<Vec<_>>(), [DNS.parse().unwrap()]);
}

#[test]
fn an_answer_that_never_comes_is_a_time_out_and_the_next_request_has_another_socket() {
    let mut rig = rig_with(3, &[(command::GET_DEST, 2, Fault::Silence), (command::SET_DEST, 1, Fault::Silence)]);
    let refusal = rig.kernel.read_table().unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::TimedOut, "{refusal}");
    assert_eq!(rig.connections(), 2);
    assert_eq!(rig.kernel.read_table().unwrap(), table(3));
    let server = RealServerKey::from(std::net::SocketAddr::from(([10, 1, 0, 0], 80)));
    let op = IpvsOp::SetDestination(WEB.parse().unwrap(), server, destination(5));
    assert_eq!(IpvsKernel::apply(&mut rig.kernel, &op).unwrap_err().kind, RefusalKind::TimedOut);
    assert_eq!((IpvsKernel::apply(&mut rig.kernel, &op), rig.connections()), (Ok(()), 3));
}

#[test]
fn nothing_is_logged_by_the_library() {
    // neli's router logs "ClosedChannel" when it is dropped early, and holds 1,024 messages: nobody uses it.
    for source in
        [include_str!("../ipvs_netlink.rs"), include_str!("../netlink.rs"), include_str!("../route_netlink.rs")]
    {
        assert!(source.contains("netlink") && !source.contains("router::") && !source.contains("NlRouter"));
    }
}
