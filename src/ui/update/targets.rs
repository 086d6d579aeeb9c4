//! Whom an act is about: the marked servers, or the selected row; and what forms begin with.

use crate::engine::{RealServerKey, Row, RowKind, Scheduler, ServiceKey, ServiceSelector};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Form, Target};
use crate::ui::rows;
use crate::ui::state::{Focus, Tone, UiState};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most servers that may be marked: one act's preview is to be read.
const MOST_MARKS: usize = 200;

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
    Ok(Some(Target { service, server, weights: (row.weight, row.configured_weight) }))
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
    if left_out > 0 {
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

/// What is known of marked servers now.
pub fn refresh_marks(state: &mut UiState) {
    let Some(page) = state.picture.as_ref().and_then(|picture| picture.polled.page.as_ref()) else { return };
    for row in page.rows.iter().filter(|row| row.kind == RowKind::Server) {
        if let Some(mark) = state.table.marks.get_mut(&row.key) {
            mark.weights = (row.weight, row.configured_weight);
        }
    }
}

/// The instance that an act is about.
pub fn instance(state: &UiState, intent: Intent) -> Result<String, String> {
    match (state.selected_router(), state.routers().len()) {
        (_, 0) => Err("there is no VRRP instance on this director".to_owned()),
        (Some(router), _) => Ok(router.name.clone()),
        (None, _) => {
            let next = state.keys.hint(Intent::NextPanel);
            Err(format!("several instances: press {next} and choose the one for {}", intent.name()))
        }
    }
}

/// A form whose defaults come from the servers that the service has already. `words`: address and weight, if given.
pub fn add_server(state: &UiState, words: &str) -> Result<Form, String> {
    let row = selected(state)?;
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
