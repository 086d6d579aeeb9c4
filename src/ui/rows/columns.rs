//! The columns of the table: one table with words, widths and values; a width of the screen chooses among them.

use crate::engine::{Row, RowKind};
use crate::ui::format;
use crate::ui::screens::Screen;
use std::time::Duration;

/// One column of numbers or words between the name and the health.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// ipvsadm's word; its name in the chooser and in a settings file.
    pub word: &'static str,
    /// A shorter one, for narrow screens.
    pub short: &'static str,
    /// What it says, for those who choose.
    pub what: &'static str,
    /// The most columns a value takes; of a weight, what most of them take.
    pub value_width: usize,
    /// Counts since the kernel's start, or since somebody set a baseline.
    pub is_total: bool,
    /// Says nothing of a service.
    pub servers_only: bool,
    /// What it says of a row.
    pub value: fn(&Row) -> String,
}

impl Column {
    /// Whether it is the kernel's counting, which may stand still: a total, or a rate.
    pub fn is_counted(&self) -> bool {
        self.is_total || self.word.ends_with("PS")
    }
}

impl Column {
    /// The width of its longest value among these rows where that has no limit of its own, and at least the usual one.
    fn needed(&self, rows: &[Row]) -> usize {
        if !matches!(self.word, "Weight" | "File" | "Kernel") {
            return self.value_width;
        }
        let filled = rows.iter().filter(|row| !self.servers_only || row.kind == RowKind::Server);
        filled.map(|row| (self.value)(row).len()).max().unwrap_or(0).max(self.value_width)
    }
}

const fn column(
    (word, short, value_width): (&'static str, &'static str, usize),
    what: &'static str,
    value: fn(&Row) -> String,
) -> Column {
    Column { word, short, what, value_width, is_total: false, servers_only: false, value }
}
const fn of_servers(column: Column) -> Column {
    Column { servers_only: true, ..column }
}
const fn total(column: Column) -> Column {
    Column { is_total: true, ..column }
}

/// Every column that there is, in ipvsadm's order: `-ln`, `--rate`, `--stats`, and what ipvsadm does not know.
pub const ALL: &[Column] = &[
    of_servers(column(("Forward", "Fwd", 6), "how packets reach the server", |row| row.forward.clone())),
    of_servers(column(
        ("Weight", "Weight", 8),
        "the weight that counts, and the file's where it differs",
        Row::weights,
    )),
    column(("ActiveConn", "Active", 6), "active connections", |row| format::count(row.active.into())),
    column(("InActConn", "InAct", 6), "inactive connections", |row| format::count(row.inactive.into())),
    column(("CPS", "CPS", 5), "connections a second", |row| format::compact(row.rates.connections_per_s)),
    column(("InPPS", "InPPS", 5), "packets a second to the server", |row| format::compact(row.rates.in_packets_per_s)),
    column(("OutPPS", "OutPPS", 6), "packets a second back", |row| format::compact(row.rates.out_packets_per_s)),
    column(("InBPS", "InBPS", 5), "bytes a second to the server", |row| format::compact(row.rates.in_bytes_per_s)),
    column(("OutBPS", "OutBPS", 6), "bytes a second back", |row| format::compact(row.rates.out_bytes_per_s)),
    total(column(("Conns", "Conns", 6), "connections so far", |row| format::count(row.counters.connections))),
    total(column(("InPkts", "InPkts", 6), "packets to the server so far", |row| {
        format::count(row.counters.in_packets)
    })),
    total(column(("OutPkts", "OutPkt", 6), "packets back so far", |row| format::count(row.counters.out_packets))),
    total(column(("InBytes", "InByte", 6), "bytes to the server so far", |row| format::count(row.counters.in_bytes))),
    total(column(("OutBytes", "OutByt", 6), "bytes back so far", |row| format::count(row.counters.out_bytes))),
    column(("File", "File", 5), "the weight in the file, of a service the sum", |row| {
        row.configured_weight.to_string()
    }),
    of_servers(column(("Kernel", "Kernel", 6), "the weight that the kernel has; - where it has none", |row| {
        row.kernel_weight.map_or_else(|| "-".to_owned(), |weight| weight.to_string())
    })),
    of_servers(column(("Since", "Since", 6), "how long the health is what it is", |row| {
        row.health_age_s.map_or_else(|| "-".to_owned(), |age| format::age(Duration::from_secs(age)))
    })),
];

/// A set of columns: the table of services has one, the counters have another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// On the overview and on the screen of services.
    Services,
    /// On the screen of counters.
    Counters,
}

impl Set {
    /// The set of a screen.
    pub const fn of(screen: Screen) -> Self {
        match screen {
            Screen::Counters => Self::Counters,
            Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Timeline | Screen::Log => Self::Services,
        }
    }

    /// Its name in a settings file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Counters => "counters",
        }
    }

    /// The columns it has before anybody chooses, each with the order in which it leaves a narrow screen, the highest first.
    const fn usual(self) -> &'static [(&'static str, usize)] {
        match self {
            Self::Services => &[
                ("Forward", 4),
                ("Weight", 1),
                ("ActiveConn", 0),
                ("InActConn", 3),
                ("CPS", 2),
                ("InPPS", 5),
                ("OutPPS", 8),
                ("InBPS", 6),
                ("OutBPS", 7),
            ],
            Self::Counters => &[
                ("Conns", 0),
                ("InPkts", 1),
                ("OutPkts", 4),
                ("InBytes", 2),
                ("OutBytes", 3),
                ("CPS", 5),
                ("InBPS", 6),
                ("OutBPS", 7),
            ],
        }
    }
}

/// The column of a name, whatever the case.
pub fn named(name: &str) -> Option<&'static Column> {
    ALL.iter().find(|column| column.word.eq_ignore_ascii_case(name))
}

/// Which columns somebody chose, in their order; nothing chosen: the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    services: Option<Vec<&'static str>>,
    counters: Option<Vec<&'static str>>,
}

impl Chosen {
    /// The words of a set's columns, in order.
    pub fn words(&self, set: Set) -> Vec<&'static str> {
        self.own(set).cloned().unwrap_or_else(|| set.usual().iter().map(|(word, _)| *word).collect())
    }

    /// Chooses; none: the usual ones again.
    pub fn set(&mut self, set: Set, words: Option<Vec<&'static str>>) {
        let words = words.filter(|words| *words != Self::default().words(set));
        match set {
            Set::Services => self.services = words,
            Set::Counters => self.counters = words,
        }
    }

    const fn own(&self, set: Set) -> Option<&Vec<&'static str>> {
        match set {
            Set::Services => self.services.as_ref(),
            Set::Counters => self.counters.as_ref(),
        }
    }

    /// The columns of a set, each with the order in which it leaves a narrow screen: of chosen ones the last leaves first.
    pub fn columns(&self, set: Set) -> Vec<(&'static Column, usize)> {
        let usual = set.usual().iter().copied();
        let ranked: Vec<(&str, usize)> = match self.own(set) {
            None => usual.collect(),
            Some(words) => words.iter().enumerate().map(|(rank, word)| (*word, rank)).collect(),
        };
        ranked.into_iter().filter_map(|(word, rank)| Some((named(word)?, rank))).collect()
    }
}

/// The columns that fit, with their words and widths, and what is left for name and health.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Columns between name and health.
    pub columns: Vec<(&'static str, usize, &'static Column)>,
    /// Width of the name.
    pub name: usize,
    /// Width of the health; 0 when there is no room.
    pub health: usize,
}

/// The least that name and health have before a column may stay.
const NAME: usize = 24;
const HEALTH: usize = 14;

impl Layout {
    /// For a table so many columns wide, its mark not counted, whose servers' names want so many of them: columns leave before an
    /// address is cut, up to half of the table. Of a longer one the middle is left out.
    ///
    /// A weight that is cut reads as another number: its column is as wide as those of `rows` need, or leaves too.
    pub fn of(columns: &[(&'static Column, usize)], width: usize, wanted: usize, rows: &[Row]) -> Self {
        let least = wanted.clamp(NAME, NAME.max(width / 2));
        let long = width >= 110;
        let fitted = |limit: usize| -> Vec<(&'static str, usize, &'static Column)> {
            let stay = columns.iter().filter(|(_, leaves)| *leaves < limit);
            stay.map(|(column, _)| {
                let word = if long { column.word } else { column.short };
                (word, word.len().max(column.needed(rows)), *column)
            })
            .collect()
        };
        let room = width.saturating_sub(least + HEALTH + 1);
        let mut limit = columns.len();
        let mut columns = fitted(limit);
        while columns.iter().map(|(_, width, _)| width + 1).sum::<usize>() > room && limit > 0 {
            limit -= 1;
            columns = fitted(limit);
        }
        let rest = width.saturating_sub(columns.iter().map(|(_, width, _)| width + 1).sum());
        let health = if rest > least + HEALTH {
            (HEALTH + (rest - least - HEALTH) / 2).min(34)
        } else {
            rest.saturating_sub(least + 1).min(HEALTH)
        };
        // On a wide screen the numbers stay near the names, and the rest of the line stays empty.
        let name = rest.saturating_sub(if health > 0 { health + 1 } else { 0 }).min(least.max(48));
        Self { columns, name, health }
    }

    /// The columns that a row of this kind fills.
    pub fn columns_of(&self, kind: RowKind) -> impl Iterator<Item = &(&'static str, usize, &'static Column)> {
        self.columns.iter().skip(self.empty_of(kind))
    }

    /// The width of the name in a row of this kind.
    pub fn name_of(&self, kind: RowKind) -> usize {
        self.name + self.columns.iter().take(self.empty_of(kind)).map(|(_, width, _)| width + 1).sum::<usize>()
    }

    /// How many of the first columns are for servers alone.
    fn empty_of(&self, kind: RowKind) -> usize {
        match kind {
            RowKind::Server => 0,
            RowKind::Service => self.columns.iter().take_while(|(.., column)| column.servers_only).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_never_take_more_than_the_width() {
        for (width, wanted) in (0..300).flat_map(|width| [(width, 0), (width, 40), (width, 500)]) {
            let layout = Layout::of(&Chosen::default().columns(Set::Services), width, wanted, &[]);
            let used: usize = layout.columns.iter().map(|(_, w, _)| w + 1).sum::<usize>()
                + layout.name
                + if layout.health > 0 { layout.health + 1 } else { 0 };
            assert!(used <= width, "{used} of {width}");
        }
    }

    #[test]
    fn ipvsadms_own_words_stand_where_there_is_room() {
        let usual = Chosen::default().columns(Set::Services);
        let words: Vec<&str> = Layout::of(&usual, 116, 24, &[]).columns.iter().map(|(word, ..)| *word).collect();
        assert_eq!(words.get(..4), Some(&["Forward", "Weight", "ActiveConn", "InActConn"][..]));
        assert_eq!(words.len(), usual.len());
        let narrow: Vec<&str> = Layout::of(&usual, 78, 24, &[]).columns.iter().map(|(word, ..)| *word).collect();
        assert_eq!(narrow, ["Fwd", "Weight", "Active", "InAct", "CPS"]);
    }

    #[test]
    fn chosen_columns_stand_in_their_order_and_the_last_leaves_first() {
        let mut chosen = Chosen::default();
        chosen.set(Set::Services, Some(vec!["Since", "CPS", "Conns"]));
        let words = |width| -> Vec<&str> {
            Layout::of(&chosen.columns(Set::Services), width, 24, &[]).columns.iter().map(|(word, ..)| *word).collect()
        };
        assert_eq!((words(116), words(54)), (vec!["Since", "CPS", "Conns"], vec!["Since", "CPS"]));
        assert_eq!(chosen.words(Set::Counters), Chosen::default().words(Set::Counters));
        // The usual ones are no choice.
        let usual = Chosen::default().words(Set::Services);
        chosen.set(Set::Services, Some(usual));
        assert_eq!(chosen, Chosen::default());
    }

    #[test]
    fn every_usual_column_exists_and_every_name_is_of_one_column() {
        for set in [Set::Services, Set::Counters] {
            assert_eq!(Chosen::default().columns(set).len(), set.usual().len());
        }
        for column in ALL {
            assert_eq!(named(&column.word.to_lowercase()).map(|found| found.word), Some(column.word));
        }
    }
}
