//! Reloading: the file is read, planned and checked beside the running engine, and only then handed to both loops.
//!
//! 1. read the file; errors end here, and everything goes on as it was;
//! 2. plan the way from what runs to what the file says, and ask whether both halves can run it: the kernel must have a table
//!    for services and their schedulers, userspace must be able to serve them;
//! 3. have the kernel try what is new of services, and take it away again: a refusal ends here, and nothing was changed;
//! 4. a dry run ends here, and so does a token that fits no more;
//! 5. hand it to the failover loop, then to the balance loop; neither can refuse any more;
//! 6. wait until the kernel has it, and say what it refused although it had taken it a moment ago.
//!
//! One reload at a time. Blocks whoever asks, no loop.

use super::balance::Request;
use super::dataplane::Door;
use super::failover::FailoverSender;
use super::feel;
use super::fitness;
use super::mailer::Mailer;
use super::notifier::NotifierSender;
use super::scripts::{self, ScriptsSender};
use super::shared::Shared;
use super::source::{Read, Source, Unfit};
use super::watches::{self, WatchesSender};
use super::webhook::Webhook;
use super::world::UNWRITTEN;
use crate::engine::balance::{Foresight, objection, unproven};
use crate::engine::command::{Answer, Asked, Outcome, Preview};
use crate::engine::config::{self, Include};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::io::barrier::Barrier;
use crate::engine::io::{host, host_facts, route_netlink};
use crate::engine::ipvs::Refusal;
use crate::engine::model::Configuration;
use crate::engine::reload::{Found, Plan, beside, effects, plan};
use crate::engine::snapshot::{RELOAD_REFUSED, Warning};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Most mistakes of a file that a refusal names.
const NAMED: usize = 10;

/// What the warning about a refused reload is about.
const WHAT: &str = "reload";
/// The same of the one about files that can't be read.
const BARRED: &str = "reload-files";

/// How long the failover loop may take to put a configuration into effect before nobody waits for it.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// What runs, and the way to something else.
pub struct Reloader {
    source: Source,
    door: Door,
    shared: Arc<Shared>,
    loops: Loops,
    /// What stays to be said whatever the file says.
    warnings: Vec<Warning>,
    running: RwLock<Running>,
    /// One reload at a time.
    turn: Mutex<()>,
}

/// The loops that run a configuration.
pub struct Loops {
    /// Virtual routers.
    pub failover: FailoverSender,
    /// Virtual servers.
    pub balance: mpsc::Sender<Request>,
    /// Tracked scripts.
    pub scripts: ScriptsSender,
    /// Notify scripts and FIFOs.
    pub notifier: NotifierSender,
    /// Mails.
    pub mailer: Mailer,
    /// Events to a URL.
    pub webhook: Webhook,
    /// Tracked processes and files.
    pub watches: WatchesSender,
}

#[derive(Clone)]
struct Running {
    configuration: Arc<Configuration>,
    /// The files that it came from.
    includes: Arc<Vec<Include>>,
    generation: u64,
}

impl Reloader {
    /// Over loops that run the configuration, with its includes the first generation of `source`. `warnings` stay whatever the file says.
    pub fn new(
        source: Source,
        warnings: Vec<Warning>,
        door: Door,
        (configuration, includes): (Arc<Configuration>, Vec<Include>),
        shared: Arc<Shared>,
        loops: Loops,
    ) -> Self {
        let files = config::files_of(&source.file, &includes);
        warn_of_barriers(&shared, &files);
        let running = RwLock::new(Running { configuration, includes: Arc::new(includes), generation: 1 });
        Self { source, door, shared, loops, warnings, running, turn: Mutex::default() }
    }

    /// What runs now.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.running().configuration
    }

    /// The same, and its number.
    pub fn generation(&self) -> (Arc<Configuration>, u64) {
        let Running { configuration, generation, .. } = self.running();
        (configuration, generation)
    }

    fn running(&self) -> Running {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The kernel's table is there for services from now on. Errors: see [`Door::open`].
    pub fn open_table(&self) -> Result<(), Refusal> {
        self.door.open()
    }

    /// What the file says now.
    pub fn file(&self) -> Result<Arc<Configuration>, Unfit> {
        self.read(&self.running(), 0).map(|read| read.configuration)
    }

    /// The file. A file that it included and that can't be read any more is a mistake: what came from it would end.
    fn read(&self, running: &Running, generation: u64) -> Result<Read, Unfit> {
        let read = self.source.read(generation)?;
        let lost = config::lost(&running.includes, &read.includes);
        if lost.is_empty() { Ok(read) } else { Err(Unfit(lost)) }
    }

    /// Warnings of the file that were not there before.
    fn news(&self, warnings: &[Warning]) -> Vec<Warning> {
        let before = self.shared.status();
        let known = |warning: &&Warning| {
            before.warnings.iter().any(|old| old.code == warning.code && old.message == warning.message)
        };
        warnings.iter().filter(|warning| !known(warning)).cloned().collect()
    }

    /// Why it can't be run, as far as that is known without trying.
    fn objection(&self, running: &Configuration, read: &Read) -> Option<String> {
        let new = &read.configuration;
        let unscheduled = || match self.door.dataplane() {
            "kernel" => fitness::unscheduled(running, new, &host_facts::schedulers(Path::new("/"))?),
            _ => None,
        };
        objection(new)
            .or_else(|| fitness::unserved(&read.identity.warnings, &self.shared.status().warnings))
            .or_else(unscheduled)
    }

    /// Has the kernel try what is new of services. Errors: what it refuses.
    fn trial(&self, running: &Configuration, new: &Configuration) -> Result<(), String> {
        let services = unproven(running, new);
        if services.is_empty() {
            return Ok(());
        }
        let (told, tried) = oneshot::channel();
        let stopping = || "the engine is stopping".to_owned();
        self.loops.balance.blocking_send(Request::Trial(services, told)).map_err(|_| stopping())?;
        tried.blocking_recv().map_err(|_| stopping())?.map_err(|refusal| refusal.to_string())
    }

    /// What it would do to services.
    fn foreseen(&self, new: &Arc<Configuration>) -> Foresight {
        let (told, foreseen) = oneshot::channel();
        let asked = self.loops.balance.blocking_send(Request::Foresee(Arc::clone(new), told));
        asked.ok().and_then(|()| foreseen.blocking_recv().ok()).unwrap_or_default()
    }

    /// Why the addresses that are ours are not written down.
    fn unwritten(&self) -> Option<String> {
        let status = self.shared.status();
        status.warnings.iter().find(|warning| warning.code == UNWRITTEN).map(|warning| warning.message.clone())
    }

    /// Does or previews a reload. Blocks until the kernel has it. That one was refused stands in the status until one is not.
    pub fn reload(&self, asked: &Asked) -> Answer {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = self.attempt(asked);
        let files = config::files_of(&self.source.file, &self.running().includes);
        let barred = warn_of_barriers(&self.shared, &files);
        // No mistake of the file: who may read all of it finds none.
        if let (Outcome::Refused, Some(Warning { message, next, .. })) = (answer.outcome, &barred) {
            answer.message = format!("{message}; everything goes on as it was; {next}");
        }
        match answer.outcome {
            Outcome::Refused if !asked.dry_run => {
                _ = self.shared.warn_of(WHAT, Some(self.not_taken(&answer.message, barred.as_ref())));
            }
            Outcome::Done | Outcome::Failed => _ = self.shared.warn_of(WHAT, None),
            Outcome::Refused | Outcome::Preview | Outcome::Stale => {}
        }
        answer
    }

    /// The file on disk is not what runs, and the next start may fail by it; or only this process may not read it.
    fn not_taken(&self, why: &str, barred: Option<&Warning>) -> Warning {
        let file = self.source.file.display();
        let at = humantime::format_rfc3339_seconds(SystemTime::now());
        let mend =
            || format!("`lvsdeck check -f {file}`, mend it, then `lvsdeck ctl reload`: a restart might not come up");
        Warning {
            code: RELOAD_REFUSED.to_owned(),
            subject: WHAT.to_owned(),
            message: format!("the reload at {at} was refused, what runs is not what the file says: {why}"),
            next: barred.map_or_else(mend, |barred| barred.next.clone()),
        }
    }

    fn attempt(&self, asked: &Asked) -> Answer {
        let running = self.running();
        let mut read = match self.read(&running, running.generation + 1) {
            Ok(read) => read,
            Err(unfit) => return refused(&unfit),
        };
        if let Some(why) = half_written(&read, &running.configuration) {
            return refused(&Unfit(vec![why]));
        }
        let mut plan = plan(&running.configuration, &read.configuration);
        let foresight = (!plan.is_empty()).then(|| self.foreseen(&read.configuration));
        plan.finds(foresight.as_ref().map_or(0, |foresight| foresight.there));
        let mut digest = plan.digest;
        let news = self.news(&read.identity.warnings);
        let sentence = match news.len() {
            0 => plan.sentence(),
            count => format!(
                "{}; {count} new warnings, see `lvsdeck check -f {}`",
                plan.sentence(),
                read.identity.config.file
            ),
        };
        let status = self.shared.status();
        // Where an operator's priority counts, nothing follows from the file's.
        let is_ranked =
            |name: &String| !status.virtual_routers.iter().any(|r| r.name == *name && r.priority_set.is_some());
        plan.reranked.retain(is_ranked);
        let beside = beside(&plan.readdressed, &status.virtual_routers);
        // Whoever reloads without a preview, as by HUP, reads it in the journal.
        let mut sentence = beside.iter().fold(sentence, |sentence, beside| format!("{sentence}; {beside}"));
        let mut preview = preview(plan);
        preview.blast_radius = std::iter::once(preview.blast_radius).chain(beside).collect::<Vec<_>>().join("; ");
        // What of the file is not taken as it is written comes first: a slip reads like an intent in the fields that change.
        if let Some(told) = told(&news, &read.identity.config.file) {
            preview.blast_radius = format!("{told}; {}", preview.blast_radius);
        }
        for absent in fitness::absent(&running.configuration, &read.configuration, host::has_interface) {
            preview.blast_radius = format!("{}; {absent}", preview.blast_radius);
        }
        if let Some(foresight) = foresight {
            let found = Found {
                foreign: status.foreign_routers.clone(),
                links: route_netlink::links().ok(),
                tracked: watches::foresee(&running.configuration, &read.configuration),
            };
            let effects = effects(&running.configuration, &read.configuration, &status.virtual_routers, &found);
            let (felt, said) = feel::of_reload(&mut preview, foresight, effects, &status);
            digest ^= felt;
            sentence = said.iter().fold(sentence, |sentence, said| format!("{sentence}; {said}"));
        }
        let token = format!("{digest:016x}");
        let answer =
            |outcome, message: String, token| Answer { id: 0, outcome, message, preview: preview.clone(), token };
        if let (false, Err(refusal)) = (read.configuration.virtual_servers.is_empty(), self.door.open()) {
            let message =
                format!("the file has services, and the kernel can't serve them ({refusal}); nothing was changed");
            return answer(Outcome::Refused, message, None);
        }
        if let Some(objection) = self.objection(&running.configuration, &read) {
            return answer(Outcome::Refused, format!("{objection}; nothing was changed"), None);
        }
        if let Err(why) = self.trial(&running.configuration, &read.configuration) {
            return answer(Outcome::Refused, format!("{why}; nothing was changed"), None);
        }
        if asked.dry_run {
            let says = if preview.is_empty() { sentence } else { format!("would reload: {sentence}") };
            return answer(Outcome::Preview, says, Some(token));
        }
        if asked.token.as_ref().is_some_and(|given| *given != token) {
            let message = "the file or what runs has changed since the preview; look at this one and commit its token";
            return answer(Outcome::Stale, message.to_owned(), Some(token));
        }
        self.door.dataplane().clone_into(&mut read.identity.dataplane);
        let configuration = read.configuration;
        let prepared = scripts::prepare(&configuration);
        read.identity.warnings.extend(self.warnings.iter().cloned());
        let (told, done) = oneshot::channel();
        let request = Request::Reload(Arc::clone(&configuration), told);
        let Loops { failover, balance, scripts, notifier, mailer, webhook, watches } = &self.loops;
        notifier.follow(configuration.global.clone());
        mailer.follow(&configuration);
        webhook.follow(&configuration.settings.webhook);
        let (begun, both) = sync_channel(1);
        let begun = move || _ = begun.send(());
        if !failover.reload(Arc::clone(&configuration), begun) || balance.blocking_send(request).is_err() {
            return Answer::refused("the engine is stopping");
        }
        scripts.reload(prepared);
        watches.reload(watches::prepare(&configuration));
        for warning in news {
            let fact = Fact::new(EventKind::Warning, Severity::Warning, warning.subject).reason(warning.message);
            self.shared.append(fact.detail(warning.next));
        }
        self.shared.identify(read.identity);
        let includes = Arc::new(read.includes);
        let running = Running { configuration, includes, generation: running.generation + 1 };
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = running;
        match done.blocking_recv() {
            Ok(Ok(note)) => {
                // The failover loop says at once what it could not write down of its addresses.
                _ = both.recv_timeout(WRITTEN_WITHIN);
                let unwritten = self.unwritten().map_or_else(String::new, |trouble| {
                    format!("; not on disk, so that a start after a crash would not know which addresses are lvsdeck's: {trouble}")
                });
                let note = if note.is_empty() { note } else { format!("; {note}") };
                answer(Outcome::Done, format!("reloaded: {sentence}{note}{unwritten}"), None)
            }
            Ok(Err(why)) => {
                let message = format!("reloaded: {sentence}; the kernel has not taken all of it, tried again: {why}");
                answer(Outcome::Failed, message, None)
            }
            Err(_) => answer(Outcome::Failed, "the engine stopped while it reloaded".to_owned(), None),
        }
    }
}

/// Warns of what this process may not read of a configuration's files and of the directories that its patterns list, or no more.
/// The start read them with privileges that are gone.
fn warn_of_barriers(shared: &Shared, files: &[PathBuf]) -> Option<Warning> {
    let barriers = Barrier::to_all(files);
    let warning = (!barriers.is_empty()).then(|| {
        let said = |say: &dyn Fn(&Barrier) -> String| barriers.iter().map(say).collect::<Vec<_>>().join("; ");
        let message = format!("no reload can be taken: {}", said(&Barrier::to_string));
        let next = format!("{}, then `lvsdeck ctl reload`", said(&Barrier::remedy));
        Warning { code: "file-unreadable".to_owned(), subject: WHAT.to_owned(), message, next }
    });
    if shared.warn_of(BARRED, warning.clone())
        && let Some(warning) = &warning
    {
        tracing::warn!("{WHAT}: {}; {}", warning.message, warning.next);
    }
    warning
}

/// A file that somebody still writes: what is missing would be taken away.
fn half_written(read: &Read, running: &Configuration) -> Option<String> {
    let open = read.identity.warnings.iter().find(|warning| warning.code == "configuration-missing-brace");
    let holds = |c: &Configuration| !c.virtual_routers.is_empty() || !c.virtual_servers.is_empty();
    match open {
        Some(warning) => Some(format!("{}: {}; is it still being written?", warning.subject, warning.message)),
        None if holds(running) && !holds(&read.configuration) => {
            Some("it has nothing to run: to end everything, `lvsdeck ctl stop`".to_owned())
        }
        None => None,
    }
}

/// The new warnings of a file in a clause: how many, the first, and where the others are.
fn told(news: &[Warning], file: &str) -> Option<String> {
    let first = news.first()?;
    let more = match news.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more: `lvsdeck check -f {file}`"),
    };
    let count = if news.len() == 1 { "new warning".to_owned() } else { format!("{} new warnings", news.len()) };
    Some(format!("{count}: {}: {}{more}", first.subject, first.message.replace("; ", ", ")))
}

fn refused(unfit: &Unfit) -> Answer {
    let mut named = unfit.0.clone();
    if named.len() > NAMED {
        let more = named.len() - NAMED;
        named.truncate(NAMED);
        named.push(format!("… and {more} more"));
    }
    // Each mistake names its file, which may be an included one, or that of the settings.
    Answer::refused(format!("the configuration has errors, everything goes on as it was: {}", named.join("; ")))
}

fn preview(plan: Plan) -> Preview {
    let mut blast_radius = match (plan.removed, plan.changed) {
        _ if plan.is_empty() => "nobody".to_owned(),
        (0, 0) => "nobody who is served here now".to_owned(),
        (0, 1) => "1 object changes in place; connections to servers that stay go on".to_owned(),
        (0, changed) => format!("{changed} objects change in place; connections to servers that stay go on"),
        (1, _) if plan.serving == 0 => "1 object goes".to_owned(),
        (1, _) => "1 object goes, with its addresses and connections".to_owned(),
        (removed, _) if plan.serving == 0 => format!("{removed} objects go"),
        (removed, _) => format!("{removed} objects go, with their addresses and connections"),
    };
    if !plan.reranked.is_empty() {
        blast_radius =
            format!("{blast_radius}; another priority, with what follows from it: {}", plan.reranked.join(", "));
    }
    if !plan.paired.is_empty() {
        let instances = plan.paired.join(", ");
        blast_radius = format!("{blast_radius}; {instances}: until the other node has the same, both are master");
    }
    Preview { before: plan.before, after: plan.after, ops: plan.steps, blast_radius, ..Preview::default() }
}
