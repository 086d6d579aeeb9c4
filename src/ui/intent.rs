//! What a key means ([`Intent`]), what reaches the console ([`Message`]) and what it asks of the world ([`Effect`]).
//!
//! Plain values: the runtime turns keys and answers into messages, [`update`](super::update) turns messages into effects.

use super::screens::Screen;
use super::state::Polled;
use crate::engine::{
    Answer, CommandRequest, ConnectionsPage, ConnectionsQuery, Event, Guide, HostLoad, LogPage, RealServerStatus,
    Severity, Undoable,
};
use crossterm::event::KeyEvent;
use std::time::SystemTime;

/// What an operator may want with one key of the main screen. The key map says which key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// Fold or unfold a service; show a real server's details.
    Open,
    /// One level back.
    Back,
    /// To the other panel.
    NextPanel,
    /// Fold the service.
    Fold,
    /// Unfold the service.
    Unfold,
    /// To the next problem.
    NextProblem,
    /// To the previous problem.
    PreviousProblem,
    /// Type a filter.
    Filter,
    /// The next order of rows.
    Sort,
    /// Which columns the table has.
    Columns,
    /// Everything of the selected row or instance.
    Inspect,
    /// The connection table.
    Connections,
    /// Freeze the screen, or go on.
    Pause,
    /// Add a real server.
    AddServer,
    /// Add a service.
    AddService,
    /// Remove the selected real server or service.
    Remove,
    /// Remove a real server, by name too.
    RemoveServer,
    /// Remove a service, by name too.
    RemoveService,
    /// Mark a real server, or take its mark away.
    Mark,
    /// Weight 0 and no checks until restored.
    Maintenance,
    /// Another priority.
    Priority,
    /// Become master until rejoin.
    Takeover,
    /// Read the configuration file again.
    Reload,
    /// Take something back.
    Undo,
    /// Stop the engine.
    Stop,
    /// Every action by name.
    Palette,
    /// Set a weight.
    Weight,
    /// Weight 0 until restored.
    Drain,
    /// Back to the remembered weight.
    Restore,
    /// Give mastership up.
    Failover,
    /// End a hold.
    Rejoin,
    /// Allow writes, or forbid them again.
    ToggleLock,
    /// Another screen.
    Show(Screen),
    /// A second back.
    SecondBack,
    /// A second on.
    SecondOn,
    /// A minute back.
    MinuteBack,
    /// A minute on.
    MinuteOn,
    /// Back to now.
    Live,
    /// Counters from here on.
    Baseline,
    /// Screen, state and recording into files.
    Export,
    /// What is selected, into the terminal's clipboard.
    Copy,
    /// The equivalent ipvsadm command, or everything about what is selected, into the terminal's clipboard.
    CopyMore,
    /// When the terminal's bell rings.
    Bell,
    /// All keys.
    Help,
    /// Draw everything anew.
    Redraw,
    /// Stop the console (Ctrl-Z); the engine goes on.
    Suspend,
    /// Leave the console; the engine goes on.
    Detach,
    /// The same, and this screen's text stays in the terminal.
    LeaveScreen,
}

impl Intent {
    /// Every intent: tests prove that each has a key.
    pub const ALL: [Self; 59] = [
        Self::Up,
        Self::Down,
        Self::PageUp,
        Self::PageDown,
        Self::Top,
        Self::Bottom,
        Self::Open,
        Self::Back,
        Self::NextPanel,
        Self::Fold,
        Self::Unfold,
        Self::NextProblem,
        Self::PreviousProblem,
        Self::Filter,
        Self::Sort,
        Self::Columns,
        Self::Inspect,
        Self::Connections,
        Self::Pause,
        Self::AddServer,
        Self::AddService,
        Self::Remove,
        Self::RemoveServer,
        Self::RemoveService,
        Self::Mark,
        Self::Maintenance,
        Self::Priority,
        Self::Takeover,
        Self::Reload,
        Self::Undo,
        Self::Stop,
        Self::Palette,
        Self::Weight,
        Self::Drain,
        Self::Restore,
        Self::Failover,
        Self::Rejoin,
        Self::ToggleLock,
        Self::Show(Screen::Overview),
        Self::Show(Screen::Services),
        Self::Show(Screen::Vrrp),
        Self::Show(Screen::Timeline),
        Self::Show(Screen::Counters),
        Self::Show(Screen::Log),
        Self::SecondBack,
        Self::SecondOn,
        Self::MinuteBack,
        Self::MinuteOn,
        Self::Live,
        Self::Baseline,
        Self::Export,
        Self::Copy,
        Self::CopyMore,
        Self::Bell,
        Self::Help,
        Self::Redraw,
        Self::Suspend,
        Self::Detach,
        Self::LeaveScreen,
    ];

    /// Its name: in the palette, in a key file and in `lvsdeck keys`. Stable; as `ctl` says it where `ctl` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::Open => "open",
            Self::Back => "back",
            Self::NextPanel => "next-panel",
            Self::Fold => "fold",
            Self::Unfold => "unfold",
            Self::NextProblem => "next-problem",
            Self::PreviousProblem => "previous-problem",
            Self::Filter => "filter",
            Self::Sort => "sort",
            Self::Columns => "columns",
            Self::Inspect => "inspect",
            Self::Connections => "connections",
            Self::Pause => "pause",
            Self::SecondBack => "second-back",
            Self::SecondOn => "second-on",
            Self::MinuteBack => "minute-back",
            Self::MinuteOn => "minute-on",
            Self::Baseline => "baseline",
            Self::Export => "export",
            Self::Copy => "copy",
            Self::CopyMore => "copy-more",
            Self::Bell => "bell",
            Self::Live => "live",
            Self::AddServer => "add-server",
            Self::AddService => "add-service",
            Self::Remove => "remove",
            Self::RemoveServer => "remove-server",
            Self::RemoveService => "remove-service",
            Self::Mark => "mark",
            Self::Weight => "weight",
            Self::Drain => "drain",
            Self::Restore => "restore",
            Self::Maintenance => "maintenance",
            Self::Failover => "failover",
            Self::Rejoin => "rejoin",
            Self::Takeover => "takeover",
            Self::Priority => "priority",
            Self::Reload => "reload",
            Self::Undo => "undo",
            Self::Stop => "stop",
            Self::ToggleLock => "unlock",
            Self::Show(screen) => screen.names().0,
            Self::Palette => "palette",
            Self::Help => "help",
            Self::Redraw => "redraw",
            Self::Suspend => "suspend",
            Self::Detach => "detach",
            Self::LeaveScreen => "leave-screen",
        }
    }

    /// What may follow its name in the palette; empty where nothing may.
    pub const fn arguments(self) -> &'static str {
        match self {
            Self::Weight => "[[VS] SERVER] N, +N, -N or N% [--for TIME]",
            Self::Drain => "[SERVER] [DEADLINE, as 60s] [--service VS] [--for TIME]",
            Self::Maintenance => "[SERVER] [TIME, as 30m] [--service VS] [--deadline TIME]",
            Self::Restore => "[SERVER] [--service VS]",
            Self::Takeover | Self::Rejoin => "[INSTANCE]",
            Self::Failover => "[INSTANCE] [--blind] [--for TIME]",
            Self::Priority => "[INSTANCE] N or --from-file",
            Self::AddServer => "[VS] [ADDRESS:PORT] [WEIGHT]",
            Self::AddService => "[VS, as tcp/10.0.0.1:80]",
            Self::RemoveServer => "[VS SERVER]",
            Self::RemoveService => "[VS]",
            Self::Filter => "WORDS",
            Self::Sort => "problems, file, key, active or rate",
            Self::Undo => "[ID]",
            Self::Bell => "never, critical or changes",
            Self::Stop => "[--keep]",
            _ => "",
        }
    }

    /// Whether it ends in a command that changes something. Such an intent always goes through a preview.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::AddServer
                | Self::AddService
                | Self::Remove
                | Self::RemoveServer
                | Self::RemoveService
                | Self::Weight
                | Self::Drain
                | Self::Restore
                | Self::Maintenance
                | Self::Failover
                | Self::Rejoin
                | Self::Takeover
                | Self::Priority
                | Self::Reload
                | Self::Undo
                | Self::Stop
        )
    }

    /// Whether it is about VRRP instances.
    pub const fn is_about_instances(self) -> bool {
        matches!(self, Self::Failover | Self::Rejoin | Self::Takeover | Self::Priority)
    }

    /// Whether it is about the engine as a whole, whatever is on screen.
    pub const fn is_about_the_engine(self) -> bool {
        matches!(self, Self::Reload | Self::Undo | Self::Stop | Self::AddService)
    }
}

/// What reached the console.
#[derive(Debug)]
pub enum Message {
    /// A key.
    Key(KeyEvent),
    /// Pasted text: taken in text fields, ignored elsewhere.
    Paste(String),
    /// The terminal's new size in columns and rows.
    Resize(u16, u16),
    /// A second went by without any other message.
    Tick,
    /// The engine's picture.
    Polled(Box<Polled>),
    /// Details of this service's server, or that it is gone.
    Detail((String, String), Option<Box<RealServerStatus>>),
    /// The engine did not answer, why, and whether nobody listens on its socket.
    Lost(String, bool),
    /// The engine gives no events, and why.
    Unheard(String),
    /// New events, oldest first. True: the list starts anew (first look, or another engine).
    Events(Vec<Event>, bool),
    /// Events from before those that are known, oldest first; none when there are none.
    Older(Vec<Event>),
    /// What was exported and where, or why not.
    Exported(Result<String, String>),
    /// Nothing is remembered of this moment, and why.
    NoPast(SystemTime, String),
    /// The answer to the command with this serial.
    Answered(u64, Result<Box<Answer>, String>),
    /// What can be taken back, newest first.
    Undoable(Result<Vec<Undoable>, String>),
    /// The connection table as it was asked for with this serial.
    Connections(u64, Result<Box<ConnectionsPage>, String>),
    /// How busy the host is, or why that is not known.
    Host(Result<Box<HostLoad>, String>),
    /// New lines of the engine's log, or why there are none.
    Log(Result<LogPage, String>),
    /// So many keys were dropped, typed during a stall of so many seconds.
    KeysDropped(usize, u64),
    /// Something to say in the status line (a broken theme file).
    Warning(String),
    /// The drill of a demonstration as it is now.
    Guide(Box<Guide>),
    /// What became of an order.
    Ordered(Result<String, String>),
}

impl Message {
    /// Whether it is drawn at once, however slow the terminal's link is: what an operator did, and what changed a state.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Events(events, anew) => *anew || events.iter().any(|event| event.severity >= Severity::Notice),
            Self::Tick
            | Self::Polled(_)
            | Self::Detail(..)
            | Self::Guide(_)
            | Self::Older(_)
            | Self::Host(_)
            | Self::Log(_) => false,
            Self::Key(_)
            | Self::Paste(_)
            | Self::Resize(..)
            | Self::Lost(..)
            | Self::Unheard(_)
            | Self::Answered(..)
            | Self::KeysDropped(..)
            | Self::Warning(_)
            | Self::NoPast(..)
            | Self::Exported(_)
            | Self::Undoable(_)
            | Self::Connections(..)
            | Self::Ordered(_) => true,
        }
    }
}

/// What the console asks of the world.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the engine now instead of at the next second.
    Poll,
    /// Give this command; the answer comes with the serial.
    Command(u64, CommandRequest),
    /// Give this order to a demonstration.
    Order(String),
    /// Ask for events from before this number.
    Older(u64),
    /// Ask what can be taken back.
    Undoable,
    /// Ask for the connection table; the answer comes with the serial.
    Connections(u64, ConnectionsQuery),
    /// Write what is shown into files.
    Export,
    /// Put this into the terminal's clipboard.
    Copy(String),
    /// Ring the terminal's bell.
    Ring,
    /// Forget what is on the terminal and draw all of it.
    Redraw,
    /// Stop the process group (job control).
    Suspend,
    /// Leave.
    Detach,
    /// Leave, and print what is shown where the shell goes on.
    LeaveScreen,
}
