//! `ctl connections`: the kernel's connection table, counted and in part, as it is now.

use super::CtlError;
use super::print::{Page, Style, cells, left, span};
use super::values::{selector, service};
use crate::engine::{
    ConnectionRow, ConnectionSort, ConnectionsPage, ConnectionsQuery, EngineHandle, Prefix, RealServerSelector,
    ServiceSelector,
};
use clap::{Args, ValueEnum};

/// Which connections, and how many of them.
#[derive(Debug, Clone, Args)]
pub struct ConnectionsArgs {
    /// To this service alone
    #[arg(long, value_name = "VS", value_parser = service)]
    pub service: Option<ServiceSelector>,
    /// To this real server alone, or to every one on a host
    #[arg(long, value_name = "RS", value_parser = selector)]
    pub server: Option<RealServerSelector>,
    /// From this address alone, or from a network, as 10.0.0.0/8
    #[arg(long, value_name = "ADDRESS")]
    pub client: Option<Prefix>,
    /// In this state alone, as ESTABLISHED or `SYN_RECV`
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// The order of the connections
    #[arg(long, value_enum, default_value = "table")]
    pub sort: Order,
    /// How many connections; 2000 at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// How many real servers and clients; 200 at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// As JSON: one object
    #[arg(long)]
    pub json: bool,
}

/// The order of connections.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Order {
    /// As the kernel has them
    Table,
    /// Those first that stay longest
    Expires,
    /// By the client's address
    Client,
}

impl From<Order> for ConnectionSort {
    fn from(order: Order) -> Self {
        match order {
            Order::Table => Self::Table,
            Order::Expires => Self::Expires,
            Order::Client => Self::Client,
        }
    }
}

/// Prints groups and rows in columns as wide as what is in them.
pub(super) fn print(args: &ConnectionsArgs, engine: &dyn EngineHandle, page: &mut Page<'_>) -> Result<(), CtlError> {
    let query = ConnectionsQuery {
        service: args.service.clone(),
        server: args.server,
        client: args.client,
        state: args.state.clone(),
        sort: args.sort.into(),
        limit: args.limit,
        offset: 0,
        top: args.top,
    };
    let found = engine.connections(&query)?;
    if args.json {
        return page.json(&found, true);
    }
    page.line(Style::Strong, &headline(&found))?;
    if !found.complete {
        let text = "the table is too long to be read to its end: all numbers are of its first part";
        page.line(Style::Problem, text)?;
    }
    let states = found.states.iter().map(|group| [group.protocol.clone(), group.state.clone(), n(group.connections)]);
    table(page, ["PROTO", "STATE", "CONNECTIONS"], states)?;
    let servers = found.real_servers.iter().map(|group| {
        let empty = span(group.empty_in_s.into());
        [group.service.clone(), group.server.clone(), n(group.connections), n(group.templates), empty]
    });
    table(page, ["SERVICE", "SERVER", "CONNECTIONS", "TEMPLATES", "EMPTY IN"], servers)?;
    let clients = found.clients.iter().map(|group| [group.client.to_string(), n(group.connections)]);
    table(page, ["CLIENT", "CONNECTIONS"], clients)?;
    if found.clients_short_by > 0 {
        let text = format!("there are very many clients: each number may be too small by {}", found.clients_short_by);
        page.line(Style::Notice, &text)?;
    }
    table(page, ["PROTO", "CLIENT", "SERVICE", "SERVER", "STATE", "EXPIRES"], found.rows.iter().map(row))
}

fn headline(found: &ConnectionsPage) -> String {
    let (matching, total) = (found.matching + found.templates, found.total);
    let templates = match found.templates {
        0 => String::new(),
        some => format!(", {some} of them persistence templates"),
    };
    let last = found.empty_in_s.map(|empty| span(empty.into()));
    let last = last.map(|empty| format!("; the last is forgotten in {empty} if no packet comes any more"));
    format!("{matching} of {total} entries{templates}{}", last.unwrap_or_default())
}

fn row(row: &ConnectionRow) -> [String; 6] {
    let client = if row.template { format!("{} (template)", row.client.ip()) } else { row.client.to_string() };
    let service = row.service.clone();
    [row.protocol.clone(), client, service, row.server.to_string(), row.state.clone(), span(row.expires_s.into())]
}

fn n(number: u64) -> String {
    number.to_string()
}

/// A table, with an empty line before it; nothing where it has no lines.
fn table<const N: usize>(
    page: &mut Page<'_>,
    titles: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
) -> Result<(), CtlError> {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    let mut widths = titles.map(str::len);
    for line in &lines {
        widths.iter_mut().zip(line).for_each(|(width, cell)| *width = (*width).max(cells(cell)));
    }
    let put = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| left(cell, width));
        padded.collect::<Vec<_>>().join("  ")
    };
    page.line(Style::Plain, "")?;
    page.line(Style::Strong, &put(titles))?;
    lines.iter().try_for_each(|line| page.line(Style::Plain, &put(line.each_ref().map(String::as_str))))
}
