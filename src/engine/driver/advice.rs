//! Looks at this host every half minute, and soon after something happened, and tells what hurts.
//!
//! A thread of its own: both loops never wait for it, and it holds no lock while it reads. A warning appears and goes with
//! its cause; both are events. It ends with the engine.

use super::shared::Shared;
use crate::engine::advice::{Jump, advise};
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::io::host_facts;
use crate::engine::model::Configuration;
use crate::engine::snapshot::Warning;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Time between two looks when nothing happens.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time between two looks when much happens.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a jump of the clock is told.
const JUMP_TOLD: Duration = Duration::from_mins(10);

/// The way to the thread.
pub struct Adviser {
    configuration: Arc<Mutex<Arc<Configuration>>>,
    bell: SyncSender<()>,
}

impl Adviser {
    /// Starts the thread, which looks at once.
    pub fn start(shared: Arc<Shared>, configuration: Arc<Configuration>) -> io::Result<Self> {
        let configuration = Arc::new(Mutex::new(configuration));
        let (bell, rung) = sync_channel(1);
        let mut looker = Looker {
            shared,
            configuration: Arc::clone(&configuration),
            told: BTreeMap::new(),
            clocks: None,
            jump: None,
        };
        thread::Builder::new().name("advice".to_owned()).spawn(move || looker.run(&rung))?;
        Ok(Self { configuration, bell })
    }

    /// Another configuration runs from now on.
    pub fn reload(&self, configuration: Arc<Configuration>) {
        *self.configuration.lock().unwrap_or_else(PoisonError::into_inner) = configuration;
        self.look();
    }

    /// Looks soon.
    pub fn look(&self) {
        _ = self.bell.try_send(());
    }
}

struct Looker {
    shared: Arc<Shared>,
    configuration: Arc<Mutex<Arc<Configuration>>>,
    /// What was told and still holds, by code and subject.
    told: BTreeMap<(String, String), Warning>,
    clocks: Option<(SystemTime, Duration)>,
    jump: Option<(Instant, Jump)>,
}

impl Looker {
    fn run(&mut self, rung: &Receiver<()>) {
        let mut seen = self.shared.status().last_event;
        loop {
            self.look();
            let looked_at = Instant::now();
            // The pause bounds what a storm of events costs.
            if rung.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            loop {
                let events = self.shared.page(seen, usize::MAX);
                seen = events.last().map_or(seen, |event| event.seq);
                if events.iter().any(|event| is_cause(event)) || looked_at.elapsed() >= INTERVAL {
                    break;
                }
                match rung.recv_timeout(PAUSE) {
                    Ok(()) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    fn look(&mut self) {
        let configuration = Arc::clone(&self.configuration.lock().unwrap_or_else(PoisonError::into_inner));
        let mut facts = host_facts::read(Path::new("/"));
        facts.clock.jump = self.jump();
        let warnings = advise(&facts, &configuration, &self.shared.status());
        let now: BTreeMap<_, _> = warnings.iter().map(|w| ((w.code.clone(), w.subject.clone()), w.clone())).collect();
        self.shared.publish_advice(warnings);
        let before = std::mem::replace(&mut self.told, now);
        for fact in changes(&before, &self.told) {
            self.shared.append(fact);
        }
    }

    /// Compares the clocks with those of the look before.
    fn jump(&mut self) -> Option<Jump> {
        let now = host_facts::clocks();
        if let Some(jump) = self.clocks.replace(now).and_then(|before| Jump::between(before, now)) {
            self.jump = Some((Instant::now(), jump));
        }
        self.jump.filter(|(at, _)| at.elapsed() < JUMP_TOLD).map(|(_, jump)| jump)
    }
}

/// Whether an event may have changed what a look finds.
const fn is_cause(event: &Event) -> bool {
    matches!(event.kind, EventKind::Link | EventKind::Address | EventKind::InstanceState | EventKind::ServerAdmin)
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
