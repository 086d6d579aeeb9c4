//! Hands mails over to the mail server, on a thread of its own: a server that is dead, slow or hangs holds up nothing but
//! other mails.
//!
//! 1. A mail joins the end of those that wait; the oldest is left out when there are more than [`MOST`].
//! 2. One after the other is handed over. One that is not taken is tried again, [`PAUSES`] apart, unless the server refused it for
//!    good.
//! 3. The first failure is told, and that it is over; mails that were lost are counted and told with it.
//! 4. The end of the engine waits a second for what is still on its way.

use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::io::host;
use crate::engine::io::mail::{MailError, Relay, deliver};
use crate::engine::mail::{Envelope, Mail};
use crate::engine::model::Configuration;
use crate::engine::snapshot::Warning;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// Mails that wait; the oldest is left out when there are more.
pub const MOST: usize = 200;
/// How long a mail that was not taken waits before each further try.
pub const PAUSES: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];
/// How long the end waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the mail server. Never waits.
#[derive(Clone)]
pub struct Mailer(Arc<Desk>);

#[derive(Default)]
struct Desk {
    tray: Mutex<Tray>,
    /// Something came, another configuration counts, or the end.
    bell: Notify,
    /// The end.
    closing: Notify,
}

#[derive(Default)]
struct Tray {
    waiting: VecDeque<Posted>,
    /// Mails that were left out or given up since it was told last.
    lost: usize,
    posted: u64,
    to: Option<Arc<Destination>>,
    ends_at: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Posted {
    mail: Mail,
    at: SystemTime,
    number: u64,
}

/// Where mails go, by the configuration.
#[derive(Debug, PartialEq, Eq)]
struct Destination {
    relay: Relay,
    envelope: Envelope,
}

impl Destination {
    /// None where nobody is to be mailed.
    fn of(configuration: &Configuration) -> Option<Self> {
        let (words, settings) = (&configuration.global.mail, &configuration.settings.mail);
        let host = host::name();
        let node = configuration.global.router_id.clone().unwrap_or_else(|| host.clone());
        let relay = Relay {
            host: words.server.clone(),
            port: words.port,
            helo: words.helo.as_ref().unwrap_or(&host).chars().filter(char::is_ascii_graphic).collect(),
            timeout: words.timeout,
            login: settings.user.clone().zip(settings.password_file.clone()),
            verify: settings.tls_verify.clone(),
        };
        let from = words.from.clone().unwrap_or_else(|| format!("keepalived@{host}"));
        let envelope = Envelope { node, host, from, to: words.recipients.clone() };
        (!envelope.to.is_empty()).then_some(Self { relay, envelope })
    }
}

/// Starts the thread. `report` has the journal, `warn` what is to be said as long as it lasts.
pub fn start(
    configuration: &Configuration,
    report: impl Fn(Fact) + Send + 'static,
    warn: impl Fn(Option<Warning>) + Send + 'static,
) -> io::Result<(Mailer, JoinHandle<()>)> {
    start_with(configuration, PAUSES.to_vec(), report, warn)
}

/// The same with other pauses.
pub fn start_with(
    configuration: &Configuration,
    pauses: Vec<Duration>,
    report: impl Fn(Fact) + Send + 'static,
    warn: impl Fn(Option<Warning>) + Send + 'static,
) -> io::Result<(Mailer, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mailer = Mailer(Arc::default());
    mailer.follow(configuration);
    let postman = Postman { desk: Arc::clone(&mailer.0), again: VecDeque::new(), pauses, report, warn, trouble: None };
    let body = move || {
        runtime.block_on(postman.run());
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("mail".to_owned()).spawn(body)?;
    Ok((mailer, thread))
}

impl Mailer {
    /// Sends a mail, where somebody is to be mailed.
    pub fn post(&self, mail: Mail) {
        let at = SystemTime::now();
        let mut tray = self.0.tray();
        if tray.to.is_none() {
            return;
        }
        tray.posted += 1;
        let number = tray.posted;
        tray.waiting.push_back(Posted { mail, at, number });
        if tray.waiting.len() > MOST {
            tray.waiting.pop_front();
            tray.lost += 1;
        }
        drop(tray);
        self.0.bell.notify_one();
    }

    /// From now on by the words of another configuration.
    pub fn follow(&self, configuration: &Configuration) {
        let to = Destination::of(configuration).map(Arc::new);
        let mut tray = self.0.tray();
        if tray.to == to {
            return;
        }
        if to.is_none() {
            tray.waiting.clear();
        }
        tray.to = to;
        drop(tray);
        self.0.bell.notify_one();
    }

    /// Ends it as soon as everything is handed over, after a second at the latest.
    pub fn end(&self) {
        self.0.tray().ends_at = Some(Instant::now() + PATIENCE);
        self.0.closing.notify_one();
        self.0.bell.notify_one();
    }
}

impl Desk {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the end has waited long enough.
    async fn closed(&self) {
        loop {
            let ends_at = self.tray().ends_at;
            match ends_at {
                Some(at) => return sleep_until(at).await,
                None => self.closing.notified().await,
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.tray().ends_at.is_some()
    }
}

/// A letter that some of its recipients did not get yet, and when they are tried again.
struct Again {
    at: Instant,
    posted: Posted,
    to: Vec<String>,
    tries: usize,
}

struct Postman<R, W> {
    desk: Arc<Desk>,
    /// What a server refused for some recipients for now; who comes after it does not wait for them.
    again: VecDeque<Again>,
    pauses: Vec<Duration>,
    report: R,
    warn: W,
    /// What is wrong, and with which server, since the last mail was handed over.
    trouble: Option<(Arc<Destination>, String)>,
}

impl<R: Fn(Fact), W: Fn(Option<Warning>)> Postman<R, W> {
    async fn run(mut self) {
        let desk = Arc::clone(&self.desk);
        tokio::select! {
            () = self.work() => {}
            () = desk.closed() => {}
        }
        let mut tray = self.desk.tray();
        let lost = std::mem::take(&mut tray.lost) + tray.waiting.len() + self.again.len();
        drop(tray);
        if lost > 0 {
            let why = format!("{} before the engine ended", mails(lost, "was not sent", "were not sent"));
            self.tell(Severity::Warning, why, None);
        }
    }

    /// Until the end, when nothing waits any more.
    async fn work(&mut self) {
        loop {
            let (next, to) = {
                let tray = self.desk.tray();
                (tray.waiting.front().cloned(), tray.to.clone())
            };
            // What is wrong with a server that is not used any more is nobody's concern.
            if self.trouble.take_if(|(of, _)| Some(&*of) != to.as_ref()).is_some() {
                (self.warn)(None);
            }
            match next {
                Some(posted) => self.carry(posted).await,
                None if self.again.iter().any(|again| again.at <= Instant::now()) => self.carry_again().await,
                None if self.desk.is_ending() => return,
                None => {
                    let due = self.again.iter().map(|again| again.at).min();
                    tokio::select! {
                        () = self.desk.bell.notified() => {}
                        () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                    }
                }
            }
        }
    }

    /// Hands one over, in as many tries as it has.
    async fn carry(&mut self, posted: Posted) {
        let mut pauses = self.pauses.clone().into_iter();
        loop {
            let Some(to) = self.desk.tray().to.clone() else { return };
            let letter = posted.mail.letter(&to.envelope, posted.at, posted.number);
            let end = deliver(&to.relay, &to.envelope.from, &to.envelope.to, &letter).await;
            let gives_up = match end {
                Ok(refused) => {
                    self.handed_over();
                    let refused = refused.into_iter().map(|(to, error)| (to, error.to_string(), error.is_final()));
                    self.left_out(&posted, refused.collect(), 0);
                    return self.strike(&posted, false);
                }
                Err(error) => {
                    self.failed(&to, &error);
                    error.is_final()
                }
            };
            let pause = pauses.next().filter(|_| !gives_up && !self.desk.is_ending());
            let Some(pause) = pause else { return self.strike(&posted, true) };
            self.rest(pause).await;
            if self.desk.tray().waiting.front().is_none_or(|front| front.number != posted.number) {
                // It was the oldest of too many.
                return;
            }
        }
    }

    /// Hands one over to those who did not get it yet.
    async fn carry_again(&mut self) {
        let due = self.again.iter().position(|again| again.at <= Instant::now());
        let Some(Again { posted, to: left, tries, .. }) = due.and_then(|due| self.again.remove(due)) else { return };
        let Some(to) = self.desk.tray().to.clone() else { return };
        let letter = posted.mail.letter(&to.envelope, posted.at, posted.number);
        let refused = match deliver(&to.relay, &to.envelope.from, &left, &letter).await {
            Ok(refused) => refused.into_iter().map(|(to, error)| (to, error.to_string(), error.is_final())).collect(),
            Err(error) => left.into_iter().map(|to| (to, error.to_string(), error.is_final())).collect(),
        };
        self.left_out(&posted, refused, tries + 1);
    }

    /// Recipients that did not get it, why, and whether that is final: those of which it is not are tried again.
    fn left_out(&mut self, posted: &Posted, refused: Vec<(String, String, bool)>, tries: usize) {
        let pause = self.pauses.get(tries).copied();
        let mut left = Vec::new();
        for (recipient, why, is_final) in refused {
            if is_final || pause.is_none() {
                self.tell(
                    Severity::Warning,
                    format!("not sent to {recipient}: {why}"),
                    Some("correct notification_email"),
                );
                continue;
            }
            if tries == 0 {
                self.tell(Severity::Warning, format!("not sent to {recipient} yet, tried again: {why}"), None);
            }
            left.push(recipient);
        }
        let Some(pause) = pause.filter(|_| !left.is_empty()) else { return };
        self.again.push_back(Again { at: Instant::now() + pause, posted: posted.clone(), to: left, tries });
        if self.again.len() > MOST {
            self.again.pop_front();
            self.desk.tray().lost += 1;
        }
    }

    /// Waits, but not when another server is named, or for the end.
    async fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let before = self.desk.tray().to.clone();
        loop {
            tokio::select! {
                () = sleep(until.saturating_duration_since(Instant::now())) => return,
                () = self.desk.bell.notified() => {}
            }
            let tray = self.desk.tray();
            if tray.ends_at.is_some() || tray.to != before {
                return;
            }
        }
    }

    /// It waits no longer.
    fn strike(&self, posted: &Posted, is_lost: bool) {
        let mut tray = self.desk.tray();
        let is_there = tray.waiting.front().is_some_and(|front| front.number == posted.number);
        if is_there {
            tray.waiting.pop_front();
            tray.lost += usize::from(is_lost);
        }
    }

    fn handed_over(&mut self) {
        let lost = std::mem::take(&mut self.desk.tray().lost);
        let count = if lost == 0 { "nothing was lost".to_owned() } else { mails(lost, "was lost", "were lost") };
        if self.trouble.take().is_some() {
            (self.warn)(None);
            self.tell(Severity::Notice, format!("the mail server takes mails again; {count}"), None);
        } else if lost > 0 {
            self.tell(Severity::Warning, format!("the mail server is slow; {count}"), None);
        }
    }

    fn failed(&mut self, to: &Arc<Destination>, error: &MailError) {
        let relay = &to.relay;
        let why = format!("smtp_server {} {} takes no mail: {error}", relay.host, relay.port);
        let next = "look at the mail server, or correct smtp_server and what belongs to it; what waits is tried again";
        let trouble = Some((Arc::clone(to), why.clone()));
        if self.trouble != trouble {
            self.trouble = trouble;
            self.tell(Severity::Warning, why.clone(), Some(next));
        }
        let (waiting, lost) = {
            let tray = self.desk.tray();
            (mails(tray.waiting.len(), "waits", "wait"), mails(tray.lost, "was lost", "were lost"))
        };
        (self.warn)(Some(Warning {
            code: "mail-not-sent".to_owned(),
            subject: "mail".to_owned(),
            message: format!("{why}; {waiting}, {lost}"),
            next: next.to_owned(),
        }));
    }

    fn tell(&self, severity: Severity, why: String, next: Option<&str>) {
        let fact = Fact::new(EventKind::Warning, severity, "mail").reason(why);
        (self.report)(if let Some(next) = next { fact.detail(next) } else { fact });
    }
}

/// `1 mail was lost`, `3 mails were lost`.
fn mails(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 mail {one}") } else { format!("{number} mails {several}") }
}
