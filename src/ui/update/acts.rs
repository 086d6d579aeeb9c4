//! Writes: from the key, or the line of the palette, to a form or the preview.
//!
//! Every write ends in [`commit::preview`](super::commit::preview); nothing here gives a command that is no dry run.

use super::commit::preview;
use super::line::Line;
use super::{targets, undo};
use crate::engine::{Command, RealServerKey, RealServerSelector, RowKind, ServiceSelector, Summary};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Form, Popup, Target, priority, time, together};
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::{Tone, UiState};
use std::net::IpAddr;

/// Why a socket takes none.
pub fn no_commands(state: &UiState) -> String {
    let who = state.commanders.as_deref().unwrap_or("run as root, or join the group that `ls -l` names for the socket");
    format!("no commands from you: {who}")
}

/// Why a console that only looks does nothing.
pub const READ_ONLY: &str = "this console was started with --read-only; start another one to write";

/// Begins a write: a form, or the preview at once. `words`: what the palette was told beside the name. A refused key says
/// why.
pub fn begin(state: &mut UiState, intent: Intent, words: &str) -> Vec<Effect> {
    state.said = None;
    match forbidden(state)
        .or_else(|| out_of_sight(state, intent, words))
        .map_or_else(|| start(state, intent, words), Err)
    {
        Ok(effects) => effects,
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
    }
}

/// Why nothing is known of an engine yet.
pub fn unanswered(state: &UiState) -> String {
    state.lost.as_ref().map_or_else(|| "no engine has answered yet".to_owned(), |lost| lost.why.clone())
}

/// Why no write is possible now.
pub fn forbidden(state: &UiState) -> Option<String> {
    let key = |intent| state.keys.hint(intent);
    let why = if state.summary().is_none() {
        unanswered(state)
    } else if state.lost.is_some() {
        let gone = state.lost.as_ref().is_some_and(|lost| lost.gone_since.is_some());
        let why = if gone { "is gone" } else { "does not answer" };
        format!("the engine {why}; what is on screen is old")
    } else if let Some(why) = not_now(state) {
        why
    } else if state.read_only {
        READ_ONLY.to_owned()
    } else if state.summary().is_some_and(|summary| !summary.writable) {
        no_commands(state)
    } else if !state.unlocked {
        format!("read-only: press {} to allow writes", key(Intent::ToggleLock))
    } else {
        return None;
    };
    Some(why)
}

/// Why what is shown is nothing to act on.
pub fn not_now(state: &UiState) -> Option<String> {
    let key = |intent| state.keys.hint(intent);
    let why = if state.replay.is_some() {
        "this is a recording: nothing can be done to it".to_owned()
    } else if state.summary().is_some_and(Summary::only_watches) {
        "watch only looks: `lvsdeck` opens a console that acts, on an engine".to_owned()
    } else if state.viewing.is_some() {
        format!("this is the past: press {} first, to act on what is there now", key(Intent::Live))
    } else if state.paused_at.is_some() {
        format!("the screen is frozen: press {} first, to act on what is there now", key(Intent::Pause))
    } else {
        return None;
    };
    Some(why)
}

/// Why nothing can be done to what is not on screen.
pub fn unseen(state: &UiState, intent: Intent) -> Option<String> {
    let plan = plan(state);
    let instances = intent.is_about_instances();
    let elsewhere = match (intent.is_about_the_engine(), instances) {
        (true, _) => false,
        (false, true) => !state.screen.has_routers(),
        (false, false) => !state.has_table(),
    };
    // Where there is no room for tables every screen is the list of problems, with the instances in it.
    let has_room = !matches!(plan.shape, Shape::Line | Shape::List);
    if elsewhere && has_room {
        use crate::ui::screens::Screen;
        let (screen, what) = if instances { (Screen::Vrrp, "instances") } else { (Screen::Services, "services") };
        let key = state.keys.hint(Intent::Show(screen));
        return Some(format!("what this would change is not on this screen: {key} shows the {what}"));
    }
    if instances || intent.is_about_the_engine() {
        return no_room(state);
    }
    // In the one line that such a screen has for it.
    let why = || match intent {
        Intent::Drain | Intent::Restore | Intent::Maintenance => {
            format!("enlarge to 60x15, or :{} ADDRESS", intent.name())
        }
        Intent::Weight => "enlarge to 60x15, or :weight ADDRESS N".to_owned(),
        Intent::AddServer => "enlarge to 60x15, or :add-server VS".to_owned(),
        Intent::Remove | Intent::RemoveServer => "enlarge to 60x15, or :remove-server VS RS".to_owned(),
        Intent::RemoveService => "enlarge to 60x15, or :remove-service VS".to_owned(),
        _ => "no row is on screen: enlarge to 60x15".to_owned(),
    };
    (plan.rows() == 0).then(why)
}

/// Why a preview can't be shown.
pub fn no_room(state: &UiState) -> Option<String> {
    (plan(state).shape == Shape::Line).then(|| "enlarge to 40x5 to see the preview".to_owned())
}

/// The same for a line of the palette: what names its object needs no row under a cursor, and its preview says whom it means.
fn out_of_sight(state: &UiState, intent: Intent, words: &str) -> Option<String> {
    let is_named = match intent {
        // What can't be read is told first.
        intent if is_of_servers(intent) => Line::read(state, intent, words).is_ok_and(|line| line.server.is_some()),
        Intent::AddServer => targets::names_service(state, words),
        // `remove` says what to do instead.
        Intent::Remove | Intent::RemoveServer | Intent::RemoveService => !words.is_empty(),
        intent if intent.is_about_instances() => targets::names_instance(intent, words),
        _ => false,
    };
    if is_named { no_room(state) } else { unseen(state, intent) }
}

/// Whether it takes a line about real servers.
const fn is_of_servers(intent: Intent) -> bool {
    matches!(intent, Intent::Drain | Intent::Restore | Intent::Weight | Intent::Maintenance)
}

fn start(state: &mut UiState, intent: Intent, words: &str) -> Result<Vec<Effect>, String> {
    let is_elsewhere = intent.is_about_instances() || intent == Intent::AddServer;
    if is_of_servers(intent) {
        return Line::read(state, intent, words)?.begin(state, intent);
    }
    if let Some((server, words)) = server_of(state, words).filter(|_| !is_elsewhere) {
        return by_name(state, intent, server, words);
    }
    if !words.is_empty() && intent.arguments().is_empty() && !intent.is_about_instances() {
        let instead = if intent == Intent::Remove { ": write :remove-server or :remove-service" } else { "" };
        return Err(format!("{} takes nothing behind it, and there is \"{words}\"{instead}", intent.name()));
    }
    if intent.is_about_instances() {
        return instances(state, intent, words);
    }
    let form = match intent {
        Intent::AddServer => targets::add_server(state, words)?,
        Intent::AddService => targets::add_service(state, words),
        Intent::Undo => return undo::open(state, words),
        _ => {
            let (command, word) = at_once(state, intent, words)?;
            return Ok(preview(state, command, word));
        }
    };
    state.popups.push(Popup::Form(form));
    Ok(Vec::new())
}

/// The address of the real server that a demonstration calls by the first word, and the other words.
pub fn named<'a>(state: &UiState, words: &'a str) -> Option<(IpAddr, &'a str)> {
    let (name, rest) = words.split_once(' ').unwrap_or((words, ""));
    let guide = state.guide.as_ref()?;
    let (_, address) = guide.servers.iter().find(|(known, _)| known == name)?;
    Some((*address, rest.trim()))
}

/// The real server that the first word is the address or the name of, and the other words.
pub fn server_of<'a>(state: &UiState, words: &'a str) -> Option<(RealServerSelector, &'a str)> {
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    let by_address = first.parse().ok().map(|server| (server, rest.trim()));
    by_address.or_else(|| named(state, words).map(|(address, rest)| (RealServerSelector::Host(address), rest)))
}

/// An act that names a real server.
fn by_name(
    state: &mut UiState,
    intent: Intent,
    server: RealServerSelector,
    words: &str,
) -> Result<Vec<Effect>, String> {
    if intent == Intent::RemoveServer && words.is_empty() {
        let (command, word) = remove_servers(targets::at(state, server, None)?);
        return Ok(preview(state, command, Some(word)));
    }
    let (name, key) = (intent.name(), state.keys.hint(intent));
    Err(format!("{name} takes no address: go to {server} and press {key}"))
}

/// What needs no form: the command, and the word to type before it is done.
fn at_once(state: &UiState, intent: Intent, words: &str) -> Result<(Command, Option<String>), String> {
    let named: Vec<&str> = words.split_whitespace().collect();
    Ok(match intent {
        Intent::Remove => remove(state)?,
        Intent::RemoveService => {
            let service = match named.as_slice() {
                [] => targets::selected(state)?.service.clone(),
                [service] => (*service).to_owned(),
                _ => return Err(format!("remove-service takes a service and nothing else, not \"{words}\"")),
            };
            (Command::RemoveService { service: ServiceSelector(service.clone()) }, Some(service))
        }
        Intent::RemoveServer => match named.as_slice() {
            [] => {
                let (command, word) = remove_servers(targets::servers(state)?);
                (command, Some(word))
            }
            [service, server] => {
                let server: RealServerKey =
                    server.parse().map_err(|_| format!("{server} is no server, as 10.0.0.71:80"))?;
                let service = ServiceSelector((*service).to_owned());
                (Command::RemoveServer { service, server }, Some(server.to_string()))
            }
            _ => return Err("remove-server takes a service and a server, as tcp/10.0.0.1:80 10.0.0.71:80".to_owned()),
        },
        Intent::Reload => (Command::Reload, None),
        Intent::Stop => match words {
            "" | "--keep" => (Command::Stop { keep: !words.is_empty() }, Some("stop".to_owned())),
            other => return Err(format!("stop takes --keep or nothing, and not \"{other}\"")),
        },
        other => return Err(format!("{} changes nothing", other.name())),
    })
}

/// The marked servers, the selected server or the selected service; what goes has to be named.
fn remove(state: &UiState) -> Result<(Command, Option<String>), String> {
    if state.table.marks.is_empty() {
        let row = targets::selected(state)?;
        if row.kind == RowKind::Service {
            let service = ServiceSelector(row.service.clone());
            return Ok((Command::RemoveService { service }, Some(row.service.clone())));
        }
    }
    let (command, word) = remove_servers(targets::servers(state)?);
    Ok((command, Some(word)))
}

fn remove_servers(servers: Vec<Target>) -> (Command, String) {
    let word = match servers.as_slice() {
        [only, rest @ ..] if rest.iter().all(|other| other.server == only.server) => only.server.to_string(),
        _ => "remove".to_owned(),
    };
    let remove = |Target { service, server, .. }: Target| Command::RemoveServer { service, server };
    (together(servers.into_iter().map(remove).collect()), word)
}

fn instances(state: &mut UiState, intent: Intent, words: &str) -> Result<Vec<Effect>, String> {
    let (name, words) = targets::named_instance(state, intent, words)?;
    let (command, word) = match intent {
        Intent::Failover => {
            let (blind, hold_seconds) = failover_words(words)?;
            let word = Some(name.clone());
            (Command::Failover { instance: Some(name), hold_seconds, blind }, word)
        }
        Intent::Takeover | Intent::Rejoin if !words.is_empty() => {
            return Err(format!("{} takes an instance and nothing else, not \"{words}\"", intent.name()));
        }
        Intent::Takeover => (Command::Takeover { instance: name }, None),
        Intent::Priority if words.is_empty() => {
            let router = state.routers().iter().find(|router| router.name == name);
            let (configured, effective) = router.map_or((0, 0), |r| (r.priority, r.effective_priority));
            state.popups.push(Popup::Form(Form::priority(name, configured, effective)));
            return Ok(Vec::new());
        }
        Intent::Priority => {
            let words = words.trim_start_matches("--");
            let priority = if words == "from-file" { None } else { priority(words)? };
            (Command::Priority { instance: name, priority }, None)
        }
        _ => (Command::Rejoin { instance: Some(name) }, None),
    };
    Ok(preview(state, command, word))
}

/// `--blind` and `--for 5m`.
fn failover_words(words: &str) -> Result<(bool, Option<u64>), String> {
    let (mut blind, mut hold) = (false, None);
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--blind" => blind = true,
            "--for" => {
                hold = time(words.next().unwrap_or_default())?;
                if hold.is_none() {
                    return Err("--for needs a time, as --for 5m".to_owned());
                }
            }
            other => return Err(format!("failover takes --blind and --for TIME, and not \"{other}\"")),
        }
    }
    Ok((blind, hold))
}
