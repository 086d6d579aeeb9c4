//! A line of the palette about real servers, in the words of `ctl`: `tcp/10.0.0.1:80 10.0.0.71:80 5`, `10.0.0.71 --deadline 60s`.
//! What it names needs no cursor; what it leaves out is the marked servers, or the selected one.

use super::acts::server_of;
use super::commit::preview_of;
use super::targets;
use crate::engine::{Command, RealServerSelector, ServiceSelector};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Form, Popup, Target, time, together, weigh};
use crate::ui::state::UiState;

/// What is said of servers behind the name of an act.
#[derive(Debug, Default)]
pub struct Line {
    service: Option<ServiceSelector>,
    /// Which; none: whoever is marked or selected.
    pub server: Option<RealServerSelector>,
    hold: Option<u64>,
    deadline: Option<u64>,
    /// The words behind that.
    rest: String,
}

/// The options that an act takes, each with a value.
const fn options(intent: Intent) -> &'static [&'static str] {
    match intent {
        Intent::Drain | Intent::Maintenance => &["--service", "--for", "--deadline"],
        Intent::Weight => &["--service", "--for"],
        _ => &["--service"],
    }
}

impl Line {
    /// Reads it; an error says what the act takes.
    pub fn read(state: &UiState, intent: Intent, words: &str) -> Result<Self, String> {
        let (mut line, mut others) = (Self::default(), Vec::new());
        let mut words = words.split_whitespace();
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                others.push(word);
                continue;
            }
            let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
            if !options(intent).contains(&option) {
                return Err(takes(intent, word));
            }
            let Some(value) = value.or_else(|| words.next()) else {
                let example = if option == "--service" { "tcp/10.0.0.1:80" } else { "5m" };
                return Err(format!("{option} needs a value, as {option} {example}"));
            };
            match option {
                "--service" => line.service = Some(ServiceSelector(value.to_owned())),
                "--for" => line.hold = time(value).map_err(|why| format!("{option}: {why}"))?,
                _ => line.deadline = time(value).map_err(|why| format!("{option}: {why}"))?,
            }
        }
        let is_server = |word: Option<&&str>| word.is_some_and(|word| server_of(state, word).is_some());
        if line.service.is_none() && !is_server(others.first()) && is_server(others.get(1)) {
            line.service = Some(ServiceSelector(others.remove(0).to_owned()));
        }
        if is_server(others.first()) {
            line.server = server_of(state, others.remove(0)).map(|(server, _)| server);
        }
        line.rest = others.join(" ");
        let most = match intent {
            Intent::Restore => 0,
            Intent::Weight => 2,
            _ => 1,
        };
        if others.len() > most {
            return Err(takes(intent, &line.rest));
        }
        if line.service.is_some() && line.server.is_none() {
            return Err(format!("which server? {} takes {}", intent.name(), intent.arguments()));
        }
        Ok(line)
    }

    /// The form or the preview that it asks for.
    pub fn begin(self, state: &mut UiState, intent: Intent) -> Result<Vec<Effect>, String> {
        let Self { service, server, hold, deadline, rest } = self;
        let marks = server.is_none();
        let loaded = |state: &UiState| match server {
            Some(server) => targets::at(state, server, service.as_ref()),
            None => targets::servers(state),
        };
        let whom = |state: &UiState| match server {
            Some(server) => Ok(vec![(server, service.clone())]),
            None => targets::servers(state).map(|servers| {
                let whole = |Target { server, service, .. }| (RealServerSelector::Key(server), Some(service));
                servers.into_iter().map(whole).collect()
            }),
        };
        let spare = || time(&rest).map_err(|why| format!("\"{rest}\" is no server and no time: {why}"));
        let command = match intent {
            Intent::Weight | Intent::Maintenance if rest.is_empty() && hold.is_none() && deadline.is_none() => {
                let servers = loaded(state)?;
                let is_weight = intent == Intent::Weight;
                let form = if is_weight { Form::weight(servers) } else { Form::maintenance(servers) };
                state.popups.push(Popup::Form(form));
                return Ok(Vec::new());
            }
            Intent::Weight => {
                let (weight, span) = rest.split_once(' ').unwrap_or((&rest, ""));
                weigh(&loaded(state)?, weight, time(span)?.or(hold))?
            }
            Intent::Drain => {
                let deadline_seconds = spare()?.or(deadline);
                let drain =
                    |(server, service)| Command::Drain { server, service, hold_seconds: hold, deadline_seconds };
                together(whom(state)?.into_iter().map(drain).collect())
            }
            Intent::Maintenance => {
                let (hold_seconds, deadline_seconds) = (spare()?.or(hold), deadline);
                let rest = |(server, service)| Command::Maintenance { server, service, hold_seconds, deadline_seconds };
                together(whom(state)?.into_iter().map(rest).collect())
            }
            _ => {
                let restore = |(server, service)| Command::Restore { server, service };
                together(whom(state)?.into_iter().map(restore).collect())
            }
        };
        let marked = if marks { state.table.marks.values().cloned().collect() } else { Vec::new() };
        Ok(preview_of(state, command, None, marked))
    }
}

fn takes(intent: Intent, not: &str) -> String {
    format!("{} takes {}, and not \"{not}\"", intent.name(), intent.arguments())
}
