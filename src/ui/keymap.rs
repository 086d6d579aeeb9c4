//! The one table of keys: dispatch, the footer's hints, the help page and `docs/console.md` all come from it.

use super::intent::Intent;
use super::screens::Screen;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// A key as it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

impl Chord {
    /// The chord of an event from the terminal.
    pub const fn of(event: &KeyEvent) -> Self {
        Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::Up => f.write_str("Up"),
            KeyCode::Down => f.write_str("Down"),
            KeyCode::Left => f.write_str("Left"),
            KeyCode::Right => f.write_str("Right"),
            code => write!(f, "{code}"),
        }
    }
}

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
    bind(&[ch('w')], Intent::Weight, Group::Act, "weight", "set the weight of the selected real server"),
    bind(&[ch('d')], Intent::Drain, Group::Act, "drain", "drain: weight 0, established connections go on"),
    bind(&[ch('D')], Intent::Restore, Group::Act, "restore", "restore the weight that the server had before"),
    bind(&[ch('X')], Intent::RemoveServer, Group::Act, "remove", "remove the selected real server"),
    bind(&[ch('F')], Intent::Failover, Group::Act, "failover", "give mastership of the selected instance to the peer"),
    bind(&[ch('J')], Intent::Rejoin, Group::Act, "rejoin", "end a failover's hold: join the election again"),
    bind(&[ch('r')], Intent::ToggleLock, Group::Act, "unlock", "allow writes, or forbid them again (RO/RW in line 1)"),
    bind(
        &[ch('/')],
        Intent::Filter,
        Group::Find,
        "filter",
        "filter: words of key, name or state; ! turns a word round",
    ),
    bind(&[ch('s')], Intent::Sort, Group::Find, "sort", "next order: problems, file, key, active, rate"),
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
    bind(&[key(KeyCode::Tab)], Intent::NextPanel, Group::Move, "", "other panel: services or VRRP instances"),
    bind(
        &[key(KeyCode::Enter)],
        Intent::Open,
        Group::Move,
        "open",
        "fold or unfold a service; details of a real server",
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
    bind(&[ch('?'), key(KeyCode::F(1))], Intent::Help, Group::Console, "help", "this page"),
    bind(&[ctrl('l')], Intent::Redraw, Group::Console, "", "draw the screen anew"),
    bind(&[ctrl('z')], Intent::Suspend, Group::Console, "", "suspend the console; fg brings it back"),
    bind(&[ch('q'), ctrl('c')], Intent::Detach, Group::Console, "detach", "leave the console; the engine goes on"),
];

/// What a key means on the main screen.
pub fn intent_of(event: &KeyEvent) -> Option<Intent> {
    let chord = Chord::of(event);
    BINDINGS.iter().find(|b| b.chords.contains(&chord)).map(|b| b.intent)
}

/// The keys of an intent as text, `Up k`.
pub fn keys_of(binding: &Binding) -> String {
    binding.chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
}

/// The table of `docs/console.md`.
pub fn markdown() -> String {
    let mut lines = vec!["| key | what it does |".to_owned(), "|---|---|".to_owned()];
    for group in Group::ALL {
        lines.push(format!("| | **{}** |", group.title()));
        for binding in BINDINGS.iter().filter(|b| b.group == group) {
            let keys: Vec<String> = binding.chords.iter().map(|c| format!("`{c}`")).collect();
            lines.push(format!("| {} | {} |", keys.join(" "), binding.help));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_means_two_things() {
        let mut seen = HashSet::new();
        for binding in BINDINGS {
            for chord in binding.chords {
                assert!(seen.insert(*chord), "{chord} is bound twice");
            }
        }
    }

    #[test]
    fn every_intent_has_exactly_one_line_of_the_table() {
        for intent in Intent::ALL {
            assert_eq!(BINDINGS.iter().filter(|b| b.intent == intent).count(), 1, "{intent:?}");
        }
        assert_eq!(BINDINGS.len(), Intent::ALL.len());
    }

    #[test]
    fn writing_intents_stand_under_act() {
        for binding in BINDINGS.iter().filter(|b| b.intent.writes()) {
            assert_eq!(binding.group, Group::Act);
        }
    }

    #[test]
    fn a_key_with_ctrl_is_another_key() {
        let plain = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::NONE);
        let with = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL);
        assert_eq!(intent_of(&plain), Some(Intent::Unfold));
        assert_eq!(intent_of(&with), Some(Intent::Redraw));
    }
}
