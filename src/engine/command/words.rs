//! A command as `ctl` is told it, and text from outside made fit for a line of the journal.

use super::{Command, ServiceSelector};
use std::borrow::Cow;
use std::fmt;

impl fmt::Display for Command {
    /// `drain 10.0.0.71:80 --service web --deadline 60s`: what follows `lvsdeck ctl`, quoted for a shell where needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.act())?;
        match self {
            Self::Failover { instance, hold_seconds, blind } => {
                instances(f, instance.as_deref())?;
                option(f, "for", seconds(*hold_seconds))?;
                flag(f, "blind", *blind)
            }
            Self::Rejoin { instance } => instances(f, instance.as_deref()),
            Self::Takeover { instance } => write!(f, " {}", quoted(instance)),
            Self::Priority { instance, priority: Some(priority) } => write!(f, " {} {priority}", quoted(instance)),
            Self::Priority { instance, priority: None } => write!(f, " {} --from-file", quoted(instance)),
            Self::Several { commands } => {
                for (n, command) in commands.iter().enumerate() {
                    write!(f, "{} {command}", if n == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            Self::Drain { server, service, hold_seconds, deadline_seconds }
            | Self::Maintenance { server, service, hold_seconds, deadline_seconds } => {
                write!(f, " {server}")?;
                option(f, "service", service.as_ref().map(selector))?;
                option(f, "for", seconds(hold_seconds.map(|left| left.max(1))))?;
                option(f, "deadline", seconds(deadline_seconds.map(|left| left.max(1))))
            }
            Self::Restore { server, service } => {
                write!(f, " {server}")?;
                option(f, "service", service.as_ref().map(selector))
            }
            Self::Weight { service, server, weight, hold_seconds } => {
                write!(f, " {} {server} {weight}", selector(service))?;
                option(f, "for", seconds(hold_seconds.map(|left| left.max(1))))
            }
            Self::AddServer { service, server, weight, forward } => {
                write!(f, " {} {server}", selector(service))?;
                option(f, "weight", *weight)?;
                option(f, "forward", *forward)
            }
            Self::RemoveServer { service, server } => write!(f, " {} {server}", selector(service)),
            Self::AddService { service, scheduler, forward, persistence } => {
                write!(f, " {service}")?;
                option(f, "scheduler", *scheduler)?;
                option(f, "forward", *forward)?;
                option(f, "persistent", seconds(persistence.map(u64::from)))
            }
            Self::RemoveService { service } => write!(f, " {}", selector(service)),
            Self::Reload => Ok(()),
            Self::Undo { id } => id.map_or(Ok(()), |id| write!(f, " {id}")),
            Self::Stop { keep } => flag(f, "keep", *keep),
        }
    }
}

impl Command {
    /// What follows `lvsdeck ctl` to do it: one line, or one for each step of several that no single line can do.
    pub fn typed(&self) -> Vec<String> {
        let Self::Several { commands } = self else { return vec![self.to_string()] };
        let steps: Vec<String> = commands.iter().map(Self::to_string).collect();
        in_one(commands, &steps).map_or(steps, |line| vec![line])
    }

    /// What it is, for people: its verb, or `drain of 2 servers` where it is several of one.
    pub fn act(&self) -> Cow<'static, str> {
        let Self::Several { commands } = self else { return self.verb().into() };
        let mut verbs = commands.iter().map(Self::verb);
        let what = match verbs.next() {
            Some(first) if verbs.all(|verb| verb == first) => match first {
                "add-server" => "addition",
                "remove-server" => "removal",
                other => other,
            },
            _ => "changes",
        };
        format!("{what} of {} servers", commands.len()).into()
    }
}

/// `drain 10.0.0.71 10.0.0.72 --for 60s`, where the steps are one verb that takes many servers, and differ in the server alone.
fn in_one(commands: &[Command], steps: &[String]) -> Option<String> {
    use Command::{Drain, Maintenance, Restore};
    if !commands.iter().all(|command| matches!(command, Drain { .. } | Maintenance { .. } | Restore { .. })) {
        return None;
    }
    let mut words = steps.iter().map(|step| step.splitn(3, ' ').collect::<Vec<_>>());
    let first = words.next()?;
    let is_alike = words.all(|step| step.first() == first.first() && step.get(2) == first.get(2));
    let servers: Vec<&str> = steps.iter().filter_map(|step| step.split(' ').nth(1)).collect();
    let (verb, options) = (first.first()?, first.get(2).copied().unwrap_or_default());
    is_alike.then(|| format!("{verb} {} {options}", servers.join(" ")).trim_end().to_owned())
}

fn instances(f: &mut fmt::Formatter<'_>, instance: Option<&str>) -> fmt::Result {
    match instance {
        Some(name) => write!(f, " {}", quoted(name)),
        None => f.write_str(" --all"),
    }
}

fn option(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " --{name} {value}"))
}

fn flag(f: &mut fmt::Formatter<'_>, name: &str, set: bool) -> fmt::Result {
    if set { write!(f, " --{name}") } else { Ok(()) }
}

fn seconds(seconds: Option<u64>) -> Option<String> {
    seconds.map(|seconds| format!("{seconds}s"))
}

fn selector(service: &ServiceSelector) -> Cow<'_, str> {
    quoted(&service.0)
}

/// A word as a shell needs it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-./:[]@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', "'\\''")).into()
}

/// Text from outside for one line of a log: at most so many characters, `?` for each that could steer a terminal or turn the
/// line round.
pub fn clean(text: &str, most: usize) -> String {
    let mut cleaned: String = text.chars().take(most).map(|c| if steers(c) { '?' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// Whether a character could steer a terminal or turn a line round.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_it_is_typed() {
        let read = |json: &str| serde_json::from_str::<Command>(json).unwrap().to_string();
        for (json, words) in [
            (r#"{"verb":"failover","instance":"VI_1","for":300,"blind":true}"#, "failover VI_1 --for 300s --blind"),
            (r#"{"verb":"failover"}"#, "failover --all"),
            (r#"{"verb":"rejoin"}"#, "rejoin --all"),
            (r#"{"verb":"takeover","instance":"VI 1"}"#, "takeover 'VI 1'"),
            (r#"{"verb":"priority","instance":"VI_1","priority":50}"#, "priority VI_1 50"),
            (r#"{"verb":"priority","instance":"VI_1"}"#, "priority VI_1 --from-file"),
            (r#"{"verb":"maintenance","server":"10.0.0.71","for":60}"#, "maintenance 10.0.0.71 --for 60s"),
            (
                r#"{"verb":"several","commands":[{"verb":"drain","server":"10.0.0.71"},{"verb":"restore","server":"10.0.0.72"}]}"#,
                "changes of 2 servers: drain 10.0.0.71; restore 10.0.0.72",
            ),
            (r#"{"verb":"drain","server":"10.0.0.71","deadline":60}"#, "drain 10.0.0.71 --deadline 60s"),
            (
                r#"{"verb":"maintenance","server":"10.0.0.71","service":"web","for":600,"deadline":60}"#,
                "maintenance 10.0.0.71 --service web --for 600s --deadline 60s",
            ),
            (
                r#"{"verb":"restore","server":"[fd00::71]:80","service":"it's"}"#,
                r"restore [fd00::71]:80 --service 'it'\''s'",
            ),
            (r#"{"verb":"weight","service":"web","server":"10.0.0.71:80","weight":5}"#, "weight web 10.0.0.71:80 5"),
            (
                r#"{"verb":"add-server","service":"web","server":"10.0.0.71:80","weight":0,"forward":"dr"}"#,
                "add-server web 10.0.0.71:80 --weight 0 --forward dr",
            ),
            (r#"{"verb":"remove-server","service":"web","server":"10.0.0.71:80"}"#, "remove-server web 10.0.0.71:80"),
            (
                r#"{"verb":"add-service","service":"fwmark/8","scheduler":"rr","forward":"tun","persistence":60}"#,
                "add-service fwmark/8 --scheduler rr --forward tun --persistent 60s",
            ),
            (r#"{"verb":"remove-service","service":"tcp/10.0.0.1:80"}"#, "remove-service tcp/10.0.0.1:80"),
            (r#"{"verb":"reload"}"#, "reload"),
            (r#"{"verb":"undo","command":7}"#, "undo 7"),
            (r#"{"verb":"undo"}"#, "undo"),
            (r#"{"verb":"stop","keep":true}"#, "stop --keep"),
        ] {
            assert_eq!(read(json), words);
        }
    }

    #[test]
    fn several_are_typed_in_one_line_where_one_can_do_it_and_else_each() {
        let typed = |steps: &[&str]| {
            let json = format!(r#"{{"verb":"several","commands":[{}]}}"#, steps.join(","));
            serde_json::from_str::<Command>(&json).unwrap().typed()
        };
        let drain = |server: &str, seconds: u64| {
            format!(r#"{{"verb":"drain","server":"{server}","service":"it's web","for":{seconds}}}"#)
        };
        let (one, two, longer) = (drain("10.0.0.71", 60), drain("[fd00::71]:80", 60), drain("10.0.0.72", 90));
        assert_eq!(typed(&[&one, &two]), [r"drain 10.0.0.71 [fd00::71]:80 --service 'it'\''s web' --for 60s"]);
        let restore = r#"{"verb":"restore","server":"10.0.0.71"}"#;
        assert_eq!(typed(&[restore, restore]), ["restore 10.0.0.71 10.0.0.71"]);
        assert_eq!(typed(&[&one, &longer]).len(), 2);
        assert_eq!(typed(&[&one, restore]).last().map(String::as_str), Some("restore 10.0.0.71"));
        let weight = r#"{"verb":"weight","service":"web","server":"10.0.0.71:80","weight":5}"#;
        assert_eq!(typed(&[weight, weight]), ["weight web 10.0.0.71:80 5", "weight web 10.0.0.71:80 5"]);
    }

    #[test]
    fn several_of_one_are_called_what_they_are() {
        let act = |json: &str| serde_json::from_str::<Command>(json).unwrap().act();
        let two = |verb: &str| {
            let one = format!(r#"{{"verb":"{verb}","service":"web","server":"10.0.0.71:80","weight":5}}"#);
            act(&format!(r#"{{"verb":"several","commands":[{one},{one}]}}"#))
        };
        assert_eq!(two("drain"), "drain of 2 servers");
        assert_eq!(two("weight"), "weight of 2 servers");
        assert_eq!(
            (two("add-server"), two("remove-server")),
            ("addition of 2 servers".into(), "removal of 2 servers".into())
        );
        assert_eq!(act(r#"{"verb":"reload"}"#), "reload");
    }

    #[test]
    fn text_from_outside_is_one_bounded_line() {
        assert_eq!(clean("a\nb\x1b[2J\u{202e}c", 99), "a?b?[2J?c");
        assert_eq!(clean("ééé", 3), "ééé");
        assert_eq!(clean("éééé", 3), "ééé…");
    }
}
