//! The one table of keys: dispatch, the footer's hints, the help page, the palette, `lvsdeck keys` and `docs/console.md` all
//! come from it. [`Keymap`] is the table as it counts in this console: with what the operator's own file changed.

mod chord;
mod file;
mod print;
mod schema;

pub use chord::Chord;
pub use file::{Settings, choose, parse};
pub use print::{markdown, table, toml};
pub use schema::schema;

use super::intent::Intent;
use super::screens::Screen;
use crossterm::event::{KeyCode, KeyEvent};

/// Where a key stands on the help page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Screens.
    Screen,
    /// Moving.
    Move,
    /// Finding.
    Find,
    /// Which moment is shown.
    Time,
    /// Acting on the director.
    Act,
    /// The console itself.
    Console,
}

impl Group {
    /// All groups in the order of the help page.
    pub const ALL: [Self; 6] = [Self::Screen, Self::Move, Self::Find, Self::Time, Self::Act, Self::Console];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Screen => "Screens",
            Self::Move => "Move",
            Self::Find => "Find",
            Self::Time => "Time",
            Self::Act => "Act (each shows a preview first)",
            Self::Console => "Console",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The keys, the first being the one that is shown in hints.
    pub chords: &'static [Chord],
    /// What they mean.
    pub intent: Intent,
    /// Where they stand.
    pub group: Group,
    /// One word for the footer; empty: not in the footer.
    pub hint: &'static str,
    /// What they do.
    pub help: &'static str,
}

const fn key(code: KeyCode) -> Chord {
    Chord { code, ctrl: false }
}
const fn ch(c: char) -> Chord {
    key(KeyCode::Char(c))
}
const fn ctrl(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), ctrl: true }
}
const fn bind(
    chords: &'static [Chord],
    intent: Intent,
    group: Group,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { chords, intent, group, hint, help }
}

/// Every key of the main screen. The order is that of the footer and of the help page.
pub const BINDINGS: &[Binding] = &[
    bind(&[ch('a')], Intent::AddServer, Group::Act, "add", "add a real server to the selected service"),
    bind(&[ch('w')], Intent::Weight, Group::Act, "weight", "set the weight: a number, +10, -10 or 50 %"),
    bind(&[ch('d')], Intent::Drain, Group::Act, "drain", "drain: weight 0, established connections go on"),
    bind(&[ch('D')], Intent::Restore, Group::Act, "restore", "restore the weight that the server had before"),
    bind(&[ch('m')], Intent::Maintenance, Group::Act, "maint", "maintenance: drain, and no checks until restored"),
    bind(&[ch('v'), ch('*')], Intent::Mark, Group::Act, "mark", "mark the real server: acts are for all marked ones"),
    bind(&[ch('X')], Intent::Remove, Group::Act, "remove", "remove the selected real server or service"),
    bind(&[], Intent::RemoveServer, Group::Act, "", "remove a real server: the selected one, or the one named"),
    bind(&[], Intent::RemoveService, Group::Act, "", "remove a service: the selected one, or the one named"),
    bind(&[ch('F')], Intent::Failover, Group::Act, "failover", "give mastership of the selected instance to the peer"),
    bind(&[ch('u')], Intent::Undo, Group::Act, "undo", "what can be taken back, newest first, and taking it back"),
    bind(&[ch('A')], Intent::AddService, Group::Act, "", "add a service (virtual server)"),
    bind(&[ch('J')], Intent::Rejoin, Group::Act, "", "end a failover's hold: join the election again"),
    bind(&[ch('T')], Intent::Takeover, Group::Act, "", "become master of the selected instance until rejoin"),
    bind(&[ch('P')], Intent::Priority, Group::Act, "", "another priority for the selected instance: a soft failover"),
    bind(&[ch('R')], Intent::Reload, Group::Act, "", "read the configuration file again; shows the plan first"),
    bind(&[], Intent::Stop, Group::Act, "", "stop the engine: shutdown, masters resign, the table is emptied"),
    bind(&[ch('r')], Intent::ToggleLock, Group::Act, "unlock", "allow writes, or forbid them again (RO/RW in line 1)"),
    bind(
        &[ch('/')],
        Intent::Filter,
        Group::Find,
        "filter",
        "filter: words, state:down, vip:, rs:, a regular expression; ! turns a word round",
    ),
    bind(&[ch('s')], Intent::Sort, Group::Find, "sort", "next order: problems, file, key, active, rate"),
    bind(&[ch('c')], Intent::Columns, Group::Find, "", "columns of the table: choose, hide and move them"),
    bind(&[ch('i')], Intent::Inspect, Group::Find, "", "everything of the selected service, server or instance"),
    bind(&[ch('C')], Intent::Connections, Group::Find, "", "connections of the selected row: states, servers, clients"),
    bind(&[ch('n')], Intent::NextProblem, Group::Find, "problem", "go to the next problem"),
    bind(&[ch('N')], Intent::PreviousProblem, Group::Find, "", "go to the previous problem"),
    bind(&[ch('1')], Intent::Show(Screen::Overview), Group::Screen, "", "overview: everything at once"),
    bind(&[ch('2')], Intent::Show(Screen::Services), Group::Screen, "", "services and real servers with every column"),
    bind(&[ch('3')], Intent::Show(Screen::Vrrp), Group::Screen, "", "VRRP: instances, peers, timers"),
    bind(&[ch('4')], Intent::Show(Screen::Timeline), Group::Screen, "", "timeline: what happened"),
    bind(&[ch('5')], Intent::Show(Screen::Counters), Group::Screen, "", "counters: how much went through"),
    bind(&[ch('6')], Intent::Show(Screen::Log), Group::Screen, "", "log: who did what, and what the engine wrote"),
    bind(&[key(KeyCode::Up), ch('k')], Intent::Up, Group::Move, "", "one row up"),
    bind(&[key(KeyCode::Down), ch('j')], Intent::Down, Group::Move, "", "one row down"),
    bind(&[key(KeyCode::PageUp)], Intent::PageUp, Group::Move, "", "one screen up"),
    bind(&[key(KeyCode::PageDown)], Intent::PageDown, Group::Move, "", "one screen down"),
    bind(&[ch('g'), key(KeyCode::Home)], Intent::Top, Group::Move, "", "first row"),
    bind(&[ch('G'), key(KeyCode::End)], Intent::Bottom, Group::Move, "", "last row"),
    bind(&[key(KeyCode::Left), ch('h')], Intent::Fold, Group::Move, "", "fold the service"),
    bind(&[key(KeyCode::Right), ch('l')], Intent::Unfold, Group::Move, "", "unfold the service"),
    bind(
        &[key(KeyCode::Tab)],
        Intent::NextPanel,
        Group::Move,
        "",
        "other panel: services or VRRP instances; counters or host; events or engine's log",
    ),
    bind(
        &[key(KeyCode::Enter)],
        Intent::Open,
        Group::Move,
        "open",
        "fold or unfold a service; details of a real server or an instance",
    ),
    bind(&[key(KeyCode::Esc)], Intent::Back, Group::Move, "", "one level back"),
    bind(
        &[ch(' ')],
        Intent::Pause,
        Group::Time,
        "pause",
        "freeze the screen, or go on; in the past: let time go on, or stop it",
    ),
    bind(&[ch('[')], Intent::SecondBack, Group::Time, "back", "a second back"),
    bind(&[ch(']')], Intent::SecondOn, Group::Time, "", "a second on"),
    bind(&[ch('{')], Intent::MinuteBack, Group::Time, "", "a minute back"),
    bind(&[ch('}')], Intent::MinuteOn, Group::Time, "", "a minute on"),
    bind(&[ch('0')], Intent::Live, Group::Time, "", "back to now"),
    bind(
        &[ch(':')],
        Intent::Palette,
        Group::Find,
        "command",
        "palette: every action by name, with arguments and history",
    ),
    bind(
        &[ch('?'), key(KeyCode::F(1))],
        Intent::Help,
        Group::Console,
        "help",
        "this page: type to search, Enter does it",
    ),
    bind(
        &[ch('z')],
        Intent::Baseline,
        Group::Console,
        "",
        "counters: count from now on, or since the kernel's start again",
    ),
    bind(
        &[ch('x')],
        Intent::Export,
        Group::Console,
        "export",
        "screen, state and recording into files of this directory",
    ),
    bind(
        &[ch('y')],
        Intent::Copy,
        Group::Console,
        "copy",
        "copy the address or name of what is selected, or of all marked (OSC 52)",
    ),
    bind(
        &[ch('Y')],
        Intent::CopyMore,
        Group::Console,
        "",
        "copy its ipvsadm command; of an instance or an event, all of its line",
    ),
    bind(&[], Intent::Bell, Group::Console, "", "ring the terminal's bell: never, critical, or changes (of any state)"),
    bind(&[ctrl('l')], Intent::Redraw, Group::Console, "", "draw the screen anew"),
    bind(&[ctrl('z')], Intent::Suspend, Group::Console, "", "suspend the console; fg brings it back"),
    bind(&[ch('q'), ctrl('c')], Intent::Detach, Group::Console, "detach", "leave the console; the engine goes on"),
    bind(
        &[ch('Q')],
        Intent::LeaveScreen,
        Group::Console,
        "",
        "the same, and the text of this screen stays in the terminal",
    ),
];

/// The table as it counts in this console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// The keys of each line of [`BINDINGS`], in its order.
    chords: Vec<Vec<Chord>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { chords: BINDINGS.iter().map(|binding| binding.chords.to_vec()).collect() }
    }
}

impl Keymap {
    /// The lines with the keys that count.
    pub fn lines(&self) -> impl Iterator<Item = (&'static Binding, &[Chord])> {
        BINDINGS.iter().zip(self.chords.iter().map(Vec::as_slice))
    }

    /// What a key means on the main screen.
    pub fn intent_of(&self, event: &KeyEvent) -> Option<Intent> {
        let chord = Chord::of(event);
        self.lines().find(|(_, chords)| chords.contains(&chord)).map(|(binding, _)| binding.intent)
    }

    /// The same where text is typed: keys that write a character are none.
    pub fn intent_beside_text(&self, event: &KeyEvent) -> Option<Intent> {
        self.intent_of(event).filter(|_| !Chord::of(event).is_text())
    }

    /// The shortest key of an intent, `h` rather than `Left`; its name where it has none.
    pub fn short_hint(&self, intent: Intent) -> String {
        let found = self.lines().find(|(binding, _)| binding.intent == intent);
        let keys = found.into_iter().flat_map(|(_, chords)| chords).map(ToString::to_string);
        keys.min_by_key(String::len).unwrap_or_else(|| format!(":{}", intent.name()))
    }

    /// The key of an intent as hints show it; its name where it has none.
    pub fn hint(&self, intent: Intent) -> String {
        let found = self.lines().find(|(binding, _)| binding.intent == intent);
        let first = found.and_then(|(_, chords)| chords.first());
        first.map_or_else(|| format!(":{}", intent.name()), ToString::to_string)
    }
}

/// Keys as text, `Up k`.
pub fn written(chords: &[Chord]) -> String {
    chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
