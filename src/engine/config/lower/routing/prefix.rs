//! What a route leads to, and what a rule is for: prefixes as keepalived reads them.

use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::schema::Context;
use super::super::super::source::Span;
use super::super::address::{meant_prefix, prefix_length};
use super::LEFT_OUT;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands for all addresses.
pub(super) const EVERYWHERE: &[&str] = &["default", "all", "any"];

/// `default`, an address or a prefix; the outer none: reported.
#[allow(clippy::option_option)] // "everywhere" is a prefix too
pub(super) fn prefix(cx: &mut Context, of: &str, text: &str, at: Span) -> Option<Option<(IpAddr, u8)>> {
    if EVERYWHERE.contains(&text) {
        return Some(None);
    }
    let (written, behind) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let written = if behind.is_none() { written.trim_end_matches([';', ',']) } else { written };
    let Ok(address) = written.parse::<IpAddr>() else {
        let message = format!("{} is neither an address nor a prefix{LEFT_OUT}", quoted(text));
        cx.report.add(Problem::warning(at, "bad-address", message).help("for example: 10.1.0.0/16, or default"));
        return None;
    };
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let (length, is_exact) = behind.map_or((Some(widest), written == text), |behind| prefix_length(behind, widest));
    let help = format!("write {address}/{}", behind.and_then(|b| meant_prefix(b, widest)).unwrap_or(widest));
    let Some(length) = length else {
        let what = format!("{} has no number behind its /", quoted(text));
        cx.report.add(if of.ends_with("rules") {
            Problem::warning(at, "too-wide", format!("{what}; the line is left out")).help(help)
        } else {
            Problem::warning(at, "bad-address", format!("{what}{LEFT_OUT}")).help(help)
        });
        return None;
    };
    if !is_exact {
        let message = format!("{} counts as {address}/{length}, as with keepalived", quoted(text));
        cx.report.add(Problem::warning(at, "not-a-number", message).help(help));
    }
    let length = u8::try_from(length).unwrap_or(u8::MAX);
    // 0.0.0.0/0 is everywhere.
    Some((length > 0 || (of.ends_with("routes") && !address.is_unspecified())).then_some((address, length)))
}

/// The kernel refuses a destination with bits behind its prefix.
pub(super) fn begins_there(cx: &mut Context, at: Span, destination: Option<(IpAddr, u8)>) -> Option<()> {
    let Some((address, length)) = destination else { return Some(()) };
    let begin: IpAddr = match address {
        IpAddr::V4(ip) => (ip & Ipv4Addr::from(!u32::MAX.checked_shr(length.into()).unwrap_or(0))).into(),
        IpAddr::V6(ip) => (ip & Ipv6Addr::from(!u128::MAX.checked_shr(length.into()).unwrap_or(0))).into(),
    };
    if begin == address {
        return Some(());
    }
    let message =
        format!("{address}/{length} does not begin where its /{length} does, which the kernel refuses{LEFT_OUT}");
    let help = format!("write {begin}/{length}, or {address} for this address alone");
    cx.report.add(Problem::warning(at, "bad-route", message).help(help));
    None
}
