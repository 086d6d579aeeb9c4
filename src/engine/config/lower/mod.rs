//! Entries of the keyword table → [`Configuration`].
//!
//! Order in the file does not matter: global settings first, then scripts and what else is tracked, instances and sync groups, then services.

mod address;
mod authentication;
mod balance;
mod check;
mod command;
mod families;
mod global;
mod group;
mod interface;
mod lvs;
mod mail;
mod method;
mod notify;
mod persistence;
mod real_time;
mod routing;
mod script;
mod semantics;
mod server;
mod statics;
mod track;
mod transport;
mod tunnel;
mod virtual_link;
mod vrrp;
mod weights;

use super::Wanted;
use super::diagnostic::Reporter;
use super::keywords::Block;
use super::schema::{Context, Entry};
use super::source::{Sources, Span};
use super::tables::Tables;
use super::tree::Tree;
use crate::engine::model::{Configuration, Family, GratuitousArp, Notifications, TrackKind, TrackedFile, Variations};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// The words of addresses, routes, rules, `regex_options` and the sync daemon.
#[cfg(test)]
pub(super) fn words_of_lists() -> impl Iterator<Item = &'static str> {
    address::words().chain(routing::words()).chain(check::words()).chain(lvs::DAEMON_WORDS)
}

/// What is built: the configuration and what only lowering has to know.
#[derive(Debug, Default)]
struct Draft {
    configuration: Configuration,
    defaults: Defaults,
    /// Where each instance and its words stand, parallel to `configuration.virtual_routers`.
    instances: Vec<Places>,
    /// Every instance that the file names, those with errors too.
    named: BTreeSet<String>,
    /// The first instance of each name, by its place in `configuration.virtual_routers`.
    routers: BTreeMap<String, usize>,
    /// The interfaces that instances make: above which one, and for which family.
    links: BTreeMap<String, BTreeSet<(String, Family)>>,
    /// Every `vrrp_sync_group` that the file names.
    sync_groups: BTreeSet<String>,
    /// The sync group of each instance that is in one.
    members: HashMap<String, String>,
    /// What can be tracked, with the weight and the direction that it has by itself.
    tracked: HashMap<(TrackKind, String), (i32, bool)>,
    /// Every `track_file`.
    files: BTreeMap<String, TrackedFile>,
    /// Where each service was named, parallel to `configuration.virtual_servers`.
    services: Vec<Span>,
    /// Every `virtual_server_group`, with what each of its services is known by, in file order.
    groups: BTreeMap<String, Arc<[balance::Named]>>,
    grouped: Grouped,
    /// Every `track_group`, with its instances.
    track_groups: BTreeMap<String, Vec<String>>,
    /// The group behind each static address, parallel to `configuration.statics.addresses`.
    static_groups: Vec<Option<(String, Span)>>,
    /// Every static address.
    static_known: address::Known,
    /// Where `lvs_sync_daemon` stands.
    sync_daemon_at: Option<Span>,
}

/// What all groups of services come to.
#[derive(Debug, Default)]
struct Grouped {
    services: usize,
    real_servers: usize,
}

/// Where an instance is named, and what may collide with another one.
#[derive(Debug, Clone)]
struct Places {
    name: Span,
    vrid: Span,
    /// The first word that tracks something; the name where there is none.
    tracks: Span,
    /// The line that tracks the instance's own interface; the name where there is none.
    own: Span,
    /// The last line of each.
    addresses: HashMap<IpAddr, Span>,
}

impl Places {
    /// The last line with this address; the name where there is none.
    fn of(&self, address: IpAddr) -> Span {
        self.addresses.get(&address).copied().unwrap_or(self.name)
    }
}

/// What instances inherit from `global_defs`.
#[derive(Debug, Default)]
struct Defaults {
    version: Option<u64>,
    interface: Option<String>,
    garp: GratuitousArp,
    groups: transport::Groups,
    check_unicast_source: bool,
    variations: Variations,
    /// `vrrp_notify_priority_changes`.
    priority_changes: bool,
    link_prefixes: virtual_link::Prefixes,
    /// `vrrp_strict`.
    strict: bool,
    mail: mail::MailDefaults,
    /// `checker_log_all_failures`.
    log_all_failures: bool,
}

impl Defaults {
    fn notifications(&self) -> Notifications {
        Notifications { priority_changes: self.priority_changes, ..self.mail.notifications() }
    }
}

/// Builds the configuration, and what it asks of the host. It is complete only when nothing was reported as an error.
pub(super) fn lower<'t>(
    tree: &'t Tree<'t>,
    sources: &Sources,
    tables: &Tables,
    report: &mut Reporter,
) -> (Configuration, Vec<(Span, Wanted)>) {
    let mut cx = Context::new(sources, tables, report);
    let mut draft = Draft::default();
    let top = cx.entries(Block::Top, &tree.statements);
    blocks(&mut cx, &mut draft, &top);
    while !cx.misplaced.is_empty() {
        for statement in std::mem::take(&mut cx.misplaced) {
            let entries = cx.entries(Block::Top, std::slice::from_ref(statement));
            blocks(&mut cx, &mut draft, &entries);
        }
    }
    cx.finish();
    statics::check(&mut cx, &mut draft);
    semantics::check(&mut cx, &mut draft);
    (draft.configuration, cx.wanted)
}

/// Lowers blocks of the top level.
fn blocks<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, entries: &[Entry<'t>]) {
    let named = |word: &'static str| entries.iter().filter(move |entry| entry.keyword.word == word);
    named("global_defs").for_each(|entry| global::lower(cx, draft, entry));
    named("garp_group").for_each(|entry| global::garp_group(cx, draft, entry));
    named("vrrp_script").for_each(|entry| script::lower(cx, draft, entry));
    named("vrrp_track_process").for_each(|entry| track::process(cx, draft, entry));
    named("track_file").chain(named("vrrp_track_file")).for_each(|entry| track::file(cx, draft, entry));
    // Preferences that are not written are given out in the order of the file.
    for entry in entries {
        match entry.keyword.word {
            "vrrp_instance" => vrrp::lower(cx, draft, entry),
            "static_ipaddress" | "static_routes" | "static_rules" => statics::lower(cx, draft, entry),
            _ => {}
        }
    }
    named("vrrp_sync_group").for_each(|entry| script::sync_group(cx, draft, entry));
    named("track_group").for_each(|entry| statics::track_group(cx, draft, entry));
    named("virtual_server_group").for_each(|entry| group::lower(cx, draft, entry));
    named("virtual_server").for_each(|entry| balance::lower(cx, draft, entry));
}

/// A number that the table bounds to `u32`.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
