//! What was: pages of the journal and the history.

use super::query::{encode, number, pairs, unknown};
use super::reply::{Refusal, Reply, json};
use super::server::Guest;
use crate::engine::{HandleError, HistoryError, HistoryQuery, JournalFrom, Series};
use hyper::StatusCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Most events of one page.
const PAGE: usize = 256;

/// `GET /v1/journal`.
pub(super) async fn journal(query: Option<&str>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let (from, limit) = journal_query(query)?;
    let body = guest.ask(move |engine| written(&engine.journal(from, limit)?)).await?;
    Ok(json(body))
}

/// `GET /v1/history`.
pub(super) async fn history(query: Option<&str>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let query = history_query(query)?;
    let found = guest
        .ask(move |engine| {
            engine.history(&query)?.map(|page| written(&page)).map_or_else(|e| Ok(Err(e)), |body| body.map(Ok))
        })
        .await?;
    found.map(json).map_err(|error| match &error {
        HistoryError::NotKept { .. } => {
            let next = "subjects are total, vrrp/INSTANCE, a service's key, and SERVICE SERVER as rows have them";
            Refusal::new(StatusCode::NOT_FOUND, "no-history", error.to_string(), next)
        }
        HistoryError::BadSpan(_) => {
            Refusal::bad("bad-query", error.to_string(), "leave from and to out for the last hour")
        }
    })
}

fn written(value: &impl serde::Serialize) -> Result<Vec<u8>, HandleError> {
    serde_json::to_vec(value).map_err(|error| HandleError::Unreadable(error.to_string()))
}

fn journal_query(query: Option<&str>) -> Result<(JournalFrom, usize), Refusal> {
    let (mut from, mut limit) = (JournalFrom::After(0), PAGE);
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "after" => from = JournalFrom::After(number(&name, &value)?),
            "since" => from = JournalFrom::Age(age(&value)?),
            "limit" => limit = number::<usize>(&name, &value)?.min(PAGE),
            _ => return Err(unknown(&name, "after, since and limit")),
        }
    }
    Ok((from, limit))
}

/// `10m`, or how long ago a moment is; none at all when it is still to come.
fn age(text: &str) -> Result<Duration, Refusal> {
    if let Ok(age) = humantime::parse_duration(text) {
        return Ok(age);
    }
    Ok(SystemTime::now().duration_since(moment("since", text)?).unwrap_or(Duration::ZERO))
}

/// The moment that a question is about, and the rest of its parameters.
pub(super) fn at(query: Option<&str>) -> Result<(Option<SystemTime>, Option<String>), Refusal> {
    let (mut at, mut rest) = (None, Vec::new());
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        if pair.starts_with("at=") {
            let pairs = pairs(Some(pair))?;
            at = pairs.first().map(|(name, value)| moment(name, value)).transpose()?;
        } else {
            rest.push(pair);
        }
    }
    Ok((at, Some(rest.join("&")).filter(|rest| !rest.is_empty())))
}

/// The question about a moment.
pub(super) fn encode_at(path: &str, at: SystemTime) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}at={}", encode(&humantime::format_rfc3339_millis(at).to_string()))
}

fn moment(name: &str, text: &str) -> Result<SystemTime, Refusal> {
    humantime::parse_rfc3339_weak(text).map_err(|_| {
        let message = format!("{name}=\"{text}\" is not a time");
        Refusal::bad("bad-query", message, format!("write {name}=2026-11-21T05:00:00Z"))
    })
}

fn history_query(query: Option<&str>) -> Result<HistoryQuery, Refusal> {
    let mut wanted = HistoryQuery { subject: "total".to_owned(), ..HistoryQuery::default() };
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "subject" => wanted.subject = value,
            "series" => wanted.series = value.split(',').map(series).collect::<Result<_, _>>()?,
            "from" => wanted.from = Some(moment(&name, &value)?),
            "to" => wanted.to = Some(moment(&name, &value)?),
            "step" => wanted.step = Some(number(&name, &value)?),
            _ => return Err(unknown(&name, "subject, series, from, to and step")),
        }
    }
    Ok(wanted)
}

fn series(name: &str) -> Result<Series, Refusal> {
    serde_json::from_value(name.into()).map_err(|_| {
        let next = "series are connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s, \
                    active, inactive, up, and state of an instance";
        Refusal::bad("bad-query", format!("there is no series \"{name}\""), next)
    })
}

/// The query string for a page of the journal.
pub(super) fn encode_journal(from: JournalFrom, limit: usize) -> String {
    match from {
        JournalFrom::After(after) => format!("after={after}&limit={limit}"),
        JournalFrom::Age(age) => format!("since={}ms&limit={limit}", age.as_millis()),
    }
}

/// The query string for a history.
pub(super) fn encode_history(query: &HistoryQuery) -> String {
    let mut text = format!("subject={}", encode(&query.subject));
    let names: Vec<String> =
        query.series.iter().filter_map(|s| serde_json::to_value(s).ok()?.as_str().map(str::to_owned)).collect();
    let time = |at: SystemTime| humantime::format_rfc3339_millis(at).to_string();
    let parameters = [
        ("series", Some(names.join(",")).filter(|names| !names.is_empty())),
        ("from", query.from.map(time)),
        ("to", query.to.map(time)),
        ("step", query.step.map(|step| step.to_string())),
    ];
    for (name, value) in parameters {
        if let Some(value) = value {
            text.extend(["&", name, "=", &encode(&value)]);
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::duration_suboptimal_units)] // a moment, not a span
mod tests {
    use super::*;

    #[test]
    fn what_a_client_asks_reads_back_as_it_was_meant() {
        for from in [JournalFrom::After(7), JournalFrom::Age(Duration::from_hours(48))] {
            assert_eq!(journal_query(Some(&encode_journal(from, 9))).unwrap(), (from, 9));
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let query = HistoryQuery {
            subject: "tcp/[fd00::1]:80 [fd00::71]:80".into(),
            series: vec![Series::Up, Series::InBytesPerS],
            from: Some(at),
            to: Some(at + Duration::from_mins(1)),
            step: Some(60),
        };
        assert_eq!(history_query(Some(&encode_history(&query))).unwrap(), query);
    }

    #[test]
    fn a_question_about_a_moment_reads_back() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_250);
        for (path, rest) in [("/v1/summary", None), ("/v1/rows?limit=5&filter=a%26b", Some("limit=5&filter=a%26b"))] {
            let asked = encode_at(path, moment);
            let (_, query) = asked.split_once('?').unwrap();
            assert_eq!(at(Some(query)).unwrap(), (Some(moment), rest.map(str::to_owned)));
        }
        assert_eq!(at(Some("limit=5")).unwrap(), (None, Some("limit=5".to_owned())));
        assert!(at(Some("at=noon")).unwrap_err().body.message.contains("noon"));
    }

    #[test]
    fn a_question_that_is_wrong_is_refused_by_name() {
        for (query, named) in [("since=yesterday", "yesterday"), ("after=x", "x"), ("from=1", "from")] {
            assert!(journal_query(Some(query)).unwrap_err().body.message.contains(named), "{query}");
        }
        for (query, named) in [("from=1", "from"), ("series=load", "load"), ("step=-1", "step"), ("key=x", "key")] {
            assert!(history_query(Some(query)).unwrap_err().body.message.contains(named), "{query}");
        }
        assert!(age("2999-01-01T00:00:00Z").unwrap().is_zero(), "what is to come is no age");
    }
}
