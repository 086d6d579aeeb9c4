//! The columns of the table: one table with words, widths and values; a width of the screen chooses among them.

use crate::engine::{Row, RowKind};
use crate::ui::screens::Screen;
use crate::ui::{format, rows};

/// One column of numbers or words between the name and the health.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// ipvsadm's word.
    pub word: &'static str,
    /// A shorter one, for narrow screens.
    pub short: &'static str,
    /// The most columns a value takes.
    pub value_width: usize,
    /// Counts since the kernel's start, or since somebody set a baseline.
    pub is_total: bool,
    /// Says nothing of a service.
    pub servers_only: bool,
    /// Leaves the screen in this order, the highest first.
    pub leaves: u8,
    /// What it says of a row.
    pub value: fn(&Row) -> String,
}

impl Column {
    /// Whether it is the kernel's counting, which may stand still: a total, or a rate.
    pub fn is_counted(&self) -> bool {
        self.is_total || self.word.ends_with("PS")
    }
}

/// The columns in ipvsadm's order, with its words (`-ln` first, then `--rate`).
pub const COLUMNS: &[Column] = &[
    Column {
        word: "Forward",
        short: "Fwd",
        value_width: 6,
        is_total: false,
        servers_only: true,
        leaves: 4,
        value: |row| row.forward.clone(),
    },
    Column {
        word: "Weight",
        short: "Weight",
        value_width: 6,
        is_total: false,
        servers_only: true,
        leaves: 2,
        value: rows::weight,
    },
    Column {
        word: "ActiveConn",
        short: "Active",
        value_width: 6,
        is_total: false,
        servers_only: false,
        leaves: 0,
        value: |row| format::count(row.active.into()),
    },
    Column {
        word: "InActConn",
        short: "InAct",
        value_width: 6,
        is_total: false,
        servers_only: false,
        leaves: 3,
        value: |row| format::count(row.inactive.into()),
    },
    Column {
        word: "CPS",
        short: "CPS",
        value_width: 5,
        is_total: false,
        servers_only: false,
        leaves: 1,
        value: |row| format::compact(row.rates.connections_per_s),
    },
    Column {
        word: "InPPS",
        short: "InPPS",
        value_width: 5,
        is_total: false,
        servers_only: false,
        leaves: 5,
        value: |row| format::compact(row.rates.in_packets_per_s),
    },
    Column {
        word: "OutPPS",
        short: "OutPPS",
        value_width: 6,
        is_total: false,
        servers_only: false,
        leaves: 8,
        value: |row| format::compact(row.rates.out_packets_per_s),
    },
    Column {
        word: "InBPS",
        short: "InBPS",
        value_width: 5,
        is_total: false,
        servers_only: false,
        leaves: 6,
        value: |row| format::compact(row.rates.in_bytes_per_s),
    },
    Column {
        word: "OutBPS",
        short: "OutBPS",
        value_width: 6,
        is_total: false,
        servers_only: false,
        leaves: 7,
        value: |row| format::compact(row.rates.out_bytes_per_s),
    },
];

const fn total(word: &'static str, short: &'static str, leaves: u8, value: fn(&Row) -> String) -> Column {
    Column { word, short, value_width: 6, is_total: true, servers_only: false, leaves, value }
}

const fn rate(word: &'static str, short: &'static str, leaves: u8, value: fn(&Row) -> String) -> Column {
    Column { is_total: false, ..total(word, short, leaves, value) }
}

/// The columns of the counters, in the order of `ipvsadm --stats`, with the connections of this moment behind them.
pub const COUNTERS: &[Column] = &[
    total("Conns", "Conns", 0, |row| format::count(row.counters.connections)),
    total("InPkts", "InPkts", 1, |row| format::count(row.counters.in_packets)),
    total("OutPkts", "OutPkt", 4, |row| format::count(row.counters.out_packets)),
    total("InBytes", "InByte", 2, |row| format::count(row.counters.in_bytes)),
    total("OutBytes", "OutByt", 3, |row| format::count(row.counters.out_bytes)),
    rate("CPS", "CPS", 5, |row| format::compact(row.rates.connections_per_s)),
    rate("InBPS", "InBPS", 6, |row| format::compact(row.rates.in_bytes_per_s)),
    rate("OutBPS", "OutBPS", 7, |row| format::compact(row.rates.out_bytes_per_s)),
];

/// The columns of a screen.
pub const fn of(screen: Screen) -> &'static [Column] {
    match screen {
        Screen::Counters => COUNTERS,
        Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Timeline | Screen::Log => COLUMNS,
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
    /// For a table so many columns wide, its mark not counted, whose servers' names want so many of them: an address that
    /// is cut names nobody, so columns leave before it does.
    pub fn of(columns: &'static [Column], width: usize, wanted: usize) -> Self {
        let least = wanted.clamp(NAME, NAME.max(width * 2 / 3));
        let long = width >= 110;
        let all: Vec<(&'static str, usize, &'static Column)> = columns
            .iter()
            .map(|column| {
                let word = if long { column.word } else { column.short };
                (word, word.len().max(column.value_width), column)
            })
            .collect();
        let room = width.saturating_sub(least + HEALTH + 1);
        let mut limit = columns.len();
        let mut columns = all.clone();
        while columns.iter().map(|(_, width, _)| width + 1).sum::<usize>() > room && limit > 0 {
            limit -= 1;
            columns = all.iter().filter(|(.., column)| usize::from(column.leaves) < limit).copied().collect();
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
            let layout = Layout::of(COLUMNS, width, wanted);
            let used: usize = layout.columns.iter().map(|(_, w, _)| w + 1).sum::<usize>()
                + layout.name
                + if layout.health > 0 { layout.health + 1 } else { 0 };
            assert!(used <= width, "{used} of {width}");
        }
    }

    #[test]
    fn ipvsadms_own_words_stand_where_there_is_room() {
        let words: Vec<&str> = Layout::of(COLUMNS, 116, 24).columns.iter().map(|(word, ..)| *word).collect();
        assert_eq!(words.get(..4), Some(&["Forward", "Weight", "ActiveConn", "InActConn"][..]));
        assert_eq!(words.len(), COLUMNS.len());
        let narrow: Vec<&str> = Layout::of(COLUMNS, 78, 24).columns.iter().map(|(word, ..)| *word).collect();
        assert_eq!(narrow, ["Fwd", "Weight", "Active", "InAct", "CPS"]);
    }
}
