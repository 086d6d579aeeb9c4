//! Looks at this host every half minute, and soon after something happened, and tells what hurts.
//!
//! A thread of its own: both loops never wait for it, and it holds no lock while it reads. A warning appears and goes with
//! its cause; both are events. It ends with the engine.

use super::shared::Shared;
use crate::engine::advice::{Facts, Jump, advise};
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::io::host_facts;
use crate::engine::model::Configuration;
use crate::engine::snapshot::Warning;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Time between two looks when nothing happens.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time between two looks when much happens.
const PAUSE: Duration = Duration::from_secs(2);
/// The code of the warning about a jump of the clock.
const JUMPED: &str = "clock-jumped";
/// How long a jump of the clock is told.
const JUMP_TOLD: Duration = Duration::from_mins(10);

/// The running thread; it ends when this is dropped.
pub struct Adviser {
    _alive: Sender<()>,
}

impl Adviser {
    /// Starts the thread, which looks at once. `configuration` gives the one that runs at each look.
    pub fn start(
        shared: Arc<Shared>,
        configuration: impl Fn() -> Arc<Configuration> + Send + 'static,
    ) -> io::Result<Self> {
        let (alive, ended) = channel();
        let configuration = Box::new(configuration);
        let mut looker = Looker {
            shared,
            configuration,
            told: BTreeMap::new(),
            clocks: None,
            jumps: Jumps::default(),
            dropped: u64::MAX,
        };
        thread::Builder::new().name("advice".to_owned()).spawn(move || looker.run(&ended))?;
        Ok(Self { _alive: alive })
    }
}

struct Looker {
    shared: Arc<Shared>,
    configuration: Box<dyn Fn() -> Arc<Configuration> + Send>,
    /// What was told and still holds, by code and subject.
    told: BTreeMap<(String, String), Warning>,
    clocks: Option<(SystemTime, Duration)>,
    jumps: Jumps,
    /// Messages that the sync daemon had lost at the look before.
    dropped: u64,
}

impl Looker {
    fn run(&mut self, ended: &Receiver<()>) {
        let mut seen = self.shared.status().last_event;
        loop {
            self.look();
            let looked_at = Instant::now();
            let mut cause = false;
            while !cause && looked_at.elapsed() < INTERVAL {
                // The pause also bounds what a storm of events costs.
                if ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
                let events = self.shared.page(seen, usize::MAX);
                seen = events.last().map_or(seen, |event| event.seq);
                cause = events.iter().any(|event| is_cause(event));
            }
        }
    }

    fn look(&mut self) {
        let configuration = (self.configuration)();
        let mut facts = host_facts::read(Path::new("/"));
        facts.clock.jump = self.jump();
        if self.jumps.is_news {
            // Another jump is told anew, though the warning about the one before still stands.
            self.told.retain(|(code, _), _| code != JUMPED);
        }
        self.since_the_last_look(&mut facts);
        let warnings = advise(&facts, &configuration, &self.shared.status());
        let now: BTreeMap<_, _> = warnings.iter().map(|w| ((w.code.clone(), w.subject.clone()), w.clone())).collect();
        self.shared.publish_advice(warnings);
        let before = std::mem::replace(&mut self.told, now);
        for fact in changes(&before, &self.told) {
            self.shared.append(fact);
        }
    }

    /// Makes of what the sync daemon lost altogether what it lost since the look before.
    fn since_the_last_look(&mut self, facts: &mut Facts) {
        if let Some(ipvs) = &mut facts.ipvs {
            let before = std::mem::replace(&mut self.dropped, ipvs.dropped);
            ipvs.dropped = ipvs.dropped.saturating_sub(before);
        }
    }

    /// Compares the clocks with those of the look before.
    fn jump(&mut self) -> Option<Jump> {
        let now = host_facts::clocks();
        let seen = self.clocks.replace(now).and_then(|before| Jump::between(before, now));
        self.jumps.see(Instant::now(), seen)
    }
}

/// The last jump of the clock.
#[derive(Default)]
struct Jumps {
    last: Option<(Instant, Jump)>,
    /// It was seen at this look.
    is_news: bool,
}

impl Jumps {
    /// Takes in what a look found: the jump that is to be told.
    fn see(&mut self, now: Instant, seen: Option<Jump>) -> Option<Jump> {
        self.is_news = seen.is_some();
        if let Some(jump) = seen {
            self.last = Some((now, jump));
        }
        self.last.filter(|(at, _)| now.saturating_duration_since(*at) < JUMP_TOLD).map(|(_, jump)| jump)
    }
}

/// Whether an event may have changed what a look finds.
const fn is_cause(event: &Event) -> bool {
    use EventKind::{Address, Command, InstanceState, Link, Quorum, ServerAdmin, ServerTable, SyncDaemon};
    matches!(event.kind, Link | Address | InstanceState | ServerAdmin | ServerTable | Quorum | SyncDaemon | Command)
}

/// The events of what appeared and what is gone.
fn changes<'a>(
    before: &'a BTreeMap<(String, String), Warning>,
    now: &'a BTreeMap<(String, String), Warning>,
) -> impl Iterator<Item = Fact> + 'a {
    let fact = |severity, warning: &Warning| Fact::new(EventKind::Warning, severity, warning.subject.clone());
    let appeared = now.iter().filter(|(key, _)| !before.contains_key(*key)).map(move |(_, warning)| {
        fact(Severity::Warning, warning)
            .to(warning.code.clone())
            .reason(warning.message.clone())
            .detail(warning.next.clone())
    });
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key)).map(move |(_, warning)| {
        fact(Severity::Notice, warning).change(warning.code.clone(), "gone").reason("its cause is gone")
    });
    appeared.chain(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(code: &str) -> ((String, String), Warning) {
        let text = |t: &str| t.to_owned();
        let warning = Warning { code: text(code), subject: text("eth0"), message: text("why"), next: text("do") };
        ((text(code), text("eth0")), warning)
    }

    #[test]
    fn a_second_jump_of_the_clock_is_told_anew_and_each_is_told_for_ten_minutes() {
        let (start, minute) = (Instant::now(), Duration::from_mins(1));
        let jump = |seconds| Some(Jump { by: Duration::from_secs(seconds), forward: true });
        let mut jumps = Jumps::default();
        let mut look = |minutes, seen| (jumps.see(start + minute * minutes, seen), jumps.is_news);
        assert_eq!(look(0, None), (None, false));
        assert_eq!(look(1, jump(90)), (jump(90), true));
        assert_eq!(look(2, None), (jump(90), false));
        assert_eq!(look(5, jump(3600)), (jump(3600), true), "within ten minutes of the first");
        assert_eq!(look(14, None), (jump(3600), false));
        assert_eq!(look(15, None), (None, false));
        assert!(crate::engine::advice::RULES.iter().any(|rule| rule.code == JUMPED));
    }

    #[test]
    fn a_warning_is_told_when_it_appears_and_when_it_goes_and_not_between() {
        let (none, one) = (BTreeMap::new(), BTreeMap::from([warning("arp-flux")]));
        let told = |before, now| changes(before, now).collect::<Vec<_>>();
        let appeared =
            Fact::new(EventKind::Warning, Severity::Warning, "eth0").to("arp-flux").reason("why").detail("do");
        assert_eq!(told(&none, &one), [appeared]);
        assert_eq!(told(&one, &one), []);
        let gone = Fact::new(EventKind::Warning, Severity::Notice, "eth0").change("arp-flux", "gone");
        assert_eq!(told(&one, &none), [gone.reason("its cause is gone")]);
    }
}
