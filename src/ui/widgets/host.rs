//! How busy the director's host is: processors and memory, what its interfaces count, and what was wrong with advertisements.
//!
//! ```text
//! ┌ Host ─────────────────────────────────────┐
//! │ load, processors, memory                  │
//! │ INTERFACE  IN/s  PKT/s  ERR DROP  OUT/s … │
//! │ INSTANCE   length  TTL  checksum …        │
//! └───────────────────────────────────────────┘
//! ```

use super::frame;
use super::instance::{beginning, refused};
use super::pen::{Pen, Spans, put_spans};
use crate::engine::{HostLoad, InterfaceLoad};
use crate::ui::format::{age, clean, compact, count, cut_middle, width};
use crate::ui::intent::Intent;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use std::time::Duration;

/// Draws the panel over the whole screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let node = state.summary().map_or("", |summary| &summary.node);
    let tab = state.keys.hint(Intent::NextPanel);
    let title = format!("Host {node} and its interfaces, refused advertisements  ({tab}: services)");
    let inner = frame::panel(buffer, theme, plan.body, plan.shape == Shape::Large, &title);
    let (lines, room) = (lines(state, inner.width, theme.ascii), usize::from(inner.height));
    let first = state.host_scroll.min(lines.len().saturating_sub(room));
    for (line, spans) in lines.iter().skip(first).take(room).enumerate() {
        put_spans(Pen::at(buffer, theme, inner, line).skip(1), spans);
    }
}

/// How many lines there are.
pub fn length(state: &UiState) -> usize {
    lines(state, state.size.0, false).len()
}

fn lines(state: &UiState, width: u16, is_ascii: bool) -> Vec<Spans> {
    let mut lines = match &state.host {
        _ if state.is_rewound() => {
            let live = state.keys.hint(Intent::Live);
            vec![vec![(Paint::Dim, format!("how busy the host was is not remembered: {live} goes back to now"))]]
        }
        _ if state.replay.is_some() => vec![vec![(Paint::Dim, "how busy the host was is not recorded".to_owned())]],
        None => vec![vec![(Paint::Dim, "asking the engine".to_owned())]],
        Some(Err(why)) => vec![vec![(Paint::Warning, why.clone())]],
        Some(Ok(load)) => of_host(load, width, is_ascii),
    };
    lines.push(Spans::new());
    lines.push(vec![(Paint::Head, format!("Advertisements since {}, by cause of refusal", beginning(state)))]);
    if state.is_rewound() {
        lines.push(vec![(Paint::Dim, "counters are not remembered".to_owned())]);
    } else {
        lines.extend(of_instances(state, is_ascii));
    }
    lines
}

fn of_host(load: &HostLoad, width: u16, is_ascii: bool) -> Vec<Spans> {
    let [one, five, fifteen] = load.load;
    let used = load.memory_bytes.saturating_sub(load.memory_available_bytes);
    #[allow(clippy::cast_precision_loss)] // a bar has ten steps
    let part = |of: u64, all: u64| if all == 0 { 0.0 } else { of as f64 * 100.0 / all as f64 };
    #[allow(clippy::cast_precision_loss)]
    let averages_part = (one * 100.0 / load.cpus.max(1) as f64).min(100.0);
    let text = |text: String| (Paint::Text, text);
    let mut lines = Vec::new();
    let averages = format!("{one:.2} {five:.2} {fifteen:.2} over 1, 5 and 15 min; {} processors", load.cpus);
    lines.push(vec![label("load"), bar(averages_part, is_ascii), text(averages)]);
    lines.push(match (load.cpu_percent, load.over_ms) {
        (Some(busy), Some(over)) => {
            let said = format!("{busy:.1} % busy, of the last {}.{} s", over / 1000, over % 1000 / 100);
            vec![label("cpu"), bar(busy, is_ascii), text(said)]
        }
        _ => vec![label("cpu"), (Paint::Dim, "measuring: a share takes two looks".to_owned())],
    });
    let memory = format!("{} of {} bytes used", bytes(used), bytes(load.memory_bytes));
    lines.push(vec![label("memory"), bar(part(used, load.memory_bytes), is_ascii), text(memory)]);
    if load.swap_bytes > 0 {
        let swap = format!("{} of {} bytes used", bytes(load.swap_used_bytes), bytes(load.swap_bytes));
        lines.push(vec![label("swap"), bar(part(load.swap_used_bytes, load.swap_bytes), is_ascii), text(swap)]);
    }
    lines.push(vec![label("up"), text(age(Duration::from_secs(load.uptime_s)))]);
    lines.push(Spans::new());
    lines.push(vec![(Paint::Head, heads(width))]);
    lines.extend(load.interfaces.iter().map(|interface| of_interface(interface, width, is_ascii)));
    lines
}

fn label(word: &str) -> (Paint, String) {
    (Paint::Head, format!("{word:<8}"))
}

#[allow(clippy::cast_precision_loss)] // three digits of it are shown
fn bytes(bytes: u64) -> String {
    compact(bytes as f64)
}

/// Ten steps; what is beyond nine tenths is worth a look.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 10
fn bar(percent: f64, is_ascii: bool) -> (Paint, String) {
    let filled = ((percent / 10.0).round() as usize).min(10);
    let (full, empty) = if is_ascii { ("#", ".") } else { ("█", "░") };
    let paint = if percent >= 90.0 { Paint::Warning } else { Paint::Up };
    (paint, format!("{}{}  ", full.repeat(filled), empty.repeat(10 - filled)))
}

/// Whether there is room for what was counted beside what is counted now.
const fn is_wide(width: u16) -> bool {
    width >= 116
}

/// Columns of the name of an interface, and most columns of that of an instance.
const INTERFACE: usize = 15;
const INSTANCE: usize = 24;

/// A name in so many columns; of a long one the middle is left out.
fn named(name: &str, columns: usize, is_ascii: bool) -> String {
    let name = clean(name);
    let name = cut_middle(&name, columns, if is_ascii { '~' } else { '…' });
    format!("{name}{}", " ".repeat(columns.saturating_sub(width(&name))))
}

fn heads(width: u16) -> String {
    let rates = format!("{:<15} {:>7} {:>7} {:>7} {:>7}", "INTERFACE", "IN B/s", "IN P/s", "OUT B/s", "OUT P/s");
    let faults = format!("{:>6} {:>6} {:>6} {:>6}", "RXERR", "RXDROP", "TXERR", "TXDROP");
    if is_wide(width) {
        format!("{rates} {faults} {:>9} {:>8} {:>9} {:>8}", "IN BYTES", "PACKETS", "OUT BYTES", "PACKETS")
    } else {
        format!("{rates} {faults}")
    }
}

fn of_interface(interface: &InterfaceLoad, width: u16, is_ascii: bool) -> Spans {
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), compact);
    let (r, rx, tx) = (interface.rates, interface.rx, interface.tx);
    let name = named(&interface.name, INTERFACE, is_ascii);
    let mut spans = vec![(
        Paint::Text,
        format!(
            "{name} {:>7} {:>7} {:>7} {:>7}",
            rate(r.map(|r| r.rx_bytes_per_s)),
            rate(r.map(|r| r.rx_packets_per_s)),
            rate(r.map(|r| r.tx_bytes_per_s)),
            rate(r.map(|r| r.tx_packets_per_s))
        ),
    )];
    for fault in [rx.errors, rx.dropped, tx.errors, tx.dropped] {
        let paint = if fault > 0 { Paint::Warning } else { Paint::Dim };
        spans.push((paint, format!(" {:>6}", count(fault))));
    }
    if is_wide(width) {
        let counted =
            format!(" {:>9} {:>8} {:>9} {:>8}", count(rx.bytes), count(rx.packets), count(tx.bytes), count(tx.packets));
        spans.push((Paint::Text, counted));
    }
    spans
}

/// Every instance with every cause: a zero is an answer.
fn of_instances(state: &UiState, is_ascii: bool) -> Vec<Spans> {
    if state.routers().is_empty() {
        return vec![vec![(Paint::Dim, "no VRRP instance".to_owned())]];
    }
    let mut lines = Vec::new();
    let widths = state.routers().iter().map(|router| width(&clean(&router.name)));
    let column = widths.max().unwrap_or(0).clamp(INTERFACE, INSTANCE);
    for router in state.routers() {
        let c = &router.counters;
        let accepted = format!(
            "accepted {}  sent {}  own that came back {}  other addresses {}",
            count(c.adverts_rx),
            count(c.adverts_tx),
            c.own_rx,
            c.address_mismatch
        );
        let name = named(&router.name, column, is_ascii);
        lines.push(vec![(Paint::Title, format!("{name} ")), (Paint::Text, accepted)]);
        let causes: Vec<(&str, u64)> = refused(c).collect();
        for part in causes.chunks(5) {
            let said = part.iter().map(|(why, n)| {
                let paint = if *n > 0 { Paint::Warning } else { Paint::Dim };
                (paint, format!("{why} {}  ", count(*n)))
            });
            lines.push(std::iter::once((Paint::Text, " ".repeat(column + 1))).chain(said).collect());
        }
    }
    lines
}
