//! Looks at the processes and files that instances track, and tells the failover loop what follows. On a thread of its own:
//!
//! 1. the end of a process that counts and a change of a file are told by the kernel at once; processes are looked at again
//!    twice a second, since nobody tells of a new one, and so are files in directories that can't be watched;
//! 2. what counts differently goes to the failover loop;
//! 3. nothing is looked at that no instance tracks.

use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::io::number_file::{self, Number, Watch};
use crate::engine::io::process_list;
use crate::engine::io::wait::{self, Alarm, Bell, Ear};
use crate::engine::model::{CheckKind, Configuration, TrackKind, TrackedFile, TrackedProcess};
use crate::engine::vrrp::{Quorum, Tracked, matches, needs_arguments};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How often everything is looked at.
const INTERVAL: Duration = Duration::from_millis(500);
/// An empty file counts when it is still so after this: whoever writes it anew empties it first.
const SETTLES: Duration = Duration::from_millis(100);
/// Processes whose end is waited for; of more, the end is seen at the next look.
const HELD: usize = 256;

/// What some instance tracks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    processes: Vec<TrackedProcess>,
    files: Vec<TrackedFile>,
}

/// The processes and files that some instance tracks, and the files of checks: `init_file` is for them too.
pub fn prepare(configuration: &Configuration) -> Wanted {
    let all = configuration.virtual_routers.iter().flat_map(|router| &router.tracks);
    let servers = configuration.virtual_servers.iter().flat_map(|service| &service.real_servers);
    let of_checks = servers.flat_map(|server| &server.checks).filter_map(|check| match &check.kind {
        CheckKind::File(file) => Some((TrackKind::File, file.name.as_str())),
        _ => None,
    });
    let of_instances = all.map(|track| (track.kind, track.name.as_str()));
    let tracked: BTreeSet<(TrackKind, &str)> = of_instances.chain(of_checks).collect();
    let processes = configuration.processes.iter().filter(|p| tracked.contains(&(TrackKind::Process, &p.name)));
    let files = configuration.files.iter().filter(|f| tracked.contains(&(TrackKind::File, &f.name)));
    Wanted { processes: processes.cloned().collect(), files: files.cloned().collect() }
}

/// How the processes and files count that `new` tracks and `old` does not, or otherwise. Nothing is written: a file that `init_file`
/// would write counts as it would then.
pub fn foresee(old: &Configuration, new: &Configuration) -> BTreeMap<(TrackKind, String), Tracked> {
    let (Wanted { files: known, processes: counted }, Wanted { processes, files }) = (prepare(old), prepare(new));
    let value = |file: &TrackedFile| match (file.start, number_file::read(Path::new(&file.path))) {
        (Some((value, true)), _) | (Some((value, false)), Number::Missing) | (_, Number::Is(value)) => value,
        _ => 0,
    };
    let files = files.iter().filter(|file| !known.contains(file));
    let files = files.map(|file| ((TrackKind::File, file.name.clone()), Tracked::Value(value(file))));
    let processes: Vec<&TrackedProcess> = processes.iter().filter(|process| !counted.contains(process)).collect();
    let Some(counts) = count(&processes) else { return files.collect() };
    let processes = processes.into_iter().zip(counts).filter_map(|(process, (count, _))| {
        let enough = Quorum::default().see(Instant::now(), process, count)?;
        Some(((TrackKind::Process, process.name.clone()), if enough { Tracked::Up } else { Tracked::Down }))
    });
    files.chain(processes).collect()
}

/// How many run of each, and which; none where there is no list.
fn count(wanted: &[&TrackedProcess]) -> Option<Vec<(u32, BTreeSet<u32>)>> {
    let full = wanted.iter().any(|wanted| needs_arguments(wanted));
    let mut counts = vec![(0_u32, BTreeSet::new()); wanted.len()];
    if wanted.is_empty() {
        return Some(counts);
    }
    for process in process_list::list().ok()? {
        let arguments = if full { process_list::command_line(process.pid) } else { Vec::new() };
        for (wanted, (count, which)) in wanted.iter().zip(&mut counts) {
            if matches(wanted, &process.name, || arguments.clone()) {
                *count += 1;
                which.insert(process.pid);
            }
        }
    }
    Some(counts)
}

enum Request {
    Reload(Wanted),
    End,
}

/// The way into a running loop.
#[derive(Clone)]
pub struct WatchesSender {
    requests: Sender<Request>,
    bell: Arc<Bell>,
}

impl WatchesSender {
    /// From now on looks at what another configuration tracks.
    pub fn reload(&self, wanted: Wanted) {
        self.send(Request::Reload(wanted));
    }

    /// Ends the loop.
    pub fn end(&self) {
        self.send(Request::End);
    }

    fn send(&self, request: Request) {
        // A loop that has ended needs no request.
        _ = self.requests.send(request);
        self.bell.ring();
    }
}

/// The loop before it runs.
pub struct WatchLoop<T, R> {
    requests: Receiver<Request>,
    ear: Ear,
    alarm: Alarm,
    watch: Watch,
    processes: Vec<(TrackedProcess, Quorum)>,
    files: Vec<(TrackedFile, Option<Number>)>,
    /// When empty files count.
    settles_at: Option<Instant>,
    /// Of processes that count.
    ends: BTreeMap<u32, OwnedFd>,
    tell: T,
    report: R,
}

impl<T: Fn(TrackKind, String, Tracked, String), R: Fn(Fact)> WatchLoop<T, R> {
    /// A loop that looks at nothing yet. `tell` gets what it is, its name, how it counts from now on, and what was seen.
    pub fn new(tell: T, report: R) -> io::Result<(Self, WatchesSender)> {
        let (bell, ear) = wait::bell()?;
        let (requests, received) = channel();
        let this = Self {
            requests: received,
            ear,
            alarm: Alarm::new()?,
            watch: Watch::new()?,
            processes: Vec::new(),
            files: Vec::new(),
            settles_at: None,
            ends: BTreeMap::new(),
            tell,
            report,
        };
        Ok((this, WatchesSender { requests, bell: Arc::new(bell) }))
    }

    /// Runs until it is told to end. Errors: its descriptors can't be waited for.
    pub fn run(mut self, wanted: Wanted) -> io::Result<()> {
        self.adopt(wanted);
        let (mut look_at, mut files_changed) = (Instant::now(), true);
        loop {
            let now = Instant::now();
            let ends: Vec<RawFd> = self.ends.values().map(AsRawFd::as_raw_fd).collect();
            let due = look_at <= now;
            if due || files_changed || self.settles_at.is_some_and(|at| at <= now) {
                self.look_at_files(now, files_changed);
            }
            if due || wait::is_any_readable(&ends) {
                self.look_at_processes(now);
                let turns = self.processes.iter().filter_map(|(_, quorum)| quorum.due_at()).min();
                look_at = turns.map_or(now + INTERVAL, |at| at.clamp(now, now + INTERVAL));
            }
            let idle = self.processes.is_empty() && self.files.is_empty();
            let next = self.settles_at.map_or(look_at, |at| at.min(look_at));
            self.alarm.set((!idle).then_some(next))?;
            let mut descriptors: Vec<RawFd> =
                vec![self.ear.as_raw_fd(), self.alarm.as_raw_fd(), self.watch.as_raw_fd()];
            descriptors.extend(self.ends.values().map(AsRawFd::as_raw_fd));
            wait::readable(&descriptors)?;
            self.ear.clear();
            files_changed = self.watch.clear();
            while let Ok(request) = self.requests.try_recv() {
                match request {
                    Request::Reload(wanted) => {
                        self.adopt(wanted);
                        look_at = Instant::now();
                    }
                    Request::End => return Ok(()),
                }
            }
        }
    }

    /// What is as it was is not told again.
    fn adopt(&mut self, wanted: Wanted) {
        let Wanted { processes, files } = wanted;
        let mut before = std::mem::take(&mut self.processes);
        for process in processes {
            let same = before.iter().position(|(old, _)| *old == process);
            let quorum = same.map_or_else(Quorum::default, |at| before.swap_remove(at).1);
            self.processes.push((process, quorum));
        }
        let mut before = std::mem::take(&mut self.files);
        for file in files {
            let same = before.iter().position(|(old, _)| *old == file);
            let seen = same.map_or_else(|| self.begin(&file), |at| before.swap_remove(at).1);
            self.files.push((file, seen));
        }
        self.ends.clear();
    }

    /// `init_file`.
    fn begin(&self, file: &TrackedFile) -> Option<Number> {
        let (value, over) = file.start?;
        if let Err(error) = number_file::write(Path::new(&file.path), value, over) {
            let why = format!("{} can't be written: {error}", file.path);
            let fact = Fact::new(EventKind::Warning, Severity::Warning, format!("file {}", file.name)).reason(why);
            (self.report)(fact.detail("make its directory, or correct track_file"));
        }
        None
    }

    /// Reads those that changed, if any has, and those of which nobody tells.
    fn look_at_files(&mut self, now: Instant, changed: bool) {
        // A look in between, for another reason, does not forget it.
        let is_settled = self.settles_at.take_if(|at| *at <= now).is_some();
        for (file, seen) in &mut self.files {
            let path = Path::new(&file.path);
            let is_told = self.watch.watches(path);
            self.watch.add(path);
            if is_told && !changed && !is_settled && seen.is_some() {
                continue;
            }
            let number = number_file::read(path);
            if seen.as_ref() == Some(&number) {
                continue;
            }
            if number == Number::Empty && !is_settled {
                self.settles_at = Some(now + SETTLES);
                continue;
            }
            if number == Number::Outside {
                let said = format!("{} holds a number beyond 32 bits: the one before goes on counting", file.path);
                let fact = Fact::new(EventKind::Warning, Severity::Warning, format!("file {}", file.name));
                (self.report)(fact.reason(said.clone()).detail("let a smaller number be written into it"));
                if seen.replace(number).is_none() {
                    (self.tell)(TrackKind::File, file.name.clone(), Tracked::Value(0), said);
                }
                continue;
            }
            let (value, said) = match &number {
                Number::Is(value) => (*value, format!("it says {value}")),
                Number::Missing => (0, format!("{} does not exist: that counts as 0", file.path)),
                Number::Unreadable(why) => (0, format!("{} can't be read ({why}): that counts as 0", file.path)),
                Number::Empty => (0, format!("{} is empty: that counts as 0", file.path)),
                Number::None | Number::Outside => (0, format!("{} begins with no number: that counts as 0", file.path)),
            };
            *seen = Some(number);
            (self.tell)(TrackKind::File, file.name.clone(), Tracked::Value(value), said);
        }
    }

    fn look_at_processes(&mut self, now: Instant) {
        if self.processes.is_empty() {
            return;
        }
        // Without a list nothing is known, and nothing is concluded; an end that was told would wake this thread on and on.
        let Some(counts) = count(&self.processes.iter().map(|(wanted, _)| wanted).collect::<Vec<_>>()) else {
            self.ends.clear();
            return;
        };
        let counting: BTreeSet<u32> = counts.iter().flat_map(|(_, which)| which).copied().collect();
        self.ends.retain(|pid, _| counting.contains(pid));
        for pid in counting {
            if self.ends.len() < HELD && !self.ends.contains_key(&pid) {
                self.ends.extend(process_list::end_of(pid).map(|end| (pid, end)));
            }
        }
        for ((wanted, quorum), (count, _)) in self.processes.iter_mut().zip(counts) {
            if let Some(enough) = quorum.see(now, wanted, count) {
                let state = if enough { Tracked::Up } else { Tracked::Down };
                (self.tell)(TrackKind::Process, wanted.name.clone(), state, quorum.said(wanted));
            }
        }
    }
}
