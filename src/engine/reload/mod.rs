//! From one configuration to the next (layer 4): what changes, object by object, before anything does.
//!
//! Pure. Objects are matched by key: instances, groups and scripts by name, services by what the kernel knows them by, real
//! servers by address and port. The two cores do the same for themselves when they get the new configuration; this is the
//! plan for people, and what its token stands for. [`compare`] sets the file beside what runs and what the kernel has.

mod compare;
mod effects;
mod fields;
mod words;

pub use compare::compare;
pub use effects::{Effects, Found, beside, effects};

use crate::engine::model::{Configuration, Statics, VirtualRouter, VirtualServer};
use fields::Field;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

/// Most lines of one kind in [`Plan::before`], [`Plan::after`] and [`Plan::steps`].
const LINES: usize = 200;

/// How titles of objects begin that have addresses or connections.
const SERVING: [&str; 2] = ["vrrp_instance ", "virtual_server "];

/// What a reload comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changed and removed objects as they are.
    pub before: Vec<String>,
    /// Changed and new objects as they will be.
    pub after: Vec<String>,
    /// Each object that changes, with the fields that do.
    pub steps: Vec<String>,
    /// Objects that come.
    pub added: usize,
    /// Objects that change in place.
    pub changed: usize,
    /// Objects that go.
    pub removed: usize,
    /// Those of them that have addresses or connections: instances, services, real servers.
    pub serving: usize,
    /// Instances with words that the other node must have too, or refuses to hear this one.
    pub paired: Vec<String>,
    /// Instances that stay with another list of addresses in their advertisements.
    pub readdressed: Vec<String>,
    /// Instances with another priority.
    pub reranked: Vec<String>,
    /// Objects that are not touched.
    pub unchanged: usize,
    /// Stands for everything above, and for secrets that are not shown.
    pub digest: u64,
}

impl Plan {
    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.added + self.changed + self.removed == 0
    }
    /// So many of the objects that come are there already, as operators made them: they change in place.
    pub fn finds(&mut self, there: usize) {
        let there = there.min(self.added);
        (self.added, self.changed) = (self.added - there, self.changed + there);
    }
    /// The plan in a line.
    pub fn sentence(&self) -> String {
        let Self { added, changed, removed, unchanged, .. } = self;
        if self.is_empty() {
            return format!("nothing changes: {unchanged} objects are as the file says");
        }
        format!("{added} added, {changed} changed, {removed} removed, {unchanged} untouched")
    }
}

/// The way from `old` to `new`.
pub fn plan(old: &Configuration, new: &Configuration) -> Plan {
    let mut writer = Writer { plan: Plan::default(), hasher: DefaultHasher::new(), steps: 0 };
    if old.statics != Statics::default() || new.statics != Statics::default() {
        writer.object("static", Some(fields::statics(&old.statics)), Some(fields::statics(&new.statics)));
    }
    writer.object("global_defs", Some(fields::global(&old.global)), Some(fields::global(&new.global)));
    writer.object("settings", Some(fields::settings(&old.settings)), Some(fields::settings(&new.settings)));
    writer.kind("vrrp_script", &old.scripts, &new.scripts, |s| s.name.clone(), fields::script);
    writer.kind("vrrp_track_process", &old.processes, &new.processes, |p| p.name.clone(), fields::process);
    writer.kind("track_file", &old.files, &new.files, |f| f.name.clone(), fields::file);
    writer.routers(&old.virtual_routers, &new.virtual_routers);
    writer.kind("vrrp_sync_group", &old.sync_groups, &new.sync_groups, |g| g.name.clone(), fields::group);
    let known: HashMap<_, &VirtualServer> = old.virtual_servers.iter().map(|s| (s.key, s)).collect();
    let wanted: HashSet<_> = new.virtual_servers.iter().map(|s| s.key).collect();
    for gone in old.virtual_servers.iter().filter(|s| !wanted.contains(&s.key)) {
        writer.service(Some(gone), None);
    }
    for service in &new.virtual_servers {
        writer.service(known.get(&service.key).copied(), Some(service));
    }
    // A secret is in no line, and yet with another one it is another plan.
    for router in &new.virtual_routers {
        if let Some(password) = router.authentication.password() {
            password.bytes().hash(&mut writer.hasher);
        }
    }
    writer.finish()
}

/// What stands in its advertisements, in any order.
fn advertised(router: &VirtualRouter) -> BTreeSet<IpAddr> {
    router.addresses.iter().filter(|address| address.advertised).map(|address| address.address).collect()
}

struct Writer {
    plan: Plan,
    hasher: DefaultHasher,
    steps: usize,
}

impl Writer {
    fn kind<T: PartialEq>(
        &mut self,
        word: &str,
        old: &[T],
        new: &[T],
        name: impl Fn(&T) -> String,
        fields: impl Fn(&T) -> Vec<Field>,
    ) {
        let known: HashMap<String, &T> = old.iter().map(|object| (name(object), object)).collect();
        let wanted: HashSet<String> = new.iter().map(&name).collect();
        for gone in old.iter().filter(|object| !wanted.contains(&name(object))) {
            self.object(&format!("{word} {}", name(gone)), Some(fields(gone)), None);
        }
        for object in new {
            let before = known.get(&name(object)).copied();
            let title = format!("{word} {}", name(object));
            // What differs in no field that is shown (a password) still differs.
            match before {
                Some(before) if before != object && fields(before) == fields(object) => self.hidden(&title),
                _ => self.object(&title, before.map(&fields), Some(fields(object))),
            }
        }
    }

    /// An instance that is another one to the link starts anew under its name.
    fn routers(&mut self, old: &[VirtualRouter], new: &[VirtualRouter]) {
        let before: HashMap<&str, &VirtualRouter> = old.iter().map(|router| (router.name.as_str(), router)).collect();
        let anew = |router: &&VirtualRouter| {
            before.get(router.name.as_str()).is_some_and(|before| !before.is_same_to_others(router))
        };
        let begun_anew: HashSet<&str> = new.iter().filter(anew).map(|router| router.name.as_str()).collect();
        let of = |side: &[VirtualRouter], wanted: bool| -> Vec<VirtualRouter> {
            side.iter().filter(|router| begun_anew.contains(router.name.as_str()) == wanted).cloned().collect()
        };
        let name = |router: &VirtualRouter| router.name.clone();
        self.kind("vrrp_instance", &of(old, false), &of(new, false), name, fields::router);
        for router in new.iter().filter(anew) {
            let Some(before) = before.get(router.name.as_str()) else { continue };
            self.anew(&format!("vrrp_instance {}", router.name), &fields::router(before), &fields::router(router));
        }
        let shared = |r: &VirtualRouter| (r.authentication, r.advert_interval, r.vrid, r.version);
        for router in new {
            let Some(before) = before.get(router.name.as_str()) else { continue };
            let (old, new) = (advertised(before), advertised(router));
            let goes_on = before.is_same_to_others(router);
            // One that has no address in common is another router: nobody listens to it, neither here nor there.
            if shared(before) != shared(router) || goes_on && old.is_disjoint(&new) {
                self.plan.paired.push(router.name.clone());
            } else if goes_on && old != new {
                self.plan.readdressed.push(router.name.clone());
            }
            if before.priority != router.priority {
                self.plan.reranked.push(router.name.clone());
            }
        }
    }

    fn service(&mut self, old: Option<&VirtualServer>, new: Option<&VirtualServer>) {
        if old == new {
            self.plan.unchanged += 1 + new.map_or(0, |service| service.real_servers.len());
            return;
        }
        let Some(key) = old.or(new).map(|service| service.key) else { return };
        self.object(&format!("virtual_server {key}"), old.map(fields::service), new.map(fields::service));
        let servers = |service: Option<&VirtualServer>| service.map_or_else(Vec::new, |s| s.real_servers.clone());
        let title = format!("virtual_server {key}: real_server");
        self.kind(&title, &servers(old), &servers(new), |server| server.key.to_string(), fields::server);
    }

    fn hidden(&mut self, title: &str) {
        self.plan.changed += 1;
        self.step(format!("~ {title}: a secret changes"));
    }

    fn object(&mut self, title: &str, old: Option<Vec<Field>>, new: Option<Vec<Field>>) {
        match (old, new) {
            (Some(old), Some(new)) if old == new => self.plan.unchanged += 1,
            (Some(old), Some(new)) => {
                self.plan.changed += 1;
                let changes = self.sides(title, &old, &new);
                self.step(format!("~ {title}: {changes}"));
            }
            (Some(_), None) => {
                self.plan.removed += 1;
                self.plan.serving += usize::from(SERVING.iter().any(|word| title.starts_with(word)));
                push(&mut self.plan.before, title.to_owned());
                self.step(format!("- {title}"));
            }
            (None, Some(new)) => {
                self.plan.added += 1;
                let words: Vec<String> = new.iter().map(|(word, value)| format!("{word} {}", shown(value))).collect();
                words.hash(&mut self.hasher);
                push(&mut self.plan.after, title.to_owned());
                self.step(format!("+ {title}"));
            }
            (None, None) => {}
        }
    }

    /// One that goes and comes again under its name, since what others know it by changes.
    fn anew(&mut self, title: &str, old: &[Field], new: &[Field]) {
        (self.plan.removed, self.plan.added) = (self.plan.removed + 1, self.plan.added + 1);
        self.plan.serving += 1;
        let changes = self.sides(title, old, new);
        self.step(format!("- {title}"));
        self.step(format!("+ {title}: {changes}"));
    }

    /// Both sides of an object with the fields that differ. Gives the changes in words.
    fn sides(&mut self, title: &str, old: &[Field], new: &[Field]) -> String {
        let differ = || old.iter().zip(new).filter(|(old, new)| old != new);
        let side = |(word, value): &Field| format!("{word} {}", shown(value));
        let all = |words: Vec<String>| format!("{title}: {}", words.join(", "));
        push(&mut self.plan.before, all(differ().map(|(old, _)| side(old)).collect()));
        push(&mut self.plan.after, all(differ().map(|(_, new)| side(new)).collect()));
        let change = |((word, old), (_, new)): (&Field, &Field)| format!("{word} {} -> {}", shown(old), shown(new));
        differ().map(change).collect::<Vec<_>>().join(", ")
    }

    fn step(&mut self, line: String) {
        line.hash(&mut self.hasher);
        self.steps += 1;
        push(&mut self.plan.steps, line);
    }

    fn finish(mut self) -> Plan {
        if self.steps > LINES {
            self.plan.steps.push(format!("… and {} more", self.steps - LINES));
        }
        self.plan.digest = self.hasher.finish();
        self.plan
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "none" } else { value }
}

fn push(lines: &mut Vec<String>, line: String) {
    if lines.len() < LINES {
        lines.push(line);
    }
}

#[cfg(test)]
mod tests;
