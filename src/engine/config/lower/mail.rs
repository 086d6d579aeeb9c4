//! `notification_email` and its like: who is mailed of what. Defaults are those of keepalived 2.2.7, by measurement: real
//! servers are mailed of unless the file says otherwise, everything else where the file says so.

use super::super::argument::{self, Argument};
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::small;
use crate::engine::model::{MailWords, Notifications};
use std::time::Duration;

/// What `global_defs` says of the mails of everything below it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MailDefaults {
    /// `smtp_alert`.
    all: Option<bool>,
    /// `smtp_alert_vrrp`.
    vrrp: Option<bool>,
    /// `smtp_alert_checker`.
    checker: Option<bool>,
    /// `no_email_faults`.
    quiet_faults: bool,
}

impl MailDefaults {
    /// What instances and sync groups begin with.
    pub fn notifications(self) -> Notifications {
        let mails = self.vrrp.or(self.all).unwrap_or(false);
        Notifications { mails, quiet_faults: self.quiet_faults, ..Notifications::default() }
    }

    /// Whether services are mailed of that say nothing.
    pub fn services(self) -> bool {
        self.checker.or(self.all).unwrap_or(false)
    }

    /// Whether real servers are mailed of that say nothing.
    pub fn servers(self) -> bool {
        self.checker.or(self.all).unwrap_or(true)
    }
}

/// A word of `global_defs`; false when it is none of these.
pub(super) fn lower<'t>(
    cx: &mut Context<'_, 't>,
    mail: &mut MailWords,
    defaults: &mut MailDefaults,
    entry: &Entry<'t>,
) -> bool {
    match (entry.keyword.word, &entry.argument) {
        ("notification_email", _) => {
            for line in cx.lines(Block::Recipients, entry.inner()) {
                for (word, token) in cx.words(line).into_iter().zip(line.words) {
                    mail.recipients.extend(address(cx, &word, token.span));
                }
            }
        }
        ("notification_email_from", Argument::Text(from)) => mail.from = address(cx, from, entry.value_at(1)),
        ("smtp_server", _) => server(cx, mail, entry),
        ("smtp_helo_name", Argument::Text(name)) => mail.helo = Some(name.clone()),
        ("smtp_connect_timeout", Argument::Number(seconds)) => mail.timeout = Duration::from_secs(*seconds),
        ("smtp_alert", Argument::Switch(on)) => defaults.all = Some(*on),
        ("smtp_alert_vrrp", Argument::Switch(on)) => defaults.vrrp = Some(*on),
        ("smtp_alert_checker", Argument::Switch(on)) => defaults.checker = Some(*on),
        ("no_email_faults", Argument::Switch(on)) => defaults.quiet_faults = *on,
        ("no_checker_emails", Argument::Switch(on)) => mail.servers_only = *on,
        _ => return false,
    }
    true
}

/// An address as SMTP has it, from `a@b` or `Name <a@b>`; none, and told, where no server can take it.
fn address(cx: &mut Context, written: &str, at: super::super::source::Span) -> Option<String> {
    let inside = written.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let address = inside.unwrap_or(written);
    let unfit = |c: char| !c.is_ascii() || c.is_control() || c.is_whitespace() || "<>\"\\,;()".contains(c);
    if !address.is_empty() && address.len() <= 254 && !address.contains(unfit) {
        return Some(address.to_owned());
    }
    let message = format!("{} is no mail address; it is left out", quoted(written));
    cx.report.add(Problem::warning(at, "bad-address", message).help("write name@example.org, one recipient a line"));
    None
}

fn server(cx: &mut Context, mail: &mut MailWords, entry: &Entry) {
    let words = cx.words(entry.statement);
    let host = words.get(1).map_or("", String::as_str);
    if let Some((name, port)) = host.split_once(':').filter(|(_, port)| argument::number(port, 1, 65_535).is_ok()) {
        let message = format!("{} is no name of a host: a port stands behind it; no mail is sent", quoted(host));
        let help = format!("write smtp_server {name} {port}");
        cx.report.add(Problem::warning(entry.value_at(1), "bad-address", message).help(help));
        return;
    }
    match words.get(2).map_or(Ok(25), |port| argument::number(port, 1, 65_535)) {
        Ok(port) => {
            host.clone_into(&mut mail.server);
            mail.port = u16::try_from(small(port)).unwrap_or(25);
        }
        Err(unfit) => {
            let port = words.get(2).map(|port| quoted(port)).unwrap_or_default();
            let message = format!("port {port} {}; smtp_server is left out, as keepalived does", unfit.what);
            let help = "write a number from 1 to 65535, or leave it out for 25";
            cx.report.add(Problem::warning(entry.value_at(2), unfit.code, message).help(help));
        }
    }
}
