//! Checks and their timing words, which a real server inherits from its service and a check from its real server.

use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::small;
use crate::engine::model::{CheckSpec, CheckTiming, TcpCheck};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

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
            ("retry", Argument::Number(retry)) => self.retry = Some(small(*retry)),
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
    pub fn complete(self) -> CheckTiming {
        let default = CheckTiming::default();
        let interval = self.interval.unwrap_or(default.interval);
        CheckTiming {
            interval,
            timeout: self.timeout.unwrap_or(default.timeout),
            retry: self.retry.unwrap_or(default.retry),
            retry_delay: self.retry_delay.unwrap_or(default.retry_delay),
            warmup: self.warmup.unwrap_or(interval),
        }
    }
}

/// A `TCP_CHECK` of a real server that is written as `written` (its port may be 0: none).
pub(super) fn tcp<'t>(
    cx: &mut Context<'_, 't>,
    block: &Entry<'t>,
    written: SocketAddr,
    outer: Timing,
) -> Option<CheckSpec> {
    let (mut target, mut timing) = (written, Timing::default());
    let (mut bind_address, mut bind_port) = (None, None);
    for entry in cx.entries(Block::TcpCheck, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("connect_ip", Argument::Address(address)) => target.set_ip(*address),
            ("connect_port", Argument::Number(port)) => target.set_port(super::server::port(*port)),
            ("bindto", Argument::Address(address)) => bind_address = Some((*address, entry.value_at(1))),
            ("bind_port", Argument::Number(port)) => bind_port = Some(super::server::port(*port)),
            _ => timing.take(&entry),
        }
    }
    if target.port() == 0 {
        let message = "this check has no port to connect to: neither the real server nor the service names one";
        cx.report
            .add(Problem::error(block.at, "missing-word", message).help("write connect_port PORT inside TCP_CHECK"));
        return None;
    }
    if let Some((_, at)) = bind_address.filter(|(address, _)| address.is_ipv4() != target.is_ipv4()) {
        let message = format!("bindto is not of the family of {}, which is connected to", target.ip());
        cx.report.add(
            Problem::error(at, "mixed-families", message).help("write an address of that family, or remove bindto"),
        );
        return None;
    }
    let any = || if target.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let bind = match (bind_address, bind_port) {
        (None, None) => None,
        (address, port) => Some((address.map_or_else(any, |(address, _)| address), port.unwrap_or(0))),
    };
    Some(CheckSpec::Tcp(TcpCheck { target, bind, timing: timing.within(outer).complete() }))
}
