//! This process as a unit of the service manager: when to say what on the notify socket.
//!
//! | when | what |
//! |---|---|
//! | both loops have published for the first time | `READY=1` |
//! | the status line changed, a second after an event or ten without one | `STATUS=` |
//! | half of `WATCHDOG_USEC` is over and both loops live | `WATCHDOG=1` |
//! | a reload by HUP begins, and when it has ended | `RELOADING=1`, `READY=1` |
//! | the end begins, and once a second until it is over | `STOPPING=1`, `EXTEND_TIMEOUT_USEC=` |
//! | the start is refused | `STATUS=` with the reason |
//!
//! The watchdog runs on the thread that serves the control socket: when that one hangs, it falls silent as well. Without a
//! service manager all of this says nothing to nobody.

mod watchdog;

use crate::engine::driver::local::LocalEngine;
use crate::engine::driver::shared::Vitals;
use crate::engine::io::notify::{Environment, NotifySocket, monotonic_usec};
use crate::engine::{EngineHandle, RELOAD_REFUSED, Summary, Warning};
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::{interval, timeout};
use watchdog::{Sign, Watchdog};

/// Time between two looks at the engine.
const LOOK: Duration = Duration::from_secs(1);
/// The same until it is ready.
const FIRST_LOOKS: Duration = Duration::from_millis(5);
/// Time between two status lines that are made although nothing happened.
const REPEAT: Duration = Duration::from_secs(10);
/// By how much the end asks for more time, each time that it looks.
const MORE_TIME: Duration = Duration::from_secs(5);

/// The unit, as the service manager is told of it.
#[derive(Debug, Default)]
pub struct Service {
    socket: NotifySocket,
    watchdog: Option<Duration>,
    /// The newest status line that was sent.
    said: RefCell<String>,
}

impl Service {
    /// From the environment, which loses what is meant for this process alone. Call it before there is a second thread.
    pub fn from_environment() -> Self {
        let environment = Environment::take();
        let socket = NotifySocket::open(environment.socket.as_deref()).unwrap_or_else(|error| {
            tracing::warn!(
                "NOTIFY_SOCKET can't be used: {error}; the service manager will hear nothing of this engine"
            );
            NotifySocket::default()
        });
        Self { socket, watchdog: environment.watchdog, said: RefCell::default() }
    }

    /// A reload begins. [`reloaded`](Self::reloaded) has to follow, whatever comes of it.
    pub fn reloading(&self) {
        self.socket.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_usec()));
    }

    /// The reload has ended, well or not.
    pub fn reloaded(&self) {
        self.socket.send("READY=1");
    }

    /// The start was refused, or the engine failed: why, for `systemctl status`.
    pub fn failed(&self, why: &str) {
        self.say(why.lines().next().unwrap_or_default());
    }

    /// Tells of the engine while `work` goes on.
    pub async fn while_running<F: Future>(&self, engine: &LocalEngine, work: F) -> F::Output {
        tokio::select! {
            output = work => output,
            never = self.tell(engine) => match never {},
        }
    }

    async fn tell(&self, engine: &LocalEngine) -> Infallible {
        let mut first = interval(FIRST_LOOKS);
        while engine.vitals() == Vitals::Starting {
            first.tick().await;
        }
        self.say_status(engine);
        self.socket.send("READY=1");
        let mut watchdog = Watchdog::new(self.watchdog, Instant::now());
        let mut looks = interval(self.watchdog.map_or(LOOK, |limit| (limit / 4).clamp(FIRST_LOOKS, LOOK)));
        let (mut said_at, mut said_of) = (Instant::now(), 0);
        loop {
            looks.tick().await;
            let now = Instant::now();
            match watchdog.look(now, &engine.vitals()) {
                Sign::None => {}
                Sign::Alive => self.socket.send("WATCHDOG=1"),
                Sign::Withheld(why) => {
                    tracing::error!("{why}; the service manager's watchdog hears nothing until that is over");
                }
            }
            let (newest, since) = (engine.newest_event(), now.saturating_duration_since(said_at));
            if since >= REPEAT || since >= LOOK && newest != said_of {
                (said_at, said_of) = (now, newest);
                self.say_status(engine);
            }
        }
    }

    /// The status line, when it is another than before. A status of hundreds of instances is not composed for nobody.
    fn say_status(&self, engine: &LocalEngine) {
        if !self.socket.is_open() {
            return;
        }
        if let (Ok(summary), Ok(status)) = (engine.summary(), engine.status()) {
            self.say(&status_line(&summary, &status.warnings));
        }
    }

    fn say(&self, line: &str) {
        let mut said = self.said.borrow_mut();
        if *said != line {
            self.socket.send(&format!("STATUS={line}"));
            line.clone_into(&mut said);
        }
    }

    /// Tells that the engine ends, leaving everything in place or not, and asks for time while `work` goes on.
    pub async fn while_stopping<F: Future>(&self, keep: bool, work: F) -> F::Output {
        let what = if keep {
            "addresses and services stay in place, masters do not resign"
        } else {
            "masters resign, then services leave the kernel's table"
        };
        self.socket.send(&format!("STOPPING=1\nSTATUS=stopping: {what}"));
        let mut work = pin!(work);
        loop {
            if let Ok(output) = timeout(LOOK, &mut work).await {
                return output;
            }
            self.socket.send(&format!("EXTEND_TIMEOUT_USEC={}", MORE_TIME.as_micros()));
        }
    }
}

/// What the engine says of itself, and what must not wait behind a server that is down.
const OWN: [&str; 2] = ["ipvs-silent", RELOAD_REFUSED];

/// `MASTER 2/2, 3/4 VIPs here, services 7/8 ok, 2 problems: DOWN …; also reload-refused`.
fn status_line(summary: &Summary, warnings: &[Warning]) -> String {
    let mut parts = Vec::new();
    if summary.masters.1 > 0 {
        let role = serde_json::to_value(summary.role).unwrap_or_default();
        let role = role.as_str().unwrap_or_default();
        parts.push(format!("{role} {}/{}", summary.masters.0, summary.masters.1));
        parts.push(format!("{}/{} VIPs here", summary.addresses_here.0, summary.addresses_here.1));
    }
    if let (degraded, services @ 1..) = summary.services_degraded {
        parts.push(format!("services {}/{services} ok", services - degraded));
    }
    if parts.is_empty() {
        parts.push("running; nothing is configured".to_owned());
    }
    if let Some(worst) = summary.problems.first() {
        let plural = if summary.problem_count == 1 { "" } else { "s" };
        let hidden = warnings.iter().filter(|w| OWN.contains(&w.code.as_str()) && !worst.text.ends_with(&w.message));
        let hidden: Vec<&str> = hidden.map(|warning| warning.code.as_str()).collect();
        let also = if hidden.is_empty() { String::new() } else { format!("; also {}", hidden.join(", ")) };
        parts.push(format!("{} problem{plural}: {}{also}", summary.problem_count, worst.text));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Problem, Role, Totals};
    use std::time::SystemTime;

    #[test]
    fn the_status_line_says_who_is_master_what_is_here_and_what_is_wrong() {
        let mut summary = Summary {
            node: "d1".into(),
            pid: 1,
            mode: "run".into(),
            role: Role::Master,
            masters: (2, 2),
            addresses_here: (3, 3),
            services_degraded: (1, 4),
            services_impaired: 0,
            held: 0,
            totals: Totals::default(),
            problems: vec![Problem { key: String::new(), text: "DOWN x".into(), since: None }],
            problem_count: 2,
            changed_at: None,
            last_event: 0,
            now: SystemTime::UNIX_EPOCH,
            writable: false,
            ipvs: None,
            foreign_routers: Vec::new(),
            is_rewound: false,
        };
        assert_eq!(status_line(&summary, &[]), "MASTER 2/2, 3/3 VIPs here, services 3/4 ok, 2 problems: DOWN x");
        let warning = |code: &str, message: &str| Warning {
            code: code.into(),
            subject: "reload".into(),
            message: message.into(),
            next: String::new(),
        };
        let warnings = [warning("rp-filter", "x"), warning(RELOAD_REFUSED, "why")];
        assert!(status_line(&summary, &warnings).ends_with(", 2 problems: DOWN x; also reload-refused"));
        summary.problems[0].text = "WARNING reload: why".into();
        assert!(status_line(&summary, &warnings).ends_with(", 2 problems: WARNING reload: why"));
        (summary.problems, summary.problem_count, summary.services_degraded) = (Vec::new(), 0, (0, 0));
        assert_eq!(status_line(&summary, &[]), "MASTER 2/2, 3/3 VIPs here");
        (summary.masters, summary.services_degraded) = ((0, 0), (0, 4));
        assert_eq!(status_line(&summary, &[]), "services 4/4 ok");
        summary.services_degraded = (0, 0);
        assert_eq!(status_line(&summary, &[]), "running; nothing is configured");
    }
}
