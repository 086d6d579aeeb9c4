//! Checks, with the words that a real server inherits from its service and a check from its real server.

mod file;
mod http;
mod misc;
mod plain;

use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::{server, small};
use crate::engine::model::{CheckKind, CheckSpec, CheckTiming, Origin, TrackedFile};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

#[cfg(test)]
pub(super) use http::words;

/// The timing words of one block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timing {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    retry: Option<u32>,
    retry_delay: Option<Duration>,
    warmup: Option<Duration>,
}

impl Timing {
    /// Takes a timing word in; other words are left alone.
    pub fn take(&mut self, entry: &Entry) {
        match (entry.keyword.word, &entry.argument) {
            ("delay_loop", Argument::Time(interval)) => self.interval = Some(*interval),
            ("connect_timeout", Argument::Time(timeout)) => self.timeout = Some(*timeout),
            ("retry" | "nb_get_retry", Argument::Number(retry)) => self.retry = Some(small(*retry)),
            ("delay_before_retry", Argument::Time(delay)) => self.retry_delay = Some(*delay),
            ("warmup", Argument::Time(warmup)) => self.warmup = Some(*warmup),
            _ => {}
        }
    }

    /// These words, and those of the enclosing block where there are none.
    pub fn within(self, outer: Self) -> Self {
        Self {
            interval: self.interval.or(outer.interval),
            timeout: self.timeout.or(outer.timeout),
            retry: self.retry.or(outer.retry),
            retry_delay: self.retry_delay.or(outer.retry_delay),
            warmup: self.warmup.or(outer.warmup),
        }
    }

    /// With keepalived's defaults for what no block says.
    fn complete(self, own: &Defaults) -> CheckTiming {
        let default = CheckTiming::default();
        let interval = self.interval.unwrap_or(default.interval);
        CheckTiming {
            interval,
            timeout: self.timeout.unwrap_or(default.timeout),
            retry: self.retry.unwrap_or(own.retry),
            retry_delay: self.retry_delay.or(own.retry_delay).unwrap_or(interval),
            warmup: self.warmup.unwrap_or(interval),
        }
    }
}

/// What a kind of check has where nobody says anything.
struct Defaults {
    retry: u32,
    /// `delay_loop` when absent.
    retry_delay: Option<Duration>,
    /// The port where the real server has none.
    port: Option<u16>,
}

const PLAIN: Defaults = Defaults { retry: 1, retry_delay: Some(Duration::from_secs(1)), port: None };

/// What a check has from the blocks around it.
#[derive(Debug, Clone)]
pub(super) struct Outer<'d> {
    /// The real server's address and port; 0: none.
    pub written: SocketAddr,
    /// Whether that port is the real server's own, and not the service's.
    pub names_port: bool,
    pub timing: Timing,
    pub alpha: bool,
    pub virtualhost: Option<String>,
    /// `checker_log_all_failures`.
    pub log_all_failures: bool,
    /// Every `track_file` of the top level.
    pub files: &'d BTreeMap<String, TrackedFile>,
}

/// The words that every check has.
#[derive(Clone)]
struct Common {
    target: SocketAddr,
    /// Whether a word names its port.
    names_port: bool,
    timing: Timing,
    bind_address: Option<(IpAddr, Span)>,
    bind_port: Option<u16>,
    interface: Option<String>,
    mark: u32,
    alpha: Option<bool>,
    log_all_failures: Option<bool>,
}

impl Common {
    const fn new(outer: &Outer) -> Self {
        Self {
            target: outer.written,
            names_port: outer.names_port,
            timing: Timing { interval: None, timeout: None, retry: None, retry_delay: None, warmup: None },
            bind_address: None,
            bind_port: None,
            interface: None,
            mark: 0,
            alpha: None,
            log_all_failures: None,
        }
    }

    /// Takes one of these words in; others are left alone.
    fn take(&mut self, entry: &Entry) {
        match (entry.keyword.word, &entry.argument) {
            ("connect_ip", Argument::Address(address)) => self.target.set_ip(*address),
            ("connect_port", Argument::Number(port)) => {
                self.target.set_port(server::port(*port));
                self.names_port = true;
            }
            ("bindto", Argument::Address(address)) => self.bind_address = Some((*address, entry.value_at(1))),
            ("bind_port", Argument::Number(port)) => self.bind_port = Some(server::port(*port)),
            ("bind_if", Argument::Text(name)) => self.interface = Some(name.clone()),
            ("fwmark", Argument::Number(mark)) => self.mark = small(*mark),
            ("alpha", Argument::Switch(on)) => self.alpha = Some(*on),
            ("log_all_failures", Argument::Switch(on)) => self.log_all_failures = Some(*on),
            _ => self.timing.take(entry),
        }
    }

    /// The check.
    fn complete(self, cx: &mut Context, block: &Entry, outer: &Outer, kind: CheckKind, own: &Defaults) -> CheckSpec {
        let Self { mut target, names_port, timing, bind_address, bind_port, interface, mark, alpha, log_all_failures } =
            self;
        let goes_nowhere = matches!(kind, CheckKind::Misc(_) | CheckKind::Ping);
        if target.port() == 0 {
            target.set_port(own.port.unwrap_or(0));
        }
        if target.port() == 0 && !goes_nowhere {
            let message = "this check has no port to connect to: neither the real server nor the service names one; it goes to \
                           port 0, as with keepalived, and never passes";
            let help = format!("write connect_port PORT inside {}", block.keyword.word);
            cx.report.add(Problem::warning(block.at, "no-port", message).help(help));
        } else if !names_port && !goes_nowhere {
            let port = target.port();
            let message = format!("no port is named for this check: {port} is used, where keepalived goes to port 0");
            let help =
                format!("write connect_port {port} inside {}, or the port behind real_server", block.keyword.word);
            cx.report.add(Problem::warning(block.at, "no-port", message).help(help));
        }
        let bind_address = bind_address.filter(|(address, at)| {
            let fits = address.is_ipv4() == target.is_ipv4();
            if !fits {
                let message = format!(
                    "bindto is not of the family of {}, which is connected to; it is ignored, as keepalived does",
                    target.ip()
                );
                let help = "write an address of that family, or remove bindto";
                cx.report.add(Problem::warning(*at, "mixed-families", message).help(help));
            }
            fits
        });
        let any =
            || if target.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let bind = match (bind_address, bind_port) {
            (None, None) => None,
            (address, port) => Some((address.map_or_else(any, |(address, _)| address), port.unwrap_or(0))),
        };
        CheckSpec {
            kind,
            target,
            origin: Origin { bind, interface, mark },
            timing: timing.within(outer.timing).complete(own),
            alpha: alpha.unwrap_or(outer.alpha),
            log_all_failures: log_all_failures.unwrap_or(outer.log_all_failures),
        }
    }
}

/// Whether this is a check.
pub(super) fn is_check(entry: &Entry) -> bool {
    matches!(
        entry.keyword.value.block(),
        Some(
            Block::TcpCheck
                | Block::HttpGet
                | Block::MiscCheck
                | Block::SmtpCheck
                | Block::PingCheck
                | Block::UdpCheck
                | Block::DnsCheck
                | Block::FileCheck
                | Block::OtherCheck
        )
    )
}

/// The checks of a real server that a block makes; none where it can't be run, which was said.
pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> Vec<CheckSpec> {
    let Some(kind) = block.keyword.value.block() else { return Vec::new() };
    let one = match kind {
        Block::TcpCheck => Some(plain::tcp(cx, block, outer)),
        Block::HttpGet => http::lower(cx, block, outer),
        Block::MiscCheck => misc::lower(cx, block, outer),
        Block::SmtpCheck => return plain::smtp(cx, block, outer),
        Block::PingCheck => Some(plain::ping(cx, block, outer)),
        Block::UdpCheck => Some(plain::udp(cx, block, outer)),
        Block::DnsCheck => Some(plain::dns(cx, block, outer)),
        Block::FileCheck => file::lower(cx, block, outer),
        _ => None,
    };
    one.into_iter().collect()
}
