//! What the console knows and shows, as one value. Selection is by key, never by index; times are arguments.

mod moment;

use super::bell::Bell;
use super::drains::Drains;
use super::keymap::Keymap;
use super::popup::{About, Page, Popup, Target};
use super::rows::columns::Chosen;
use super::screens::Screen;
use super::screens::plan::{Shape, plan};
use super::widgets::{chart, charts, page};
use crate::engine::{
    Counters, Event, Guide, HistoryPage, HistoryQuery, HostLoad, LogLine, RealServerStatus, Row, RowKind, RowsPage,
    RowsQuery, STAGE_ORDERS, Severity, Sort, Summary, VirtualRouterStatus,
};
use ratatui::layout::Rect;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How far back charts go.
const SPAN: Duration = Duration::from_mins(10);

/// How many events are kept for the list of changes.
pub const EVENTS_KEPT: usize = 512;

/// What the engine is asked for every second.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The window of rows, where the table is on screen.
    pub query: Option<RowsQuery>,
    /// Whether the instances are on screen.
    pub routers: bool,
    /// Key of a row that the window has to contain wherever it is, if it is anywhere.
    pub follow: Option<String>,
    /// Service and server whose details are on screen.
    pub detail: Option<(String, String)>,
    /// How numbers went.
    pub history: Vec<HistoryQuery>,
    /// How busy the host is.
    pub host: bool,
    /// The lines of the engine's log.
    pub log: bool,
    /// The moment that all of it is about; now without one.
    pub at: Option<SystemTime>,
}

/// The engine's answer to [`Wanted`].
#[derive(Debug, Clone)]
pub struct Polled {
    /// What was asked: an answer to an older question changes no selection.
    pub wanted: Wanted,
    /// Lines 1 and 2.
    pub summary: Summary,
    /// The instances, when they were asked for.
    pub routers: Option<Vec<VirtualRouterStatus>>,
    /// The window of rows, when it was asked for.
    pub page: Option<RowsPage>,
    /// Details of the server asked for.
    pub detail: Option<RealServerStatus>,
    /// How numbers went, of those of which there is a history.
    pub history: Vec<HistoryPage>,
}

/// The last picture of the engine.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The answer.
    pub polled: Polled,
    /// When it came, on the console's clock.
    pub taken_at: Duration,
    /// When its details came: with it, or later when another server was selected.
    pub detail_at: Duration,
    /// The moment of its rows where they are of an earlier picture than lines 1 and 2.
    pub page_of: Option<SystemTime>,
    /// The same of its instances.
    pub routers_of: Option<SystemTime>,
}

/// Which panel takes the arrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The table of services.
    #[default]
    Services,
    /// The instances.
    Routers,
}

/// The table of services: where the cursor is and what is asked of the engine.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Key of the selected row.
    pub selected: Option<String>,
    /// Index among all matching rows at which the selected row was last seen.
    pub cursor: usize,
    /// Index of the first row on screen.
    pub top: usize,
    /// An index that is to be selected as soon as its row is loaded.
    pub going_to: Option<usize>,
    /// Order.
    pub sort: Sort,
    /// Filter, as typed.
    pub filter: String,
    /// Keys of folded services.
    pub folded: BTreeSet<String>,
    /// Marked real servers by the keys of their rows: the next act is for all of them.
    pub marks: BTreeMap<String, Target>,
    /// How drains go.
    pub drains: Drains,
}

/// Which events a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    /// All.
    #[default]
    All,
    /// Changes of state: instances, links, addresses, health, quorum.
    States,
    /// What people did.
    Acts,
    /// What is worse than before.
    Trouble,
}

/// A list of events, the newest first: where the cursor is and what is shown.
#[derive(Debug, Clone, Default)]
pub struct EventList {
    /// Number of the event under the cursor; none: the newest, whichever that is.
    pub selected: Option<u64>,
    /// Number of the event in the first line; none: the newest.
    pub top: Option<u64>,
    /// Filter, as typed.
    pub filter: String,
    /// Which kinds.
    pub kinds: Kinds,
}

/// How a message in the status line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well, or is a fact.
    Good,
    /// It was refused or failed.
    Bad,
}

/// The status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub text: String,
    /// How.
    pub tone: Tone,
    /// When, on the engine's clock, if that is known.
    pub at: Option<SystemTime>,
    /// When, on the console's clock.
    pub since: Duration,
}

/// An engine that does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Since when, on the console's clock.
    pub since: Duration,
    /// Why, in the client's words.
    pub why: String,
    /// Since when nobody listens on its socket: it is no more, while one that is frozen still has its socket.
    pub gone_since: Option<Duration>,
}

/// A past that plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playing {
    /// Since when, on the console's clock.
    pub since: Duration,
    /// From which moment.
    pub from: SystemTime,
}

/// Counters as they were when somebody said so.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// When, on the engine's clock.
    pub at: Option<SystemTime>,
    /// By key of the row.
    pub counters: BTreeMap<String, Counters>,
}

/// Events from before those that were sent at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Older {
    /// They were asked for, and the answer is on its way.
    pub asked: bool,
    /// There are none.
    pub none: bool,
}

/// The engine's own log.
#[derive(Debug, Clone)]
pub struct EngineLog {
    /// Its newest lines, oldest first.
    pub lines: VecDeque<LogLine>,
    /// Lines that matter less are left out.
    pub level: Severity,
    /// Lines above the screen.
    pub scroll: usize,
    /// Why there are none.
    pub wrong: Option<String>,
}

impl Default for EngineLog {
    fn default() -> Self {
        Self { lines: VecDeque::new(), level: Severity::Info, scroll: 0, wrong: None }
    }
}

/// Everything that the console shows.
#[derive(Debug, Clone, Default)]
pub struct UiState {
    /// The console's own clock: time since it started.
    pub clock: Duration,
    /// Since when the console looks: before, it was stopped itself.
    pub awake_since: Duration,
    /// Columns and rows of the console: the terminal's, less a demonstration's panel.
    pub size: (u16, u16),
    /// Columns and rows of the terminal.
    pub whole: (u16, u16),
    /// The drill of a demonstration.
    pub guide: Option<Guide>,
    /// Writes are never allowed (`--read-only`).
    pub read_only: bool,
    /// Writes are allowed now.
    pub unlocked: bool,
    /// Who may give commands, where this user may not and it is known.
    pub commanders: Option<String>,
    /// Which screen is shown.
    pub screen: Screen,
    /// What is shown.
    pub picture: Option<Picture>,
    /// What came while the screen was frozen.
    pub behind: Option<Picture>,
    /// Since when the screen is frozen, on the engine's clock.
    pub paused_at: Option<SystemTime>,
    /// What was on no screen when it was frozen is asked for.
    pub completes: bool,
    /// The moment of the past that is shown; now without one.
    pub viewing: Option<SystemTime>,
    /// Time goes on from there.
    pub playing: Option<Playing>,
    /// First and last moment of the recording that is replayed.
    pub replay: Option<(SystemTime, SystemTime)>,
    /// The engine's clock and the console's, when a picture of now came last.
    pub live: Option<(SystemTime, Duration)>,
    /// What is said of a terminal that does not keep up.
    pub link: Option<&'static str>,
    /// The engine does not answer.
    pub lost: Option<Lost>,
    /// The newest events, oldest first, and older ones when somebody looked for them.
    pub events: VecDeque<Event>,
    /// Events before those.
    pub older: Older,
    /// What the counters count from; the kernel's start without one.
    pub baseline: Option<Baseline>,
    /// The table of services.
    pub table: Table,
    /// The counters show the host, and not the services.
    pub shows_host: bool,
    /// How busy the host is, or why that is not known.
    pub host: Option<Result<HostLoad, String>>,
    /// Lines of the host's panel that are scrolled out above.
    pub host_scroll: usize,
    /// The log shows the engine's lines, and not the events.
    pub shows_engine_log: bool,
    /// The engine's log.
    pub engine_log: EngineLog,
    /// Which columns the tables have.
    pub columns: Chosen,
    /// The timeline.
    pub timeline: EventList,
    /// The log.
    pub log: EventList,
    /// Which panel takes the arrows.
    pub focus: Focus,
    /// The selected instance.
    pub router: Option<String>,
    /// Details of the selected row are wanted though the screen is small.
    pub detail_open: bool,
    /// What lies over the screen, topmost last.
    pub popups: Vec<Popup>,
    /// The status line.
    pub said: Option<Said>,
    /// The keys that count in this console.
    pub keys: Arc<Keymap>,
    /// When the terminal's bell rings.
    pub bell: Bell,
    /// Lines of the palette that were used, newest last.
    pub recent: Vec<String>,
    /// This process: acts of others are told with who did them.
    pub own_pid: Option<u32>,
    /// Number of the newest command.
    pub serial: u64,
    /// Something that is shown has changed.
    pub dirty: bool,
}

impl UiState {
    /// A console of this size before its first picture.
    pub fn new(size: (u16, u16), read_only: bool, unlocked: bool) -> Self {
        Self { size, whole: size, read_only, unlocked: unlocked && !read_only, dirty: true, ..Self::default() }
    }

    /// Lines 1 and 2.
    pub fn summary(&self) -> Option<&Summary> {
        self.picture.as_ref().map(|p| &p.polled.summary)
    }
    /// The instances.
    pub fn routers(&self) -> &[VirtualRouterStatus] {
        self.picture.as_ref().and_then(|p| p.polled.routers.as_deref()).unwrap_or_default()
    }
    /// The loaded window of rows.
    pub fn page(&self) -> Option<&RowsPage> {
        self.picture.as_ref()?.polled.page.as_ref()
    }
    /// The list of events that is on screen.
    pub const fn event_list(&self) -> Option<&EventList> {
        match self.screen {
            Screen::Timeline => Some(&self.timeline),
            Screen::Log => Some(&self.log),
            Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Counters => None,
        }
    }
    /// The same, to be changed.
    pub const fn event_list_mut(&mut self) -> Option<&mut EventList> {
        match self.screen {
            Screen::Timeline => Some(&mut self.timeline),
            Screen::Log => Some(&mut self.log),
            Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Counters => None,
        }
    }
    /// What the filter of this screen is.
    pub fn filter(&self) -> &str {
        self.event_list().map_or(&self.table.filter, |list| &list.filter)
    }
    /// The row at an index, if it is loaded.
    pub fn row_at(&self, index: usize) -> Option<&Row> {
        let page = self.page()?;
        page.rows.get(index.checked_sub(page.offset)?)
    }
    /// The selected row, if it is loaded and still there.
    pub fn selected_row(&self) -> Option<&Row> {
        let key = self.table.selected.as_deref()?;
        self.page()?.rows.iter().find(|r| r.key == key)
    }
    /// The selected instance, or the only one.
    pub fn selected_router(&self) -> Option<&VirtualRouterStatus> {
        let routers = self.routers();
        match self.router.as_deref() {
            Some(name) => routers.iter().find(|r| r.name == name),
            None if routers.len() == 1 => routers.first(),
            None => None,
        }
    }
    /// Details of the selected server, when the engine sent them.
    pub fn detail(&self) -> Option<&RealServerStatus> {
        let row = self.selected_row()?;
        let detail = self.picture.as_ref()?.polled.detail.as_ref()?;
        let asked = self.picture.as_ref()?.polled.wanted.detail.as_ref()?;
        (asked.0 == row.service && row.server.as_ref() == Some(&asked.1)).then_some(detail)
    }
    /// Whether writes are allowed by the operator, the command line and the socket.
    pub fn may_write(&self) -> bool {
        self.unlocked && !self.read_only && self.summary().is_some_and(|s| s.writable)
    }

    /// What to ask the engine for, with `height` rows on screen.
    pub fn wanted(&self, height: usize, details_shown: bool) -> Wanted {
        let height = if self.completes { height.max(self.size.1.into()) } else { height };
        let limit = (height * 3).clamp(60, 2000);
        let has_table = self.has_table() || self.completes;
        // Where there is no room for tables, every screen is the list of problems with the instances in it.
        let has_routers = self.screen.has_routers() || self.completes || plan(self).shape == Shape::List;
        let covered = self.page().is_some_and(|page| {
            let end = page.offset + page.rows.len();
            page.offset <= self.table.top && (self.table.top + height <= end || end >= page.total)
        });
        let offset = match self.page() {
            Some(page) if covered => page.offset,
            _ => self.table.top.saturating_sub(height),
        };
        let row = self.selected_row().filter(|row| details_shown && row.kind == RowKind::Server);
        let folded: Vec<&str> = self.table.folded.iter().map(String::as_str).collect();
        Wanted {
            query: has_table.then(|| RowsQuery {
                expand: (!folded.is_empty()).then(|| format!("-{}", folded.join(","))),
                sort: self.table.sort,
                filter: Some(self.table.filter.trim().to_owned()).filter(|f| !f.is_empty()),
                anchor: None,
                limit: Some(limit),
                offset: Some(offset),
            }),
            routers: has_routers,
            follow: self.table.selected.clone().filter(|_| has_table && self.table.going_to.is_none()),
            detail: row.and_then(|row| Some((row.service.clone(), row.server.clone()?))),
            history: self.wanted_history(),
            host: self.is_on_host() && self.viewing.is_none(),
            log: self.is_on_engine_log(),
            at: self.viewing,
        }
    }

    /// Whether the table of services is on screen.
    pub fn has_table(&self) -> bool {
        self.screen.has_table() && !self.is_on_host()
    }
    /// Whether the host is on screen.
    pub fn is_on_host(&self) -> bool {
        self.screen == Screen::Counters && self.shows_host
    }
    /// Whether the engine's log is on screen.
    pub fn is_on_engine_log(&self) -> bool {
        self.screen == Screen::Log && self.shows_engine_log
    }
    /// Whether a page about the selected row is open.
    pub fn reads_row(&self) -> bool {
        self.popups.iter().any(|popup| matches!(popup, Popup::Page(Page { about: About::Row, .. })))
    }

    /// What a demonstration can be told; nothing where there is none.
    pub fn orders(&self) -> &'static [(&'static str, &'static str)] {
        if self.guide.is_some() { STAGE_ORDERS } else { &[] }
    }
    /// What the charts are about: the selected row.
    pub fn chart_subject(&self) -> String {
        self.table.selected.clone().unwrap_or_else(|| "total".to_owned())
    }
    /// Where the charts stand.
    pub fn charts_area(&self) -> Rect {
        plan(self).charts
    }
    /// How numbers went, as far as it was asked for.
    pub fn histories(&self) -> &[HistoryPage] {
        self.picture.as_ref().map_or(&[], |picture| &picture.polled.history)
    }
    /// The minutes before the moment that is shown, in as many points as the charts have.
    fn wanted_history(&self) -> Vec<HistoryQuery> {
        let area = self.charts_area();
        let columns = match (self.reads_row(), area.height) {
            (true, _) => page::chart_columns(self),
            (false, 0) => return Vec::new(),
            (false, _) if self.is_on_host() => return Vec::new(),
            (false, _) => charts::columns(area),
        };
        let points = u64::try_from(chart::points(columns)).unwrap_or(1).max(1);
        let (from, to) = (self.viewing.and_then(|at| at.checked_sub(SPAN)), self.viewing);
        let step = Some(SPAN.as_secs().div_ceil(points));
        let query = |subject: String| HistoryQuery { subject, series: Vec::new(), from, to, step };
        let subject = self.chart_subject();
        let total = (subject != "total" && area.height > 0).then(|| query("total".to_owned()));
        std::iter::once(query(subject)).chain(total).collect()
    }

    /// Says something in the status line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.said = Some(Said {
            text: text.into(),
            tone,
            at: self.live_now().or_else(|| self.engine_now()),
            since: self.clock,
        });
        self.dirty = true;
    }
}
