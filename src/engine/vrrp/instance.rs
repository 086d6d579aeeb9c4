//! One virtual router as a state machine (RFC 3768 §6.4, RFC 9568 §6.4). A value: inputs come with the time they came at,
//! actions go out in the order in which they are to be done, deadlines are fields of the state they belong to.
//!
//! Only advertisements that passed the receive ladder get here, so nothing else can touch a timer. A losing advertisement
//! is answered at once (RFC 9568 §6.4.3), also in version 2, and restarts nothing (keepalived restarts `Adver_Timer`).
//!
//! A planned hand-over in version 3 is swift: two advertisements with a short interval teach the backups how long to wait,
//! then comes the resignation. Two, so that one may get lost.

use super::reason::TransitionReason as Reason;
use super::state::{Action, Announcement, Deadline, Heard, Input, Parameters, Preemption, State};
use super::timers::{last_resort, master_down_interval, skew_time};
use crate::engine::model::{AdvertInterval, AdvertisedPriority, GratuitousArp, Priority, VrrpVersion};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many resignations are answered at once within half an interval; others share one answer at its end.
const ANSWERS: u8 = 4;

/// A virtual router on one interface.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(super) parameters: Parameters,
    source: IpAddr,
    pub(super) state: State,
    pub(super) yields: bool,
    asks: bool,
    haste: Option<AdvertInterval>,
    /// When half an interval of answered resignations began, and how many came in it.
    resignations: Option<(Instant, u8)>,
}

impl Instance {
    /// Not started yet; `source` is the primary address, which decides among equal priorities.
    pub const fn new(parameters: Parameters, source: IpAddr) -> Self {
        Self {
            parameters,
            source,
            state: State::Initialize,
            yields: false,
            asks: false,
            haste: None,
            resignations: None,
        }
    }
    /// The state.
    pub const fn state(&self) -> &State {
        &self.state
    }
    /// The parameters.
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    /// The primary address changed.
    pub const fn set_source(&mut self, source: IpAddr) {
        self.source = source;
    }
    /// The priority that counts changed; what runs keeps its deadlines.
    pub const fn set_priority(&mut self, priority: Priority) {
        self.parameters.priority = priority;
    }
    /// Leaves any living master alone, whatever its priority, and takes over as the last resort only: when every backup would
    /// have.
    pub const fn set_yields(&mut self, yields: bool) {
        self.yields = yields;
    }
    /// At the end of the timer only becomes willing, and waits for [`Input::TakeOver`].
    pub const fn set_asks(&mut self, asks: bool) {
        self.asks = asks;
    }
    /// With which interval backups are told to wait before a planned resignation; none: with the usual one.
    pub const fn set_haste(&mut self, haste: Option<AdvertInterval>) {
        self.haste = haste;
    }
    /// Whether it is master.
    pub const fn is_master(&self) -> bool {
        matches!(self.state, State::Master { .. })
    }
    /// Whether it would be master if its group agreed.
    pub const fn is_willing(&self) -> bool {
        matches!(self.state, State::Backup { willing: true, .. })
    }
    /// The interval of whoever is master, as far as this router knows.
    pub const fn master_interval(&self) -> AdvertInterval {
        match &self.state {
            State::Backup { master_interval, .. } => *master_interval,
            State::Initialize | State::Master { .. } | State::Fault => self.parameters.interval,
        }
    }
    /// As a backup: the master that was heard last, silent or resigned by now perhaps.
    pub const fn heard_master(&self) -> Option<IpAddr> {
        match &self.state {
            State::Backup { expiry: Reason::Silence { master, .. }, .. } => *master,
            State::Backup { expiry: Reason::Resigned { by } | Reason::Preempts { whom: by, .. }, .. } => Some(*by),
            State::Backup { .. } | State::Initialize | State::Master { .. } | State::Fault => None,
        }
    }
    /// How long a master with this interval may be silent.
    pub fn master_down_interval(&self, master_interval: AdvertInterval) -> Duration {
        let Parameters { version, priority, interval, variations, .. } = self.parameters;
        let adverts = variations.down_timer_adverts;
        if self.yields {
            return last_resort(version, priority, master_interval.max(interval), adverts);
        }
        master_down_interval(version, priority, master_interval, adverts)
    }
    /// How long it waits after the resignation of a master with this interval.
    pub fn wait_after_resignation(&self, master_interval: AdvertInterval) -> Duration {
        let Parameters { version, priority, .. } = self.parameters;
        if self.yields {
            self.master_down_interval(master_interval)
        } else {
            skew_time(version, priority, master_interval)
        }
    }

    /// The next deadline and what it is for.
    pub fn next(&self) -> Option<(Instant, Deadline)> {
        match &self.state {
            State::Initialize | State::Fault | State::Backup { willing: true, .. } => None,
            State::Backup { master_down_at, preemption: Preemption::DelayedUntil(at), .. } if at < master_down_at => {
                Some((*at, Deadline::PreemptDelay))
            }
            State::Backup { master_down_at, .. } => Some((*master_down_at, Deadline::MasterDown)),
            State::Master { advertise_at, announcement: Some(round), .. } if round.at < *advertise_at => {
                Some((round.at, Deadline::Announce))
            }
            State::Master { advertise_at, .. } => Some((*advertise_at, Deadline::Advertise)),
        }
    }

    /// Takes an input; gives what is to be done, in order.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Action> {
        let mut out = Vec::new();
        match self.state {
            State::Initialize => self.in_initialize(now, input, &mut out),
            State::Backup { .. } => self.in_backup(now, input, &mut out),
            State::Master { .. } => self.in_master(now, input, &mut out),
            State::Fault => self.in_fault(now, &input, &mut out),
        }
        out
    }

    fn in_initialize(&mut self, now: Instant, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Startup => self.start(now, Reason::Started, out),
            Input::Claim(reason) => self.lead(now, reason, out),
            Input::Fail(reason) => self.enter(State::Fault, reason, out),
            Input::Heard(_) | Input::Timeout | Input::StepDown { .. } | Input::TakeOver | Input::Shutdown => {}
        }
    }

    fn in_fault(&mut self, now: Instant, input: &Input, out: &mut Vec<Action>) {
        match input {
            Input::Startup => self.start(now, Reason::Recovered, out),
            Input::Shutdown => self.enter(State::Initialize, Reason::Shutdown, out),
            Input::Heard(_)
            | Input::Timeout
            | Input::StepDown { .. }
            | Input::TakeOver
            | Input::Claim(_)
            | Input::Fail(_) => {}
        }
    }

    fn in_backup(&mut self, now: Instant, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Startup if self.leads_at_once() => self.lead(now, Reason::Owner, out),
            Input::Startup => self.state = self.waiting(now, None),
            Input::Heard(heard) => self.hear_as_backup(now, heard),
            Input::Timeout => self.expire_as_backup(now, out),
            Input::TakeOver => {
                let reason = self.expiry();
                self.lead(now, reason, out);
            }
            Input::Claim(reason) => self.lead(now, reason, out),
            Input::StepDown { .. } => {}
            Input::Fail(reason) => self.enter(State::Fault, reason, out),
            Input::Shutdown => self.enter(State::Initialize, Reason::Shutdown, out),
        }
    }

    fn in_master(&mut self, now: Instant, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Startup | Input::TakeOver | Input::Claim(_) => {}
            Input::Heard(heard) => self.hear_as_master(now, heard, out),
            Input::Timeout => self.expire_as_master(now, out),
            Input::StepDown { wait, reason } => {
                let next = self.waiting(now, wait);
                self.hasten(out);
                self.resign(next, reason, out);
            }
            Input::Fail(reason) => self.resign(State::Fault, reason, out),
            Input::Shutdown => {
                self.hasten(out);
                self.resign(State::Initialize, Reason::Shutdown, out);
            }
        }
    }

    /// RFC 9568 §6.4.1. The owner of a sync group is willing at once and waits for the group.
    fn start(&mut self, now: Instant, reason: Reason, out: &mut Vec<Action>) {
        if self.leads_at_once() {
            self.lead(now, Reason::Owner, out);
        } else {
            let wait = (self.parameters.priority.is_owner() && !self.yields).then_some(Duration::ZERO);
            let next = self.waiting(now, wait);
            self.enter(next, reason, out);
        }
    }

    const fn leads_at_once(&self) -> bool {
        self.parameters.priority.is_owner() && !self.yields && !self.asks
    }

    /// A backup that has heard nobody yet: for the master down interval, or for `wait`.
    fn waiting(&self, now: Instant, wait: Option<Duration>) -> State {
        let interval = self.parameters.interval;
        let after = wait.unwrap_or_else(|| self.master_down_interval(interval));
        let expiry = match wait {
            Some(Duration::ZERO) => Reason::Owner,
            Some(after) => Reason::NobodyTookOver { after },
            None => Reason::Silence { master: None, after },
        };
        State::Backup {
            master_down_at: now + after,
            master_interval: interval,
            preemption: Preemption::Unneeded,
            expiry,
            willing: false,
        }
    }

    fn expiry(&self) -> Reason {
        match &self.state {
            State::Backup { expiry, .. } => expiry.clone(),
            State::Initialize | State::Master { .. } | State::Fault => Reason::Started,
        }
    }

    /// RFC 9568 §6.4.2, RFC 3768 §6.4.2.
    fn hear_as_backup(&mut self, now: Instant, heard: Heard) {
        let listens = self.listens_to(now, heard.priority);
        let followed = self.following(now, &heard);
        let resigned = now + self.wait_after_resignation(self.master_interval());
        let State::Backup { master_down_at, preemption, expiry, willing, .. } = &mut self.state else {
            return;
        };
        if heard.priority.is_resignation() {
            let by = heard.source;
            let was_master = matches!(expiry, Reason::Silence { master: Some(who), .. } | Reason::Preempts { whom: who, .. } if *who == by);
            // Whoever else says so, or says so again, puts nothing off.
            if !was_master && *master_down_at <= resigned {
                return;
            }
            *master_down_at = resigned;
            *preemption = Preemption::Unneeded;
            *expiry = Reason::Resigned { by: heard.source };
            *willing = false;
        } else if listens {
            self.state = followed;
        } else {
            *preemption = Preemption::Due;
            *expiry = Reason::Preempts { whom: heard.source, priority: heard.priority.0 };
        }
    }

    /// Whether a master of this priority is to be replaced. The owner preempts whatever the file says (RFC 9568 §6.1).
    pub(super) fn preempts(&self, priority: AdvertisedPriority) -> bool {
        let Parameters { preempt, priority: own, .. } = self.parameters;
        (preempt || own.is_owner()) && !self.yields && priority < own.advertised()
    }

    /// Whether an advertisement of this priority keeps a backup waiting.
    fn listens_to(&self, now: Instant, priority: AdvertisedPriority) -> bool {
        if !self.preempts(priority) {
            return true;
        }
        match &self.state {
            State::Backup { preemption: Preemption::Unneeded, .. } => !self.parameters.preempt_delay.is_zero(),
            State::Backup { preemption: Preemption::DelayedUntil(at), .. } => now < *at,
            State::Backup { preemption: Preemption::Due, .. }
            | State::Initialize
            | State::Master { .. }
            | State::Fault => false,
        }
    }

    /// A backup that has just heard its master. One of lower priority starts or continues `preempt_delay`.
    fn following(&self, now: Instant, heard: &Heard) -> State {
        let master_interval = match self.parameters.version {
            VrrpVersion::V2 => self.parameters.interval,
            VrrpVersion::V3 => heard.interval,
        };
        let after = self.master_down_interval(master_interval);
        let delays = self.preempts(heard.priority);
        let preemption = match &self.state {
            State::Backup { preemption: delayed @ Preemption::DelayedUntil(_), .. } if delays => *delayed,
            State::Initialize | State::Backup { .. } | State::Master { .. } | State::Fault if delays => {
                Preemption::DelayedUntil(now + self.parameters.preempt_delay)
            }
            State::Initialize | State::Backup { .. } | State::Master { .. } | State::Fault => Preemption::Unneeded,
        };
        State::Backup {
            master_down_at: now + after,
            master_interval,
            preemption,
            expiry: Reason::Silence { master: Some(heard.source), after },
            willing: false,
        }
    }

    fn expire_as_backup(&mut self, now: Instant, out: &mut Vec<Action>) {
        let asks = self.asks;
        let State::Backup { master_down_at, preemption, expiry, willing, .. } = &mut self.state else { return };
        if matches!(preemption, Preemption::DelayedUntil(at) if *at <= now) {
            *preemption = Preemption::Due;
        }
        if now < *master_down_at || *willing {
            return;
        }
        if asks {
            *willing = true;
        } else {
            let reason = expiry.clone();
            self.lead(now, reason, out);
        }
    }

    /// RFC 9568 §6.4.3. Among equal priorities the greater source address wins, byte by byte. A loser is answered at most
    /// twice an interval: two routers that each think the other loses would answer each other without end.
    fn hear_as_master(&mut self, now: Instant, heard: Heard, out: &mut Vec<Action>) {
        let own = self.parameters.priority.advertised();
        if heard.priority.is_resignation() {
            self.answer_resignation(now, out);
        } else if (heard.priority, heard.source) > (own, self.source) {
            let reason = Reason::Outranked { by: heard.source, priority: heard.priority.0, own: own.0 };
            if self.parameters.variations.higher_prio_send_advert {
                out.push(Action::Advertise(own));
            }
            out.push(Action::Release);
            let next = self.following(now, &heard);
            self.enter(next, reason, out);
        } else if !self.parameters.variations.lower_prio_no_advert {
            self.answer(now, out);
        }
    }

    /// Whoever heard it too would take over after its skew: it hears at once that there is a master.
    fn answer_resignation(&mut self, now: Instant, out: &mut Vec<Action>) {
        let Parameters { interval, priority, .. } = self.parameters;
        let half = interval.duration() / 2;
        let (since, before) = self.resignations.filter(|(since, _)| now < *since + half).unwrap_or((now, 0));
        self.resignations = Some((since, before.saturating_add(1)));
        let State::Master { advertise_at, answer_from, announce_from, .. } = &mut self.state else { return };
        if before >= ANSWERS {
            *advertise_at = (*advertise_at).min(since + half);
            return;
        }
        *advertise_at = now + interval.duration();
        out.push(Action::Advertise(priority.advertised()));
        // It was master too, and the link believes that the addresses are there.
        if now >= *announce_from && now >= *answer_from {
            *answer_from = now + half;
            self.announce_again(now, out);
        }
    }

    /// The loser of an election advertised.
    fn answer(&mut self, now: Instant, out: &mut Vec<Action>) {
        let Parameters { interval, priority, .. } = self.parameters;
        let State::Master { answer_from, .. } = &mut self.state else { return };
        if now < *answer_from {
            return;
        }
        *answer_from = now + interval.duration() / 2;
        out.push(Action::Advertise(priority.advertised()));
        self.announce_again(now, out);
    }

    /// Another master was there: the link is told again, as `garp_lower_prio_repeat` and `garp_lower_prio_delay` say.
    fn announce_again(&mut self, now: Instant, out: &mut Vec<Action>) {
        let garp = self.parameters.garp;
        let State::Master { announce_from, announcement, .. } = &mut self.state else { return };
        let count = garp.lower_priority_repeat.unwrap_or(garp.repeat);
        // Who has just announced its addresses does not do so again for the last words of the master before it.
        let at_once = now >= *announce_from;
        if at_once {
            announce(count, out);
        }
        let delay = garp.lower_priority_delay.unwrap_or(garp.delay);
        let second = if delay.is_zero() { (!at_once).then_some(*announce_from) } else { Some(now + delay) };
        if let Some(at) = second.filter(|at| count > 0 && announcement.is_none_or(|round| *at < round.at)) {
            *announcement = Some(Announcement { at, count });
        }
    }

    fn hasten(&self, out: &mut Vec<Action>) {
        if let (Some(interval), VrrpVersion::V3) = (self.haste, self.parameters.version) {
            out.extend([Action::Hasten(interval), Action::Hasten(interval)]);
        }
    }

    /// The rhythm is kept when a wake-up comes a little late, and starts anew when it comes very late.
    fn expire_as_master(&mut self, now: Instant, out: &mut Vec<Action>) {
        let State::Master { advertise_at, announcement, .. } = self.state else { return };
        if advertise_at <= now {
            let interval = self.parameters.interval.duration();
            out.push(Action::Advertise(self.parameters.priority.advertised()));
            let kept = advertise_at + interval;
            self.advertise_next(if kept > now { kept } else { now + interval });
        }
        if let Some(round) = announcement.filter(|round| round.at <= now) {
            announce(round.count, out);
            let next = self.refresh(now);
            if let State::Master { announcement, .. } = &mut self.state {
                *announcement = next;
            }
        }
    }

    fn advertise_next(&mut self, at: Instant) {
        if let State::Master { advertise_at, .. } = &mut self.state {
            *advertise_at = at;
        }
    }

    pub(super) fn refresh(&self, now: Instant) -> Option<Announcement> {
        let GratuitousArp { refresh, refresh_repeat, .. } = self.parameters.garp;
        (!refresh.is_zero() && refresh_repeat > 0).then(|| Announcement { at: now + refresh, count: refresh_repeat })
    }

    /// Becomes master: the link hears it first, then the addresses come, then the link learns where they are.
    fn lead(&mut self, now: Instant, reason: Reason, out: &mut Vec<Action>) {
        let GratuitousArp { repeat, delay, .. } = self.parameters.garp;
        let second = (!delay.is_zero() && repeat > 0).then(|| Announcement { at: now + delay, count: repeat });
        out.extend([Action::Advertise(self.parameters.priority.advertised()), Action::Acquire]);
        announce(repeat, out);
        let advertise_at = now + self.parameters.interval.duration();
        let announcement = second.or_else(|| self.refresh(now));
        let announce_from = now + self.parameters.interval.duration() / 2;
        self.enter(State::Master { advertise_at, announcement, answer_from: now, announce_from }, reason, out);
    }

    /// Stops being master and says so, before the addresses go.
    fn resign(&mut self, next: State, reason: Reason, out: &mut Vec<Action>) {
        out.extend([Action::Advertise(AdvertisedPriority::RESIGN), Action::Release]);
        self.enter(next, reason, out);
    }

    fn enter(&mut self, next: State, reason: Reason, out: &mut Vec<Action>) {
        let from = std::mem::replace(&mut self.state, next);
        out.push(Action::Entered { from, reason });
    }
}

fn announce(count: u32, out: &mut Vec<Action>) {
    if count > 0 {
        out.push(Action::Announce(count));
    }
}
