//! `y` and `Y`: what is selected, into the clipboard of the terminal that the operator sits at; and the bell of that terminal.
//!
//! The text goes through the terminal (OSC 52): no program is started, and it works over ssh. A terminal does not answer
//! whether it took it, so that the message says what was sent and not that it arrived.

use crate::engine::{Event, VirtualRouterStatus};
use crate::ui::bell::Bell;
use crate::ui::format;
use crate::ui::intent::{Effect, Intent};
use crate::ui::rows::{self, change, event_list};
use crate::ui::screens::{Screen, log};
use crate::ui::state::{Focus, Tone, UiState};

/// Longest text that is sent, in bytes: terminals drop longer sequences, some of them at 8 KiB after encoding.
const LONGEST: usize = 4096;

/// Copies what is selected: its address or name, or with `more` its command or its whole line.
pub fn copy(state: &mut UiState, more: bool) -> Vec<Effect> {
    match selected(state, more) {
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
        Ok(text) if text.len() > LONGEST => {
            state.say(Tone::Bad, format!("{} bytes are more than terminals take; mark fewer servers", text.len()));
            Vec::new()
        }
        Ok(text) => {
            let text = format::clean(&text).into_owned();
            state.say(Tone::Good, format!("sent to the terminal's clipboard: {text}"));
            vec![Effect::Copy(text)]
        }
    }
}

/// What would be copied, or why nothing.
pub fn selected(state: &UiState, more: bool) -> Result<String, String> {
    if let Some(list) = state.event_list().filter(|_| !state.is_on_engine_log()) {
        let seq = event_list::selected(state, list);
        let event = seq.and_then(|seq| state.events.iter().rev().find(|event| event.seq == seq));
        let event = event.ok_or("there is no event to copy")?;
        return Ok(if more { line(event) } else { change::text(event) });
    }
    if state.screen == Screen::Vrrp || state.focus == Focus::Routers {
        let router = state.selected_router().ok_or("no instance is selected to be copied")?;
        return Ok(if more { described(router) } else { router.name.clone() });
    }
    let key = state.keys.hint(Intent::Show(Screen::Services));
    if !state.has_table() {
        return Err(format!("there is nothing to copy on this screen: {key} shows the services"));
    }
    if !more && !state.table.marks.is_empty() {
        // In one line: pasted into a shell, lines would be commands.
        let servers = state.table.marks.values().map(|target| target.server.to_string());
        return Ok(servers.collect::<Vec<_>>().join(" "));
    }
    let row = state.selected_row().ok_or("no row is selected to be copied")?;
    if more {
        return rows::ipvsadm(row).ok_or_else(|| "ipvsadm has no command for this row".to_owned());
    }
    Ok(row.server.clone().unwrap_or_else(|| row.service.clone()))
}

/// An event with its time, in one line as the log has it.
fn line(event: &Event) -> String {
    format!("{} {}", humantime::format_rfc3339_millis(event.at), log::text(event))
}

/// An instance in one line.
fn described(router: &VirtualRouterStatus) -> String {
    format!(
        "{} {}/{} {} priority {} since {} ({}); here: {}",
        router.name,
        router.interface,
        router.vrid,
        router.state.name(),
        router.effective_priority,
        humantime::format_rfc3339_seconds(router.since),
        router.reason,
        if router.addresses_here.is_empty() { "no address".to_owned() } else { router.addresses_here.join(" ") },
    )
}

/// When the bell rings from now on; without a word, what it is set to.
pub fn bell(state: &mut UiState, word: &str) -> Vec<Effect> {
    let chosen = if word.is_empty() { Ok(state.bell) } else { word.parse::<Bell>() };
    match chosen {
        Ok(bell) => {
            state.bell = bell;
            let hint = if word.is_empty() { "; :bell never, critical or changes" } else { "" };
            state.say(Tone::Good, format!("the bell rings: {}{hint}", bell.word()));
        }
        Err(why) => state.say(Tone::Bad, why),
    }
    Vec::new()
}
