//! In which of its services something happened to a real server.

use super::change::{said, text};
use crate::engine::Event;
use crate::ui::format;
use crate::ui::state::UiState;
use std::collections::{HashMap, HashSet};

/// Real servers that are in several services, as far as rows and events tell: what happens to one of them happens in one service, and
/// the same line would stand there for each.
pub struct Shared<'a>(HashSet<&'a str>);

impl<'a> Shared<'a> {
    /// Those that are known.
    pub fn of(state: &'a UiState) -> Self {
        let events = state.events.iter().filter_map(|event| event.subject.split_once(' '));
        let rows = state.page().map_or(&[][..], |page| &page.rows).iter();
        let rows = rows.filter_map(|row| Some((row.service.as_str(), row.server.as_deref()?)));
        let (mut first, mut shared) = (HashMap::new(), HashSet::new());
        for (service, server) in rows.chain(events) {
            if *first.entry(server).or_insert(service) != service {
                shared.insert(server);
            }
        }
        Self(shared)
    }

    /// What happened, in so many columns: in which service where there is room for it, if need be in the place of the reason.
    pub fn text(&self, event: &Event, columns: usize) -> String {
        let Some((service, _)) = event.subject.split_once(' ').filter(|(_, server)| self.0.contains(server)) else {
            return text(event);
        };
        let bare = || Event { reason: None, detail: None, ..event.clone() };
        let fits = |said: &String| format::width(&format::clean(said)) <= columns;
        let whole = Some(said(event, Some(service))).filter(fits);
        whole.or_else(|| Some(said(&bare(), Some(service))).filter(fits)).unwrap_or_else(|| text(event))
    }
}
