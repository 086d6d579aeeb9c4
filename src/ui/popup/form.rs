//! Forms: what is typed is checked with every key, and what is wrong stands beside the field.

use super::Field;
use crate::engine::{
    Command, Family, Forwarding, Priority, RealServerKey, RealServerSelector, SCHEDULERS, Scheduler, ServiceKey,
    ServiceSelector, Weight,
};
use crossterm::event::{KeyCode, KeyEvent};
use std::net::{IpAddr, Ipv4Addr};

/// A real server that a form or an act is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its service's key.
    pub service: ServiceSelector,
    /// It.
    pub server: RealServerKey,
    /// Its weight while it serves, and that in the file.
    pub weights: (u32, u32),
}

/// What a form makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormKind {
    /// `w`: a weight.
    Weight(Vec<Target>),
    /// `m`: a maintenance.
    Maintenance(Vec<Target>),
    /// `a`: a real server for a service, with the servers that it has already, as far as they are loaded.
    AddServer {
        /// The service.
        service: ServiceKey,
        /// Its servers.
        taken: Vec<String>,
    },
    /// `A`: a service, with those that are there, as far as they are loaded.
    AddService(Vec<String>),
    /// `P`: a priority.
    Priority {
        /// Of which instance.
        instance: String,
        /// In the file.
        configured: u8,
        /// What counts now.
        effective: u8,
    },
}

/// What takes the keys of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Text.
    Text(Field),
    /// One of some words.
    Choice(Vec<&'static str>, usize),
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub label: &'static str,
    /// What is in it.
    pub input: Input,
    /// What may stand in it.
    pub hint: &'static str,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What it makes.
    pub kind: FormKind,
    /// Its fields, in their order.
    pub fields: Vec<FormField>,
    /// Which of them takes the keys.
    pub focus: usize,
}

fn text(label: &'static str, content: impl Into<String>, hint: &'static str) -> FormField {
    FormField { label, input: Input::Text(Field::with(content)), hint }
}

fn choice(label: &'static str, words: Vec<&'static str>, chosen: &str, hint: &'static str) -> FormField {
    let at = words.iter().position(|word| *word == chosen).unwrap_or(0);
    FormField { label, input: Input::Choice(words, at), hint }
}

/// The words of the methods that can be given, with the methods.
const METHODS: [(&str, Forwarding); 3] =
    [("Route (dr)", Forwarding::Dr), ("Masq (nat)", Forwarding::Nat), ("Tunnel (tun)", Forwarding::Tun)];

fn methods(label: &'static str, chosen: Forwarding) -> FormField {
    let word = METHODS.iter().find(|(_, method)| *method == chosen).map_or("", |(word, _)| word);
    choice(label, METHODS.iter().map(|(word, _)| *word).collect(), word, "space changes it")
}

impl Form {
    fn new(kind: FormKind, fields: Vec<FormField>) -> Self {
        Self { kind, fields, focus: 0 }
    }
    /// A weight for these servers.
    pub fn weight(targets: Vec<Target>) -> Self {
        let fields = vec![text("weight", "", "N, +N, -N, N%"), text("for", "", "30m, 2h; empty: until restored")];
        Self::new(FormKind::Weight(targets), fields)
    }
    /// A maintenance of these servers.
    pub fn maintenance(targets: Vec<Target>) -> Self {
        let hint = "30m, 2h; empty: until restored";
        Self::new(FormKind::Maintenance(targets), vec![text("for", "", hint)])
    }
    /// A real server, as its siblings are.
    pub fn add_server(
        service: ServiceKey,
        taken: Vec<String>,
        address: String,
        weight: &str,
        forward: Forwarding,
    ) -> Self {
        let fields = vec![text("address", address, ""), text("weight", weight, ""), methods("forward", forward)];
        Self::new(FormKind::AddServer { service, taken }, fields)
    }
    /// A service, as the selected one is.
    pub fn add_service(taken: Vec<String>, key: &str, scheduler: &str, forward: Forwarding, persistence: &str) -> Self {
        let names = SCHEDULERS.iter().map(|(_, name, _)| *name).collect();
        let fields = vec![
            text("service", key, ""),
            choice("scheduler", names, scheduler, "space changes it"),
            methods("forward", forward),
            text("persist", persistence, "seconds; empty: none"),
        ];
        Self::new(FormKind::AddService(taken), fields)
    }
    /// A priority of an instance.
    pub fn priority(instance: String, configured: u8, effective: u8) -> Self {
        let kind = FormKind::Priority { instance, configured, effective };
        Self::new(kind, vec![text("priority", "", "1 to 254; empty: the file's")])
    }

    /// Its title.
    pub fn title(&self) -> String {
        match &self.kind {
            FormKind::Weight(targets) => format!("Weight of {}", whom(targets)),
            FormKind::Maintenance(targets) => format!("Maintenance of {}", whom(targets)),
            FormKind::AddServer { service, .. } => format!("Add a real server to {service}"),
            FormKind::AddService(_) => "Add a service".to_owned(),
            FormKind::Priority { instance, .. } => format!("Priority of {instance}"),
        }
    }

    /// The servers that it is for, where it is for some that are there.
    pub fn targets(&self) -> &[Target] {
        match &self.kind {
            FormKind::Weight(targets) | FormKind::Maintenance(targets) => targets,
            FormKind::AddServer { .. } | FormKind::AddService(_) | FormKind::Priority { .. } => &[],
        }
    }

    /// What stands beside a field that is right: what may be typed, or what comes of it that is not plain.
    pub fn hint(&self, field: usize) -> String {
        let hint = self.fields.get(field).map_or("", |field| field.hint);
        let FormKind::Weight(targets) = &self.kind else { return hint.to_owned() };
        if field > 0 {
            return hint.to_owned();
        }
        let Ok(change) = self.said(field).parse::<Change>() else { return hint.to_owned() };
        let most = targets.iter().filter_map(|target| change.of(target.weights).ok()).map(Weight::get).max();
        match change {
            Change::Down(less) if targets.iter().any(|target| target.weights.0 < less) => {
                "0 where it has less".to_owned()
            }
            _ if most.is_some_and(|most| most > u32::from(u16::MAX)) => "more than keepalived takes, 65535".to_owned(),
            _ => hint.to_owned(),
        }
    }

    /// What there is to know before anything is typed.
    pub fn note(&self) -> String {
        match &self.kind {
            FormKind::Weight(targets) => match targets.as_slice() {
                [only] => format!("wants {}, file {}: {}", only.weights.0, only.weights.1, only.service),
                _ => "+ and - count from each one's weight while it serves, % from that in the file".to_owned(),
            },
            FormKind::Maintenance(_) => {
                "no new connections, no checks; it serves again when its checks pass".to_owned()
            }
            FormKind::AddServer { taken, .. } => {
                // A filter or a fold leaves some out.
                match taken.len() {
                    0 => "none of its servers is listed that defaults could come from".to_owned(),
                    1 => "defaults come from the one of its servers that is listed".to_owned(),
                    many => format!("defaults come from its {many} servers that are listed"),
                }
            }
            FormKind::AddService(_) => {
                "tcp/10.0.0.1:80, udp/[fd00::1]:53 or fwmark/8; servers are added to it then".to_owned()
            }
            FormKind::Priority { configured, effective, .. } => {
                format!("now {effective}, in the file {configured}; nobody resigns, the higher one leads")
            }
        }
    }

    /// The keys that mean something beside Enter and Esc.
    pub const fn keys(&self) -> &'static str {
        match self.kind {
            FormKind::Weight(_) => "F5 0%  F6 25%  F7 50%  F8 100%  Tab the time",
            FormKind::Maintenance(_) | FormKind::Priority { .. } => "",
            FormKind::AddServer { .. } | FormKind::AddService(_) => "Tab next field",
        }
    }

    fn said(&self, field: usize) -> &str {
        match self.fields.get(field).map(|field| &field.input) {
            Some(Input::Text(field)) => field.text().trim(),
            Some(Input::Choice(words, at)) => words.get(*at).copied().unwrap_or_default(),
            None => "",
        }
    }

    fn forward(&self, field: usize) -> Forwarding {
        let word = self.said(field);
        METHODS.iter().find(|(known, _)| *known == word).map_or(Forwarding::Dr, |(_, method)| *method)
    }

    /// What is wrong with a field; none where it is right, or empty and nothing was typed yet.
    pub fn wrong(&self, field: usize) -> Option<String> {
        let is_alone = self.fields.len() == 1 || matches!(self.kind, FormKind::Weight(_));
        let is_first_look = self.said(field).is_empty() && is_alone;
        if is_first_look { None } else { self.check(field).err() }
    }

    fn check(&self, field: usize) -> Result<(), String> {
        let said = self.said(field);
        match (&self.kind, field) {
            (FormKind::Weight(targets), 0) => {
                let change: Change = said.parse()?;
                targets.iter().try_for_each(|target| change.of(target.weights).map(drop))
            }
            (FormKind::Weight(_) | FormKind::Maintenance(_), _) => time(said).map(drop),
            (FormKind::AddServer { service, taken }, 0) => new_server(said, service, taken, self.forward(2)).map(drop),
            (FormKind::AddServer { .. }, 1) => weight(said).map(drop),
            (FormKind::AddService(taken), 0) => new_service(said, taken).map(drop),
            (FormKind::AddService(_), 3) => persistence(said, self.said(0)).map(drop),
            (FormKind::Priority { .. }, _) => priority(said).map(drop),
            (FormKind::AddServer { .. } | FormKind::AddService(_), _) => Ok(()),
        }
    }

    /// The command that it makes, or what is wrong with it.
    pub fn command(&self) -> Result<Command, String> {
        Ok(match &self.kind {
            FormKind::Weight(targets) => weigh(targets, self.said(0), time(self.said(1))?)?,
            FormKind::Maintenance(targets) => maintain(targets, time(self.said(0))?),
            FormKind::AddServer { service, taken } => {
                let forward = self.forward(2);
                let server = new_server(self.said(0), service, taken, forward)?;
                let weight = Some(weight(self.said(1))?);
                Command::AddServer { service: (*service).into(), server, weight, forward: Some(forward) }
            }
            FormKind::AddService(taken) => Command::AddService {
                service: new_service(self.said(0), taken)?,
                scheduler: Scheduler::from_name(self.said(1)),
                forward: Some(self.forward(2)),
                persistence: persistence(self.said(3), self.said(0))?,
            },
            FormKind::Priority { instance, .. } => {
                Command::Priority { instance: instance.clone(), priority: priority(self.said(0))? }
            }
        })
    }

    /// To the next (or previous) field. A default in it gives way to what is typed.
    pub fn step(&mut self, back: bool) {
        let fields = self.fields.len().max(1);
        self.text_field().into_iter().for_each(|field| field.select(false));
        self.focus = (self.focus + if back { fields - 1 } else { 1 }) % fields;
        self.text_field().into_iter().for_each(|field| field.select(true));
    }

    /// The text field that takes the keys.
    pub fn text_field(&mut self) -> Option<&mut Field> {
        match self.fields.get_mut(self.focus).map(|field| &mut field.input) {
            Some(Input::Text(field)) => Some(field),
            Some(Input::Choice(..)) | None => None,
        }
    }

    /// A key for the field that takes them; false where it means nothing there.
    pub fn edit(&mut self, key: &KeyEvent) -> bool {
        if let (FormKind::Weight(_), KeyCode::F(number @ 5..=8)) = (&self.kind, key.code) {
            let percent = match number {
                5 => "0%",
                6 => "25%",
                7 => "50%",
                _ => "100%",
            };
            if let Some(FormField { input: Input::Text(field), .. }) = self.fields.first_mut() {
                *field = Field::with(percent);
            }
            return true;
        }
        let Some(FormField { input, .. }) = self.fields.get_mut(self.focus) else { return false };
        match (input, key.code) {
            (Input::Text(field), _) => field.edit(key),
            (Input::Choice(words, at), KeyCode::Char(' ') | KeyCode::Right) => {
                *at = (*at + 1) % words.len().max(1);
                true
            }
            (Input::Choice(words, at), KeyCode::Left) => {
                *at = (*at + words.len().saturating_sub(1)) % words.len().max(1);
                true
            }
            (Input::Choice(..), _) => false,
        }
    }
}

/// `10.0.0.71:80`, or how many.
fn whom(targets: &[Target]) -> String {
    match targets {
        [only] => only.server.to_string(),
        all => format!("{} marked servers", all.len()),
    }
}

/// A change of a weight, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This weight.
    To(u32),
    /// So much more than it has while it serves.
    Up(u32),
    /// So much less than that, 0 at least.
    Down(u32),
    /// So many hundredths of the weight in the file.
    Percent(u32),
}

impl std::str::FromStr for Change {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a weight from 0 to 2147483647, +N, -N, or N%".to_owned();
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
        let text = text.trim();
        match (text.strip_prefix('+'), text.strip_prefix('-'), text.strip_suffix('%')) {
            (Some(more), ..) => number(more).map(Self::Up),
            (_, Some(less), _) => number(less).map(Self::Down),
            (.., Some(percent)) => match number(percent)? {
                percent @ 0..=1_000 => Ok(Self::Percent(percent)),
                _ => Err("at most 1000% of the weight in the file".to_owned()),
            },
            _ => number(text).map(Self::To),
        }
    }
}

impl Change {
    /// What it makes of a weight while it serves and in the file. A weight above 0 stays above 0 by a percentage above 0.
    pub fn of(self, (now, file): (u32, u32)) -> Result<Weight, String> {
        let wide = match self {
            Self::To(weight) => u64::from(weight),
            Self::Up(more) => u64::from(now) + u64::from(more),
            Self::Down(less) => u64::from(now.saturating_sub(less)),
            Self::Percent(0) => 0,
            Self::Percent(percent) => (u64::from(file) * u64::from(percent) / 100).max(u64::from(file.min(1))),
        };
        u32::try_from(wide)
            .map_err(|_| format!("{wide} is more than a weight can be"))
            .and_then(|weight| Weight::new(weight).map_err(|error| error.to_string()))
    }
}

/// One command, or several in one act.
pub fn together(mut commands: Vec<Command>) -> Command {
    match (commands.len(), commands.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            commands.extend(last);
            Command::Several { commands }
        }
    }
}

/// The command that gives these servers another weight, for so many seconds or until they are restored; those that have it already
/// are left out.
pub fn weigh(targets: &[Target], text: &str, hold_seconds: Option<u64>) -> Result<Command, String> {
    let change: Change = text.parse()?;
    let one = |target: &Target| {
        let weight = change.of(target.weights)?;
        Ok((weight.get() != target.weights.0 || targets.len() == 1).then(|| Command::Weight {
            service: target.service.clone(),
            server: target.server,
            weight,
            hold_seconds,
        }))
    };
    let commands: Vec<Command> = targets.iter().filter_map(|t| one(t).transpose()).collect::<Result<_, String>>()?;
    if commands.is_empty() { Err("all of them have this weight already".to_owned()) } else { Ok(together(commands)) }
}

/// The command that puts these servers into maintenance.
pub fn maintain(targets: &[Target], hold_seconds: Option<u64>) -> Command {
    let one = |target: &Target| Command::Maintenance {
        server: RealServerSelector::Key(target.server),
        service: Some(target.service.clone()),
        hold_seconds,
        deadline_seconds: None,
    };
    together(targets.iter().map(one).collect())
}

/// Seconds; none for nothing.
pub fn time(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match humantime::parse_duration(text) {
        Ok(time) if time.as_secs() > 0 => Ok(Some(time.as_secs())),
        Ok(_) | Err(_) => Err("write a time of a second at least, as 90s, 30m or 2h".to_owned()),
    }
}

/// A priority; none for nothing.
pub fn priority(text: &str) -> Result<Option<Priority>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<u8>().ok().filter(|number| (1..=254).contains(number));
    let priority = number.and_then(|number| Priority::new(number).ok());
    priority.map(Some).ok_or_else(|| "write a number from 1 to 254".to_owned())
}

fn weight(text: &str) -> Result<Weight, String> {
    let number: u32 = text.parse().map_err(|_| "weight is a number from 0 to 2147483647".to_owned())?;
    Weight::new(number).map_err(|error| error.to_string())
}

/// The server's address, or what is wrong with it for this service.
fn new_server(
    text: &str,
    service: &ServiceKey,
    taken: &[String],
    forward: Forwarding,
) -> Result<RealServerKey, String> {
    let example = taken.first().map_or("10.0.0.71:80", String::as_str);
    let key: RealServerKey = text.parse().map_err(|_| format!("write address and port, like {example}"))?;
    if taken.contains(&key.to_string()) {
        return Err(format!("{key} is in this service already"));
    }
    let address = key.0.ip();
    if address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(format!("{address} is no host's address"));
    }
    // The director would send to itself what it has just taken.
    if matches!(service, ServiceKey::Address { address: own, .. } if *own == key.0.into()) {
        return Err("that is the service itself".to_owned());
    }
    if let (0, Some(port @ 1..)) = (key.0.port(), service.port()) {
        return Err(format!("nobody listens on port 0: use {port}"));
    }
    if Family::of(key.0.ip()) != service.family() && forward != Forwarding::Tun {
        return Err(format!("{} forwards within one address family only", forward.ipvsadm_name()));
    }
    match service.port() {
        Some(port) if forward.keeps_port() && port != 0 && key.0.port() != port => {
            Err(format!("{} can't change the port: use {port}", forward.ipvsadm_name()))
        }
        _ => Ok(key),
    }
}

fn new_service(text: &str, taken: &[String]) -> Result<ServiceKey, String> {
    let key: ServiceKey =
        text.parse().map_err(|_| "write it like tcp/10.0.0.1:80, udp/[fd00::1]:53 or fwmark/8".to_owned())?;
    if taken.contains(&key.to_string()) { Err(format!("{key} is there already")) } else { Ok(key) }
}

fn persistence(text: &str, service: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        let all_ports = service.parse::<ServiceKey>().is_ok_and(|key| key.port() == Some(0));
        return if all_ports { Err("a service on all ports has to be persistent: 360".to_owned()) } else { Ok(None) };
    }
    let seconds = text.parse::<u32>().ok().filter(|seconds| (1..=2_678_400).contains(seconds));
    seconds.map(Some).ok_or_else(|| "write seconds, 1 to 2678400".to_owned())
}

#[cfg(test)]
mod tests;
