//! Posts events to a URL, on a thread of its own that reads the journal like everybody else: who reports never waits.
//!
//! 1. Each event of this run that `[webhook]` of lvsdeck.toml asks for is posted as JSON, in order, one at a time.
//! 2. One that is not taken is tried again, as often as the settings say, [`PAUSES`] apart, unless the answer is that it never will be.
//! 3. What falls out of the journal's memory meanwhile is lost, and counted. The first failure is told, and that it is over.
//! 4. Events about the webhook itself are not posted.

use super::shared::Shared;
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::io::webhook::{WebhookError, post};
use crate::engine::model::WebhookSettings;
use crate::engine::snapshot::Warning;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long an event that was not taken waits before each further try; the last one counts for all that follow.
pub const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15), Duration::from_mins(1)];
/// How often settings that changed are looked for while nothing happens.
const LOOK: Duration = Duration::from_secs(1);
/// What its own events are about.
const SUBJECT: &str = "webhook";

/// The way to a running webhook.
#[derive(Debug, Clone)]
pub struct Webhook(Arc<Mutex<Arc<WebhookSettings>>>);

impl Webhook {
    /// From now on by these settings.
    pub fn follow(&self, settings: &WebhookSettings) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.clone());
    }

    fn settings(&self) -> Arc<WebhookSettings> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts the thread; it tells when everything is posted, once the journal is closed.
pub fn start(
    shared: Arc<Shared>,
    node: String,
    settings: &WebhookSettings,
    pauses: &'static [Duration],
) -> io::Result<(Webhook, Receiver<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let webhook = Webhook(Arc::new(Mutex::new(Arc::new(settings.clone()))));
    let (done, ended) = sync_channel(1);
    let own = webhook.clone();
    let body = move || {
        let seen = shared.before_run();
        let mut poster = Poster { shared, webhook: own, runtime, node, pauses, seen, lost: 0, trouble: None };
        poster.run();
        // A name that is still being looked up is not waited for.
        poster.runtime.shutdown_background();
        _ = done.send(());
    };
    thread::Builder::new().name("webhook".to_owned()).spawn(body)?;
    Ok((webhook, ended))
}

struct Poster {
    shared: Arc<Shared>,
    webhook: Webhook,
    runtime: tokio::runtime::Runtime,
    node: String,
    pauses: &'static [Duration],
    /// The last event that was read.
    seen: u64,
    /// Events that were not posted since it was told last.
    lost: u64,
    /// What is wrong since the last event was taken, and where.
    trouble: Option<(Arc<WebhookSettings>, String)>,
}

impl Poster {
    fn run(&mut self) {
        loop {
            let (events, closed) = self.shared.follow_for(self.seen, LOOK);
            let settings = self.webhook.settings();
            if self.trouble.take_if(|(of, _)| *of != settings).is_some() {
                self.shared.warn_of(SUBJECT, None);
            }
            if events.is_empty() && closed {
                return;
            }
            for event in events {
                let missed = event.seq.saturating_sub(self.seen + 1);
                self.lost += if settings.url.is_some() { missed } else { 0 };
                self.seen = event.seq;
                if wants(&settings, &event) {
                    self.carry(&event);
                }
            }
        }
    }

    /// Posts one, in as many tries as it has; by the settings as they are at each.
    fn carry(&mut self, event: &Event) {
        let json = serde_json::to_string(event).unwrap_or_default();
        for tried in 1_u32.. {
            let settings = self.webhook.settings();
            let Some(url) = &settings.url else { return };
            let (verify, limit) = (settings.tls_verify.as_deref(), settings.timeout);
            let end = self.runtime.block_on(post(url, verify, limit, &self.node, json.clone()));
            let Err(error) = end else { return self.taken() };
            let pause = usize::try_from(tried - 1).ok().and_then(|at| self.pauses.get(at)).or(self.pauses.last());
            let gives_up = error.is_final() || tried >= settings.tries || self.is_closed(Duration::ZERO);
            self.lost += u64::from(gives_up);
            self.failed(&settings, url, &error);
            if gives_up || self.is_closed(pause.copied().unwrap_or_default()) {
                return;
            }
        }
    }

    /// Whether the journal is closed, after this time at the latest.
    fn is_closed(&self, patience: Duration) -> bool {
        self.shared.follow_for(u64::MAX, patience).1
    }

    fn taken(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        let count = match lost {
            0 => "no event was lost".to_owned(),
            1 => "1 event was lost".to_owned(),
            _ => format!("{lost} events were lost"),
        };
        if self.trouble.take().is_some() {
            self.shared.warn_of(SUBJECT, None);
            self.tell(Severity::Notice, format!("events are taken again; {count}"), None);
        } else if lost > 0 {
            self.tell(Severity::Warning, format!("it is too slow; {count}"), None);
        }
    }

    fn failed(&mut self, settings: &Arc<WebhookSettings>, url: &str, error: &WebhookError) {
        let why = format!("{} takes no event: {error}", origin(url));
        let becomes = if error.is_final() {
            "an event with such an answer is given up"
        } else {
            "what is still in the journal's memory is tried again"
        };
        let next = format!("look at the program behind webhook.url of lvsdeck.toml; {becomes}");
        if self.trouble.as_ref().is_none_or(|(_, before)| *before != why) {
            self.tell(Severity::Warning, why.clone(), Some(&next));
        }
        self.trouble = Some((Arc::clone(settings), why.clone()));
        let message = format!("{why}; not posted so far: {}", self.lost);
        let (code, subject) = ("webhook-not-taken".to_owned(), SUBJECT.to_owned());
        let warning = Warning { code, subject, message, next };
        self.shared.warn_of(SUBJECT, Some(warning));
    }

    fn tell(&self, severity: Severity, why: String, next: Option<&str>) {
        let fact = Fact::new(EventKind::Warning, severity, SUBJECT).reason(why);
        self.shared.append(if let Some(next) = next { fact.detail(next) } else { fact });
    }
}

/// Without path, query and user: those may be secrets.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{}", authority.rsplit('@').next().unwrap_or_default())
}

fn wants(settings: &WebhookSettings, event: &Event) -> bool {
    let least = match settings.severity {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "notice" => Severity::Notice,
        _ => Severity::Info,
    };
    let named = settings.events.is_empty() || settings.events.iter().any(|kind| kind == event.kind.name());
    settings.url.is_some() && event.severity >= least && named && event.subject != SUBJECT
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn of_a_url_only_what_is_no_secret_is_told() {
        for (url, shown) in [
            ("https://hooks.example.org/T0/secret", "https://hooks.example.org"),
            ("http://lvs:pw@10.0.0.9:8080?key=1", "http://10.0.0.9:8080"),
            ("http://[fd00::1]:81/x", "http://[fd00::1]:81"),
        ] {
            assert_eq!(origin(url), shown);
        }
    }
}
