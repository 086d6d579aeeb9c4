//! Whom an act is about: the marked servers, or the selected row; and what forms begin with.

use crate::engine::{
    Command, RealServerKey, RealServerSelector, Row, RowKind, Scheduler, ServiceKey, ServiceSelector, nearest,
};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Form, Target};
use crate::ui::rows;
use crate::ui::screens::Screen;
use crate::ui::screens::plan::plan;
use crate::ui::state::{Focus, Tone, UiState};
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most servers that may be marked: one act's preview is to be read.
const MOST_MARKS: usize = 200;
/// Most of them that a preview names apart from the others because they are not on screen.
const NAMED: usize = 6;

/// The marked servers, or the selected one.
pub fn servers(state: &UiState) -> Result<Vec<Target>, String> {
    if !state.table.marks.is_empty() {
        return Ok(state.table.marks.values().cloned().collect());
    }
    let row = selected(state)?;
    target(row)?.map(|target| vec![target]).ok_or_else(|| {
        let mark = state.keys.hint(Intent::Mark);
        format!("select a real server first, or mark several with {mark}: this row is a service")
    })
}

/// The selected row.
pub fn selected(state: &UiState) -> Result<&Row, String> {
    state.selected_row().filter(|_| state.focus == Focus::Services).ok_or_else(|| match &state.table.selected {
        _ if state.focus == Focus::Routers => {
            format!("select a real server first: {} goes to the services", state.keys.hint(Intent::NextPanel))
        }
        Some(key) if !state.table.filter.is_empty() => {
            format!("the filter hides {key}, or it is gone; move to select another row")
        }
        Some(key) => format!("{key} is not in the table any more; move to select another row"),
        None => "nothing is selected".to_owned(),
    })
}

/// The server of a row; none for a service.
fn target(row: &Row) -> Result<Option<Target>, String> {
    let Some(server) = row.server.as_ref().filter(|_| row.kind == RowKind::Server) else { return Ok(None) };
    let server: RealServerKey = server.parse().map_err(|error: crate::engine::KeyError| error.to_string())?;
    let service = ServiceSelector(row.service.clone());
    Ok(Some(Target { service, server, weights: (row.wanted(), row.configured_weight) }))
}

/// The server of this address in this service, or in every one, that is loaded.
pub fn at(
    state: &UiState,
    server: RealServerSelector,
    service: Option<&ServiceSelector>,
) -> Result<Vec<Target>, String> {
    let rows = state.page().map_or(&[][..], |page| &page.rows).iter();
    let named = |row: &&Row| service.is_none_or(|ServiceSelector(named)| row.service == *named);
    let found = rows.filter(named).filter_map(|row| target(row).ok().flatten());
    let meant = found.filter(|target| match server {
        RealServerSelector::Key(key) => target.server == key,
        RealServerSelector::Host(host) => target.server.0.ip() == host,
    });
    let meant: Vec<Target> = meant.collect();
    if meant.is_empty() {
        let of = service.map_or_else(String::new, |ServiceSelector(service)| format!(" of {service}"));
        Err(format!("{server}{of} is in no row that is loaded: go to it in the table"))
    } else {
        Ok(meant)
    }
}

/// Marks the selected server, or takes its mark away; of a service, all of its servers that are loaded.
pub fn mark(state: &mut UiState) -> Vec<Effect> {
    if let Some(why) = super::acts::unseen(state, Intent::Mark) {
        state.say(Tone::Bad, why);
        return Vec::new();
    }
    let rows: Vec<Row> = match selected(state) {
        Err(why) => {
            state.say(Tone::Bad, why);
            return Vec::new();
        }
        Ok(row) if row.kind == RowKind::Server => vec![row.clone()],
        Ok(row) => {
            let (service, page) = (row.service.clone(), state.page());
            let loaded = page.map_or(&[][..], |page| &page.rows).iter();
            loaded.filter(|row| row.kind == RowKind::Server && row.service == service).cloned().collect()
        }
    };
    let is_marked = |row: &Row| state.table.marks.contains_key(&row.key);
    let away = !rows.is_empty() && rows.iter().all(is_marked);
    let mut left_out = 0;
    for row in &rows {
        if away {
            state.table.marks.remove(&row.key);
        } else if state.table.marks.len() >= MOST_MARKS && !state.table.marks.contains_key(&row.key) {
            left_out += 1;
        } else if let Ok(Some(target)) = target(row) {
            state.table.marks.insert(row.key.clone(), target);
        }
    }
    let (marked, esc) = (state.table.marks.len(), state.keys.hint(Intent::Back));
    let partly = rows.last().filter(|_| rows.len() > 1 && !away).and_then(|last| unloaded(state, last, rows.len()));
    if let Some(partly) = partly.filter(|_| left_out == 0) {
        state.say(Tone::Bad, format!("{partly}; {marked} marked, {esc} takes the marks away"));
    } else if left_out > 0 {
        state.say(Tone::Bad, format!("{MOST_MARKS} servers are marked, more would not be read; {left_out} are not"));
    } else if marked == 0 {
        state.say(Tone::Good, "no server is marked");
    } else {
        state.say(Tone::Good, format!("{marked} marked: the next act is for all of them; {esc} takes the marks away"));
    }
    if rows.len() == 1 {
        // On to the next one: marking several in a row is one key each.
        return super::table::travel(state, Intent::Down);
    }
    Vec::new()
}

/// That a service has more servers than are loaded, the last of which is `last`.
fn unloaded(state: &UiState, last: &Row, loaded: usize) -> Option<String> {
    let page = state.page()?;
    let is_cut = page.rows.last().is_some_and(|row| row.key == last.key) && page.offset + page.rows.len() < page.total;
    let of = match page.services {
        (1, _) => format!("of {} servers only the {loaded} that are loaded", page.total.saturating_sub(1)),
        _ => format!("only the {loaded} servers that are loaded, the service has more"),
    };
    is_cut.then_some(of)
}

/// What is known of marked servers now.
pub fn refresh_marks(state: &mut UiState) {
    let Some(page) = state.picture.as_ref().and_then(|picture| picture.polled.page.as_ref()) else { return };
    for row in page.rows.iter().filter(|row| row.kind == RowKind::Server) {
        if let Some(mark) = state.table.marks.get_mut(&row.key) {
            mark.weights = (row.wanted(), row.configured_weight);
        }
    }
}

/// The marked servers that are not on screen: filtered away, folded, or above or below the rows that have room.
pub fn hidden_marks(state: &UiState) -> impl Iterator<Item = &Target> {
    let top = state.table.top;
    let shown = (top..top + plan(state).rows()).filter_map(|index| state.row_at(index));
    let shown: HashSet<&str> = shown.map(|row| row.key.as_str()).collect();
    state.table.marks.iter().filter(move |(key, _)| !shown.contains(key.as_str())).map(|(_, target)| target)
}

/// What a preview says of marked servers that a command is about while they are not on screen.
pub fn hidden_text(state: &UiState, command: &Command) -> Option<String> {
    let meant = match command {
        Command::Several { commands } => commands.as_slice(),
        one => std::slice::from_ref(one),
    };
    let meant: Vec<_> = meant.iter().filter_map(server_of).collect();
    let hidden = hidden_marks(state).filter(|target| meant.contains(&(&target.service, target.server)));
    let hidden: Vec<String> = hidden.map(|target| format!("{} of {}", target.server, target.service)).collect();
    let verb = if hidden.len() == 1 { "is" } else { "are" };
    let first = hidden.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match hidden.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (many, marked) = (hidden.len(), state.table.marks.len());
    (many > 0).then(|| format!("{many} of {marked} marked {verb} not on screen: {first}{more}"))
}

/// The server of one service that a command is about.
fn server_of(command: &Command) -> Option<(&ServiceSelector, RealServerKey)> {
    match command {
        Command::Drain { server: RealServerSelector::Key(server), service: Some(service), .. }
        | Command::Restore { server: RealServerSelector::Key(server), service: Some(service) }
        | Command::Maintenance { server: RealServerSelector::Key(server), service: Some(service), .. }
        | Command::Weight { service, server, .. }
        | Command::RemoveServer { service, server } => Some((service, *server)),
        _ => None,
    }
}

/// The instance that an act is about: the only one, or the one under the bar. One that was selected before the bar went elsewhere is
/// not what anybody sees.
pub fn instance(state: &UiState, intent: Intent) -> Result<String, String> {
    match (state.routers(), state.selected_router().filter(|_| state.focus == Focus::Routers)) {
        ([], _) => Err("there is no VRRP instance on this director".to_owned()),
        ([router], _) | (_, Some(router)) => Ok(router.name.clone()),
        (_, None) => {
            let chooses = if state.screen == Screen::Overview {
                format!("{} chooses an instance", state.keys.hint(Intent::NextPanel))
            } else {
                format!("{} shows the instances", state.keys.hint(Intent::Show(Screen::Vrrp)))
            };
            Err(format!("which instance? {chooses}; or :{} NAME", intent.name()))
        }
    }
}

/// The instance that the words begin with, or the selected one; and the other words.
pub fn named_instance<'a>(state: &UiState, intent: Intent, words: &'a str) -> Result<(String, &'a str), String> {
    let rest = |name: &str| words.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with(' '));
    let known = state.routers().iter().filter_map(|router| Some((router.name.clone(), rest(&router.name)?.trim())));
    if let Some(found) = known.max_by_key(|(name, _)| name.len()) {
        return Ok(found);
    }
    if !names_instance(intent, words) {
        return Ok((instance(state, intent)?, words));
    }
    let (first, others) = words.split_once(' ').unwrap_or((words, ""));
    if state.picture.as_ref().is_some_and(|picture| picture.polled.routers.is_none()) {
        // No screen with the instances was shown yet: the engine knows them.
        return Ok((first.to_owned(), others.trim()));
    }
    if state.routers().is_empty() {
        return Ok((instance(state, intent)?, words));
    }
    let names = || state.routers().iter().map(|router| router.name.as_str());
    let (all, more) = (names().take(NAMED).collect::<Vec<_>>().join(", "), names().count().saturating_sub(NAMED));
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let meant =
        nearest(first, names()).map_or_else(|| format!("there is {all}{more}"), |name| format!("did you mean {name}?"));
    Err(format!("there is no VRRP instance {first}: {meant}"))
}

/// Whether the words begin with an instance, and not with something else that the act takes.
pub fn names_instance(intent: Intent, words: &str) -> bool {
    let first = words.split(' ').next().unwrap_or_default();
    let is_argument = first.is_empty()
        || first.starts_with("--")
        || (intent == Intent::Priority && (first == "from-file" || first.parse::<i64>().is_ok()));
    !is_argument
}

/// The service that the words begin with, as it is loaded, and the other words.
fn named_service<'a>(state: &'a UiState, words: &'a str) -> Result<Option<(&'a Row, &'a str)>, String> {
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    if first.parse::<ServiceKey>().is_err() {
        return Ok(None);
    }
    let services = || state.page().map_or(&[][..], |page| &page.rows).iter().filter(|row| row.kind == RowKind::Service);
    let found = services().find(|row| row.service == first).map(|row| (row, rest.trim()));
    found.map(Some).ok_or_else(|| {
        let meant = nearest(first, services().map(|row| row.service.as_str()));
        let meant =
            meant.map_or_else(|| "go to it in the table first".to_owned(), |key| format!("did you mean {key}?"));
        format!("no service {first} is loaded: {meant}")
    })
}

/// Whether it is clear without a cursor for which service a server is to be added.
pub fn names_service(state: &UiState, words: &str) -> bool {
    let is_only = state.page().is_some_and(|page| page.services.1 == 1);
    state.has_table() && (is_only || !matches!(named_service(state, words), Ok(None)))
}

/// A form whose defaults come from the servers that the service has already. `words`: service, address and weight, as far as they
/// are given.
pub fn add_server(state: &UiState, words: &str) -> Result<Form, String> {
    let (row, words) = match named_service(state, words)? {
        Some(named) => named,
        None => (selected(state)?, words),
    };
    let service: ServiceKey = row.service.parse().map_err(|error: crate::engine::KeyError| error.to_string())?;
    let siblings: Vec<&Row> = state.page().map_or(Vec::new(), |p| {
        p.rows.iter().filter(|r| r.service == row.service && r.kind == RowKind::Server).collect()
    });
    let taken: Vec<String> = siblings.iter().filter_map(|r| r.server.clone()).collect();
    let highest = taken
        .iter()
        .filter_map(|key| key.parse::<RealServerKey>().ok())
        .max()
        .map(|RealServerKey(address)| address.into());
    let address = highest.map_or_else(|| service.port().map_or(String::new(), |port| format!(":{port}")), next_address);
    let mut weights: BTreeMap<u32, usize> = BTreeMap::new();
    for sibling in &siblings {
        *weights.entry(sibling.configured_weight).or_default() += 1;
    }
    let weight = weights.into_iter().max_by_key(|(_, times)| *times).map_or(1, |(weight, _)| weight).to_string();
    let forward = rows::forwarding(siblings.first().map_or(&row.forward, |r| &r.forward));
    let mut words = words.split_whitespace();
    let address = words.next().map_or(address, str::to_owned);
    let weight = words.next().map_or(weight, str::to_owned);
    Ok(Form::add_server(service, taken, address, &weight, forward))
}

/// A form whose defaults come from the selected service. `key`: the new service's, if given.
pub fn add_service(state: &UiState, key: &str) -> Form {
    let rows = state.page().map_or(&[][..], |page| &page.rows);
    let taken: Vec<String> = rows.iter().map(|row| row.service.clone()).collect();
    let like = state.selected_row().and_then(|row| rows.iter().find(|r| r.key == row.service));
    let key = match (key, like) {
        ("", Some(row)) => row.service.clone(),
        (given, _) => given.to_owned(),
    };
    let scheduler = like.and_then(|row| row.scheduler.as_deref()).and_then(Scheduler::from_name);
    let persistence = like.and_then(|row| row.persistence).map(|seconds| seconds.to_string()).unwrap_or_default();
    let forward = rows::forwarding(like.map_or("Masq", |row| &row.forward));
    Form::add_service(taken, &key, scheduler.map_or("wlc", Scheduler::name), forward, &persistence)
}

/// The address behind this one, with the same port.
fn next_address(address: SocketAddr) -> String {
    let next = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from(u32::from(ip).saturating_add(1))),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip).saturating_add(1))),
    };
    SocketAddr::new(next, address.port()).to_string()
}
