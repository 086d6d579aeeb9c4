//! `GET /v1/log`: what is asked, on either end of the socket.

use super::query::{number, pairs, unknown};
use super::reply::Refusal;
use crate::engine::{LogQuery, Severity};

const LEVELS: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("notice", Severity::Notice),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
];

/// Reads `after`, `level` and `limit`.
pub(super) fn read(query: Option<&str>) -> Result<LogQuery, Refusal> {
    let mut wanted = LogQuery::default();
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "after" => wanted.after = number(&name, &value)?,
            "limit" => wanted.limit = number(&name, &value)?,
            "level" => {
                let found = LEVELS.iter().find(|(word, _)| *word == value);
                wanted.level = found.map(|(_, level)| *level).ok_or_else(|| {
                    let next = "level is one of info, notice, warning, error";
                    Refusal::bad("bad-query", format!("there is no level \"{value}\""), next)
                })?;
            }
            _ => return Err(unknown(&name, "after, level and limit")),
        }
    }
    Ok(wanted)
}

/// The query string that asks the same.
pub(super) fn written(query: &LogQuery) -> String {
    let level = LEVELS.iter().find(|(_, level)| *level == query.level).map_or("info", |(word, _)| word);
    format!("after={}&level={level}&limit={}", query.after, query.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_asks_reads_back_as_it_was_meant() {
        for level in LEVELS.map(|(_, level)| level) {
            let query = LogQuery { after: 7, level, limit: 9 };
            assert_eq!(read(Some(&written(&query))).unwrap(), query);
        }
        assert_eq!(read(None).unwrap(), LogQuery::default());
        for (query, named) in [("level=debug", "debug"), ("after=x", "x"), ("since=1", "since")] {
            let message = read(Some(query)).unwrap_err().body.message;
            assert!(message.contains(named), "{message}");
        }
    }
}
