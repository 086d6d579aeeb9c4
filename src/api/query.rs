//! Query strings: percent-decoding and the parameters of `/v1/rows` and `/v1/events`. A parameter that is not known is
//! refused, so that a misspelt filter never shows everything.

use super::reply::Refusal;
use crate::engine::{RowsQuery, filter_error};
use std::collections::HashSet;
use std::time::Duration;

/// Longest wait for an event.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Most events at once: all that the journal keeps.
const MAX_EVENTS: usize = 4096;
/// Events given without `limit`.
const DEFAULT_EVENTS: usize = 500;

/// What `GET /v1/events` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventsQuery {
    /// Only events above this number.
    pub after: u64,
    /// At most so many, the newest.
    pub limit: usize,
    /// How long to wait for the first.
    pub wait: Duration,
}

/// Reads `expand`, `sort`, `filter`, `anchor`, `limit` and `offset`.
pub(super) fn rows(query: Option<&str>) -> Result<RowsQuery, Refusal> {
    let mut wanted = RowsQuery::default();
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "expand" => wanted.expand = Some(value),
            "filter" => {
                if let Some(why) = filter_error(&value) {
                    return Err(Refusal::bad(
                        "bad-query",
                        format!("filter: {why}"),
                        "put a \\ before a character that is meant as it is",
                    ));
                }
                wanted.filter = Some(value);
            }
            "anchor" => wanted.anchor = Some(value),
            "limit" => wanted.limit = Some(number(&name, &value)?),
            "offset" => wanted.offset = Some(number(&name, &value)?),
            "sort" => {
                wanted.sort = serde_json::from_value(value.as_str().into()).map_err(|_| {
                    let next = "sort is one of problems, file, key, active, rate";
                    Refusal::bad("bad-query", format!("there is no sort \"{value}\""), next)
                })?;
            }
            _ => return Err(unknown(&name, "expand, sort, filter, anchor, limit and offset")),
        }
    }
    Ok(wanted)
}

/// Reads `after`, `limit` and `wait_ms`; too large ones are cut to the largest.
pub(super) fn events(query: Option<&str>) -> Result<EventsQuery, Refusal> {
    let mut wanted = EventsQuery { after: 0, limit: DEFAULT_EVENTS, wait: Duration::ZERO };
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "after" => wanted.after = number(&name, &value)?,
            "limit" => wanted.limit = number::<usize>(&name, &value)?.min(MAX_EVENTS),
            "wait_ms" => wanted.wait = Duration::from_millis(number(&name, &value)?).min(MAX_WAIT),
            _ => return Err(unknown(&name, "after, limit and wait_ms")),
        }
    }
    Ok(wanted)
}

/// Reads `service` and `server`, the keys of a row; both are needed.
pub(super) fn server(query: Option<&str>) -> Result<(String, String), Refusal> {
    let (mut service, mut server) = (None, None);
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "service" => service = Some(value),
            "server" => server = Some(value),
            _ => return Err(unknown(&name, "service and server")),
        }
    }
    service.zip(server).ok_or_else(|| {
        let next = "send service and server of a row: service=tcp/10.0.0.1:80&server=10.0.0.71:80";
        Refusal::bad("bad-query", "service and server are both needed", next)
    })
}

/// Refuses every parameter.
pub(super) fn none(query: Option<&str>) -> Result<(), Refusal> {
    match pairs(query)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(unknown(name, "none")),
    }
}

pub(super) fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Refusal> {
    value.parse().map_err(|_| {
        Refusal::bad("bad-query", format!("{name}=\"{value}\" is not a number"), format!("write {name}=100"))
    })
}

pub(super) fn unknown(name: &str, known: &str) -> Refusal {
    Refusal::bad("bad-query", format!("there is no parameter \"{name}\""), format!("the parameters here are: {known}"))
}

/// Names and values, each name once.
pub(super) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(Refusal::bad(
                    "bad-query",
                    format!("\"{pair}\" can't be decoded"),
                    "write special characters as %XX of their UTF-8",
                )),
            }
        })
        .collect::<Result<_, _>>()?;
    let mut seen = HashSet::new();
    match pairs.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(Refusal::bad(
            "bad-query",
            format!("the parameter \"{name}\" is there twice"),
            "send each parameter once",
        )),
        None => Ok(pairs),
    }
}

/// `%41` → `A`, `+` → space; none where it is no UTF-8 or an escape is cut short.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The query string of a rows query, as the client sends it.
pub(super) fn encode_rows(query: &RowsQuery) -> String {
    let sort = serde_json::to_value(query.sort).ok();
    let number = |n: Option<usize>| n.map(|n| n.to_string());
    let parameters = [
        ("expand", query.expand.clone()),
        ("sort", sort.as_ref().and_then(|s| s.as_str()).map(str::to_owned)),
        ("filter", query.filter.clone()),
        ("anchor", query.anchor.clone()),
        ("limit", number(query.limit)),
        ("offset", number(query.offset)),
    ];
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_deref()?))));
    given.collect::<Vec<_>>().join("&")
}

/// The query string that asks for one real server.
pub(super) fn encode_server(service: &str, server: &str) -> String {
    format!("service={}&server={}", encode(service), encode(server))
}

pub(super) fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b',' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Sort;

    #[test]
    fn a_rows_query_reads_back_as_it_was_sent() {
        let query = RowsQuery {
            expand: Some("-tcp/[fd00::1]:80,fwmark/1".into()),
            sort: Sort::Active,
            filter: Some("!state:down wéb & 100%+ =".into()),
            anchor: Some("tcp/10.0.0.1:80 10.0.0.71:80".into()),
            limit: Some(50),
            offset: Some(7),
        };
        assert_eq!(rows(Some(&encode_rows(&query))).unwrap(), query);
        assert_eq!(rows(None).unwrap(), RowsQuery::default());
    }

    #[test]
    fn the_keys_of_a_server_read_back_as_they_were_sent() {
        let keys = ("tcp/[fd00::1]:80".to_owned(), "[fd00::71]:80".to_owned());
        assert_eq!(server(Some(&encode_server(&keys.0, &keys.1))).unwrap(), keys);
        for (query, named) in [("service=fwmark/1", "both"), ("", "both"), ("service=x&server=y&port=1", "port")] {
            let refusal = server(Some(query)).unwrap_err();
            assert!(refusal.body.message.contains(named), "{}", refusal.body.message);
        }
    }

    #[test]
    fn a_parameter_that_is_wrong_is_named() {
        for (query, named) in [
            ("filer=x", "filer"),
            ("limit=1&limit=2", "twice"),
            ("limit=many", "limit"),
            ("sort=size", "size"),
            ("a%4=1", "a%4"),
        ] {
            let refusal = rows(Some(query)).unwrap_err();
            assert!(refusal.body.message.contains(named), "{}", refusal.body.message);
        }
        assert!(decode("%ff").is_none());
        assert!(decode("%é").is_none());
    }

    #[test]
    fn an_events_query_is_cut_to_its_limits() {
        let query = events(Some("after=7&limit=99999&wait_ms=99999999")).unwrap();
        assert_eq!(query, EventsQuery { after: 7, limit: MAX_EVENTS, wait: MAX_WAIT });
    }
}
