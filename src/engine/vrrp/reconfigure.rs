//! New parameters for a machine that runs. No deadline moves later, except where a preemption that had begun is no longer
//! wanted; nothing is sent because of a change: the next advertisement, in its rhythm, carries it.

use super::instance::Instance;
use super::reason::TransitionReason as Reason;
use super::state::{Parameters, Preemption, State};
use super::timers::{master_down_interval, skew_time};
use crate::engine::model::{AdvertisedPriority, VrrpVersion};
use std::time::Instant;

impl Instance {
    /// Goes on with these parameters. The version is that of before.
    pub fn reconfigure(&mut self, now: Instant, parameters: Parameters) {
        if parameters == self.parameters {
            return;
        }
        let old = std::mem::replace(&mut self.parameters, parameters);
        match self.state {
            State::Initialize | State::Fault => {}
            State::Backup { .. } => self.reconfigure_backup(now, &old),
            State::Master { .. } => self.reconfigure_master(now, &old),
        }
    }

    /// `Master_Down_Timer` as if the new parameters had been there when it was set. With another interval it counts from
    /// now: the master may not have changed its own yet.
    fn reconfigure_backup(&mut self, now: Instant, old: &Parameters) {
        self.leave_in_peace(now);
        let Parameters { version, priority, interval, preempt_delay, variations, .. } = self.parameters;
        let State::Backup { master_down_at, master_interval, preemption, expiry, .. } = &mut self.state else { return };
        if let Preemption::DelayedUntil(at) = preemption {
            *at = (*at).min(now + preempt_delay);
        }
        let before = *master_interval;
        // Version 2 knows its own interval alone, and so does version 3 until it heard a master.
        let learned = matches!(expiry, Reason::Silence { master: Some(_), .. } | Reason::Preempts { .. });
        if version == VrrpVersion::V2 || !learned {
            *master_interval = interval;
        }
        // The last resort has time.
        if self.yields {
            return;
        }
        match expiry {
            Reason::Silence { after, .. } => {
                let Some(heard_at) = master_down_at.checked_sub(*after) else { return };
                let from = if *master_interval == before { heard_at } else { now };
                let at =
                    from + master_down_interval(version, priority, *master_interval, variations.down_timer_adverts);
                if at < *master_down_at {
                    *master_down_at = at;
                    *after = at.saturating_duration_since(heard_at);
                }
            }
            Reason::Resigned { .. } => {
                let skew = skew_time(version, priority, *master_interval);
                if let Some(resigned_at) = master_down_at.checked_sub(skew_time(version, old.priority, before)) {
                    *master_down_at = (*master_down_at).min(resigned_at + skew);
                }
            }
            Reason::Started
            | Reason::Owner
            | Reason::Recovered
            | Reason::Preempts { .. }
            | Reason::Outranked { .. }
            | Reason::Resumed
            | Reason::Adopted
            | Reason::Operator(_)
            | Reason::NobodyTookOver { .. }
            | Reason::Fault(_)
            | Reason::AddressRemoved(_)
            | Reason::SyncGroup(_)
            | Reason::Shutdown => {}
        }
    }

    /// A master that was about to be replaced, and is not to be any more, is listened to again.
    fn leave_in_peace(&mut self, now: Instant) {
        let spared = match &self.state {
            State::Backup { expiry: Reason::Preempts { whom, priority }, .. } => {
                (!self.preempts(AdvertisedPriority(*priority))).then_some(*whom)
            }
            State::Backup { .. } | State::Initialize | State::Master { .. } | State::Fault => None,
        };
        let Some(whom) = spared else { return };
        let after = self.master_down_interval(self.master_interval());
        if let State::Backup { master_down_at, preemption, expiry, willing, .. } = &mut self.state {
            *master_down_at = now + after;
            *preemption = Preemption::Unneeded;
            *expiry = Reason::Silence { master: Some(whom), after };
            *willing = false;
        }
    }

    /// A shorter interval counts from now, a longer one from the next advertisement on.
    fn reconfigure_master(&mut self, now: Instant, old: &Parameters) {
        let refresh = self.refresh(now);
        let (new, interval) = (self.parameters.garp, self.parameters.interval.duration());
        let State::Master { advertise_at, announcement, .. } = &mut self.state else { return };
        *advertise_at = (*advertise_at).min(now + interval);
        if (new.refresh, new.refresh_repeat) == (old.garp.refresh, old.garp.refresh_repeat) {
            return;
        }
        *announcement = match (*announcement, refresh) {
            (Some(round), Some(refresh)) => Some(if round.at <= refresh.at { round } else { refresh }),
            (None, refresh) => refresh,
            // The second round of a new master; one of the rounds that are no longer wanted otherwise.
            (round @ Some(_), None) => round.filter(|_| old.garp.refresh.is_zero()),
        };
    }
}
