//! Writes: from the key to the preview, from the preview to the commit, and what its answer means.
//!
//! Nothing here changes the director without a dry run that the operator saw and a token that names exactly that dry run.

use crate::engine::{
    Answer, Command, CommandRequest, Outcome, RealServerKey, RealServerSelector, Row, RowKind, ServiceKey,
    ServiceSelector,
};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{AddField, AddServerForm, Field, Phase, Popup, PreviewPopup, WeightForm};
use crate::ui::rows;
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::{Focus, Tone, UiState};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Begins a write: a form, or the preview at once. A refused key says why.
pub fn begin(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    state.said = None;
    match forbidden(state).or_else(|| unseen(state, intent)).map_or_else(|| start(state, intent), Err) {
        Ok(effects) => effects,
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
    }
}

/// Why no write is possible now.
fn forbidden(state: &UiState) -> Option<String> {
    let why = if state.summary().is_none() {
        "no engine has answered yet"
    } else if state.lost.is_some() {
        "the engine does not answer; what is on screen is old"
    } else if state.read_only {
        "this console was started with --read-only"
    } else if !state.unlocked {
        "read-only: press r to allow writes"
    } else if !state.may_write() {
        "the engine takes no commands from you on this socket; run as root or join the group that owns it"
    } else if state.replay.is_some() {
        "this is a recording: nothing can be done to it"
    } else if state.viewing.is_some() {
        "this is the past: press 0 first, to act on what is there now"
    } else if state.paused_at.is_some() {
        "the screen is frozen: press space first, to act on what is there now"
    } else {
        return None;
    };
    Some(why.to_owned())
}

fn start(state: &mut UiState, intent: Intent) -> Result<Vec<Effect>, String> {
    match intent {
        Intent::Failover | Intent::Rejoin => {
            let instance = Some(instance(state, intent)?);
            let node = state.summary().map(|s| s.node.clone());
            let (command, word) = if intent == Intent::Failover {
                (Command::Failover { instance, hold_seconds: None, blind: false }, node)
            } else {
                (Command::Rejoin { instance }, None)
            };
            Ok(preview(state, command, word))
        }
        Intent::AddServer => {
            let form = add_form(state)?;
            state.popups.push(Popup::AddServer(form));
            Ok(Vec::new())
        }
        Intent::Weight => {
            let (row, service, server) = server(state)?;
            let weights = (row.weight, row.configured_weight);
            let form = WeightForm { service: service.0, server, weights, field: Field::default() };
            state.popups.push(Popup::Weight(form));
            Ok(Vec::new())
        }
        Intent::Drain | Intent::Restore | Intent::RemoveServer => {
            let (_, service, server) = server(state)?;
            let selector = RealServerSelector::Key(server);
            Ok(match intent {
                Intent::Drain => preview(
                    state,
                    Command::Drain { server: selector, service: Some(service), deadline_seconds: None },
                    None,
                ),
                Intent::Restore => preview(state, Command::Restore { server: selector, service: Some(service) }, None),
                _ => preview(state, Command::RemoveServer { service, server }, Some(server.to_string())),
            })
        }
        _ => Ok(Vec::new()),
    }
}

/// Why nothing can be done to what is not on screen.
fn unseen(state: &UiState, intent: Intent) -> Option<String> {
    let plan = plan(state);
    let instances = matches!(intent, Intent::Failover | Intent::Rejoin);
    let elsewhere = if instances { !state.screen.has_routers() } else { !state.screen.has_table() };
    if elsewhere {
        let screen = if instances { "3 shows the instances" } else { "2 shows the services" };
        return Some(format!("what this would change is not on this screen: {screen}"));
    }
    let hidden = if instances { plan.shape == Shape::Line } else { plan.rows() == 0 };
    hidden.then(|| "what this would change is not on screen: enlarge the terminal first".to_owned())
}

/// The instance that a failover or rejoin is about.
fn instance(state: &UiState, intent: Intent) -> Result<String, String> {
    match (state.selected_router(), state.routers().len()) {
        (_, 0) => Err("there is no VRRP instance on this director".to_owned()),
        (Some(router), _) => Ok(router.name.clone()),
        (None, _) => {
            let act = if intent == Intent::Failover { "give up" } else { "rejoin" };
            Err(format!("several instances: press Tab and choose the one to {act}"))
        }
    }
}

/// The selected real server.
fn server(state: &UiState) -> Result<(Row, ServiceSelector, RealServerKey), String> {
    let Some(row) = state.selected_row().filter(|_| state.focus == Focus::Services) else {
        return Err(nothing_selected(state));
    };
    match (row.kind, row.server.as_ref()) {
        (RowKind::Server, Some(server)) => {
            let key = server.parse().map_err(|error: crate::engine::KeyError| error.to_string())?;
            Ok((row.clone(), ServiceSelector(row.service.clone()), key))
        }
        _ => Err("select a real server first: this row is a service".to_owned()),
    }
}

fn nothing_selected(state: &UiState) -> String {
    match &state.table.selected {
        _ if state.focus == Focus::Routers => "select a real server first: Tab goes to the services".to_owned(),
        Some(key) => format!("{key} is not in the table any more; move to select another row"),
        None => "nothing is selected".to_owned(),
    }
}

/// A form whose defaults come from the servers that the service has already.
fn add_form(state: &UiState) -> Result<AddServerForm, String> {
    let row = state.selected_row().filter(|_| state.focus == Focus::Services).ok_or_else(|| nothing_selected(state))?;
    let service: ServiceKey = row.service.parse().map_err(|error: crate::engine::KeyError| error.to_string())?;
    let siblings: Vec<&Row> = state.page().map_or(Vec::new(), |p| {
        p.rows.iter().filter(|r| r.service == row.service && r.kind == RowKind::Server).collect()
    });
    let taken: Vec<String> = siblings.iter().filter_map(|r| r.server.clone()).collect();
    let highest = taken.iter().filter_map(|key| key.parse().ok()).map(|RealServerKey(address)| address).max();
    let address = highest.map_or_else(|| service.port().map_or(String::new(), |port| format!(":{port}")), next_address);
    let mut weights: BTreeMap<u32, usize> = BTreeMap::new();
    for sibling in &siblings {
        *weights.entry(sibling.configured_weight).or_default() += 1;
    }
    let weight = weights.into_iter().max_by_key(|(_, times)| *times).map_or(1, |(weight, _)| weight);
    let forward = rows::forwarding(siblings.first().map_or(&row.forward, |r| &r.forward));
    Ok(AddServerForm {
        service,
        address: Field::with(address),
        weight: Field::with(weight.to_string()),
        forward,
        focus: AddField::Address,
        taken,
    })
}

/// The address behind this one, with the same port.
fn next_address(address: SocketAddr) -> String {
    let next = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from(u32::from(ip).saturating_add(1))),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip).saturating_add(1))),
    };
    SocketAddr::new(next, address.port()).to_string()
}

/// Asks the engine what a command would do, and shows that on top of what is there.
pub fn preview(state: &mut UiState, command: Command, always_type: Option<String>) -> Vec<Effect> {
    state.serial += 1;
    state.said = None;
    let request = CommandRequest { command, reason: None, dry_run: true, token: None };
    state.popups.push(Popup::Preview(Box::new(PreviewPopup {
        title: describe(&request.command),
        request: request.clone(),
        serial: state.serial,
        phase: Phase::Asking,
        always_type,
        typed: Field::default(),
        changed: Vec::new(),
    })));
    vec![Effect::Command(state.serial, request)]
}

/// A command in a line, in the words of `ctl`.
pub fn describe(command: &Command) -> String {
    let within = |service: &Option<ServiceSelector>| service.as_ref().map_or(String::new(), |s| format!(" in {s}"));
    let all = |instance: &Option<String>| instance.clone().unwrap_or_else(|| "all instances".to_owned());
    match command {
        Command::Failover { instance, .. } => format!("failover {}", all(instance)),
        Command::Rejoin { instance } => format!("rejoin {}", all(instance)),
        Command::Drain { server, service, .. } => format!("drain {server}{}", within(service)),
        Command::Maintenance { server, service, .. } => format!("maintenance {server}{}", within(service)),
        Command::Restore { server, service } => format!("restore {server}{}", within(service)),
        Command::Weight { service, server, weight } => format!("weight {service} {server} {weight}"),
        Command::AddServer { service, server, .. } => format!("add-server {service} {server}"),
        Command::RemoveServer { service, server } => format!("remove-server {service} {server}"),
        Command::Takeover { instance } => format!("takeover {instance}"),
        Command::Priority { .. } | Command::Several { .. } => command.to_string(),
        Command::AddService { service, .. } => format!("add-service {service}"),
        Command::RemoveService { service } => format!("remove-service {service}"),
        Command::Reload | Command::Undo { .. } | Command::Stop { .. } => command.verb().to_owned(),
    }
}

/// Enter in a preview: commits what was shown when nothing is missing.
pub fn commit(state: &mut UiState) -> Vec<Effect> {
    let serial = state.serial + 1;
    if plan(state).shape == Shape::Line {
        state.say(Tone::Bad, "the preview is not on screen: enlarge the terminal first");
        return Vec::new();
    }
    let Some(Popup::Preview(popup)) = state.popups.last_mut() else { return Vec::new() };
    let missing = popup.required().is_some_and(|word| popup.typed.text().trim() != word);
    let answer = match &popup.phase {
        Phase::Ready(answer) => answer,
        Phase::Refused(_) => {
            state.popups.pop();
            return Vec::new();
        }
        Phase::Asking => {
            state.say(Tone::Bad, "the engine has not said yet what this would do");
            return Vec::new();
        }
        Phase::Committing(_) => {
            state.say(Tone::Bad, "this is being done already; Esc does not wait for its end");
            return Vec::new();
        }
    };
    if missing {
        let word = popup.required().unwrap_or_default().to_owned();
        state.say(Tone::Bad, format!("type {word} to confirm, or press Esc"));
        return Vec::new();
    }
    let request = CommandRequest { dry_run: false, token: answer.token.clone(), ..popup.request.clone() };
    popup.phase = Phase::Committing(answer.clone());
    popup.serial = serial;
    (state.serial, state.said) = (serial, None);
    vec![Effect::Command(serial, request)]
}

/// What an answer means: for the preview on top when it is that one's, otherwise for the status line.
pub fn on_answer(state: &mut UiState, serial: u64, answer: Result<Box<Answer>, String>) -> Vec<Effect> {
    state.dirty = true;
    let at = state.popups.iter().position(|p| matches!(p, Popup::Preview(popup) if popup.serial == serial));
    let Some(Popup::Preview(popup)) = at.and_then(|at| state.popups.get_mut(at)) else {
        return without_popup(state, answer);
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            popup.phase = Phase::Refused(why);
            return Vec::new();
        }
    };
    match (answer.outcome, &popup.phase) {
        (Outcome::Preview, _) => {
            popup.phase = Phase::Ready(answer);
            Vec::new()
        }
        (Outcome::Done, _) => {
            state.popups.clear();
            state.say(Tone::Good, answer.message);
            vec![Effect::Poll]
        }
        (Outcome::Stale, Phase::Committing(shown)) => {
            popup.changed = changes(&shown.preview.before, &answer.preview.before);
            if popup.changed.is_empty() {
                popup.changed = vec![answer.message.clone()];
            }
            popup.typed = Field::default();
            show_again(state, at)
        }
        (Outcome::Refused | Outcome::Failed | Outcome::Stale, _) => {
            popup.phase = Phase::Refused(answer.message);
            vec![Effect::Poll]
        }
    }
}

/// Asks for the preview anew, because the old one is not true any more.
fn show_again(state: &mut UiState, at: Option<usize>) -> Vec<Effect> {
    state.serial += 1;
    let serial = state.serial;
    let Some(Popup::Preview(popup)) = at.and_then(|at| state.popups.get_mut(at)) else { return Vec::new() };
    popup.serial = serial;
    popup.phase = Phase::Asking;
    vec![Effect::Command(serial, popup.request.clone()), Effect::Poll]
}

/// The lines that are not in both, with a sign.
fn changes(old: &[String], new: &[String]) -> Vec<String> {
    let gone = old.iter().filter(|line| !new.contains(line) && !new.is_empty()).map(|line| format!("- {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

/// The answer to something whose popup was left: a commit's end is still worth saying.
fn without_popup(state: &mut UiState, answer: Result<Box<Answer>, String>) -> Vec<Effect> {
    match answer {
        Ok(answer) if answer.outcome == Outcome::Preview => Vec::new(),
        Ok(answer) => {
            let tone = if answer.outcome == Outcome::Done { Tone::Good } else { Tone::Bad };
            state.say(tone, answer.message);
            vec![Effect::Poll]
        }
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
    }
}
