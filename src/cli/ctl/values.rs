//! Values as they are typed behind `lvsdeck ctl`, or what they should look like.

use super::events::Since;
use crate::engine::{Priority, RealServerKey, RealServerSelector, Scheduler, ServiceKey, ServiceSelector, Weight};
use std::net::SocketAddr;
use std::time::Duration;

/// A time of at least a second.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time >= Duration::from_secs(1) => Ok(time),
        Ok(_) => Err("it is shorter than a second; write it like 90s, 5m or 1h".to_owned()),
        Err(error) => Err(format!("it is not a time ({error}); write it like 90s, 5m or 1h")),
    }
}

/// A time that a hold may last: what the engine takes.
pub(super) fn hold(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(365 * 24);
    let time = time(text)?;
    if time <= LONGEST { Ok(time) } else { Err("it is longer than a year (31536000 s)".to_owned()) }
}

pub(super) fn priority(text: &str) -> Result<Priority, String> {
    let number = text.parse::<u8>().ok().filter(|number| (1..=254).contains(number));
    number.and_then(|number| Priority::new(number).ok()).ok_or_else(|| "it is not a number from 1 to 254".to_owned())
}

pub(super) fn since(text: &str) -> Result<Since, String> {
    match humantime::parse_rfc3339_weak(text) {
        Ok(at) => Ok(Since::At(at)),
        Err(_) if text.contains(':') => Err("it is not a moment; write it like 2026-11-21T05:00:00Z".to_owned()),
        Err(_) => time(text).map(Since::Age),
    }
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("it is not a size; write it like 100M or 2G".to_owned()),
    };
    let number =
        digits.parse::<u64>().ok().filter(|number| *number > 0).and_then(|number| number.checked_mul(1 << shift));
    number.ok_or_else(|| "it is not a size; write it like 100M or 2G".to_owned())
}

pub(super) fn service_key(text: &str) -> Result<ServiceKey, String> {
    text.parse().map_err(|error: crate::engine::KeyError| error.to_string())
}

pub(super) fn scheduler(text: &str) -> Result<Scheduler, String> {
    Scheduler::from_name(text).ok_or_else(|| "the kernel has no such scheduler; see --help for the names".to_owned())
}

pub(super) fn weight(text: &str) -> Result<Weight, String> {
    if text.starts_with('+') {
        return Err("a weight is written whole, not as a difference: the number that it shall be".to_owned());
    }
    let number: u32 = text.parse().map_err(|_| "it is not a weight; write a number from 0 to 2147483647".to_owned())?;
    Weight::new(number).map_err(|error| error.to_string())
}

pub(super) fn server(text: &str) -> Result<RealServerKey, String> {
    match text.parse::<RealServerSelector>() {
        Ok(RealServerSelector::Key(key)) => Ok(key),
        Ok(RealServerSelector::Host(host)) => {
            Err(format!("it has no port; write it like {}", SocketAddr::new(host, 80)))
        }
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn selector(text: &str) -> Result<RealServerSelector, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is not a real server; write it like 10.0.0.71:80, [fd00::71]:80 or 10.0.0.71"))
}

/// A key, or else a name; what is almost a key is no name.
pub(super) fn service(text: &str) -> Result<ServiceSelector, String> {
    if text.parse::<SocketAddr>().is_ok() {
        return Err(format!("it has no protocol; write it like tcp/{text}"));
    }
    let kinds = ["tcp", "udp", "sctp", "fwmark", "fwmark6"];
    if text.split_once('/').is_some_and(|(kind, _)| kinds.contains(&kind)) {
        text.parse::<ServiceKey>().map_err(|error| error.to_string())?;
    }
    Ok(ServiceSelector(text.to_owned()))
}
