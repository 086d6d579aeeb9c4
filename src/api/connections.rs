//! `GET /v1/connections`: what is asked, on either end of the socket.

use super::query::{encode, number, pairs, unknown};
use super::reply::{Refusal, Reply, json};
use super::server::Guest;
use crate::engine::{ConnectionsQuery, HandleError, ServiceSelector};
use std::sync::Arc;

/// Answers it.
pub(super) async fn answer(query: Option<&str>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let query = read(query)?;
    let body = guest.ask(move |engine| {
        let page = engine.connections(&query)?;
        serde_json::to_vec(&page).map_err(|error| HandleError::Unreadable(error.to_string()))
    });
    Ok(json(body.await?))
}

fn read(query: Option<&str>) -> Result<ConnectionsQuery, Refusal> {
    let mut wanted = ConnectionsQuery::default();
    let wrong = |message: String| Refusal::bad("bad-query", message, "special characters are written as %XX");
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "service" => wanted.service = Some(ServiceSelector(value)),
            "server" => {
                let selector = value.parse().map_err(|_| {
                    wrong(format!("\"{value}\" is not a real server; write it like 10.0.0.71:80 or 10.0.0.71"))
                });
                wanted.server = Some(selector?);
            }
            "client" => wanted.client = Some(value.parse().map_err(wrong)?),
            "state" => wanted.state = Some(value),
            "limit" => wanted.limit = number(&name, &value)?,
            "offset" => wanted.offset = number(&name, &value)?,
            "top" => wanted.top = number(&name, &value)?,
            "sort" => {
                wanted.sort = serde_json::from_value(value.as_str().into()).map_err(|_| {
                    let next = "sort is one of table, expires, client";
                    Refusal::bad("bad-query", format!("there is no sort \"{value}\""), next)
                })?;
            }
            _ => return Err(unknown(&name, "service, server, client, state, sort, limit, offset and top")),
        }
    }
    Ok(wanted)
}

/// The query string that asks the same.
pub(super) fn written(query: &ConnectionsQuery) -> String {
    let sort = serde_json::to_value(query.sort).ok();
    let parameters = [
        ("service", query.service.as_ref().map(ToString::to_string)),
        ("server", query.server.map(|server| server.to_string())),
        ("client", query.client.map(|client| client.to_string())),
        ("state", query.state.clone()),
        ("sort", sort.as_ref().and_then(|sort| sort.as_str()).map(str::to_owned)),
        ("limit", Some(query.limit.to_string())),
        ("offset", Some(query.offset.to_string())),
        ("top", Some(query.top.to_string())),
    ];
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_deref()?))));
    given.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ConnectionSort;

    #[test]
    fn what_a_client_asks_reads_back_as_it_was_meant() {
        assert_eq!(read(Some(&written(&ConnectionsQuery::default()))).unwrap(), ConnectionsQuery::default());
        let query = ConnectionsQuery {
            service: Some(ServiceSelector("web & more".into())),
            server: Some("[fd00::71]:80".parse().unwrap()),
            client: Some("fd00::/64".parse().unwrap()),
            state: Some("ESTABLISHED".into()),
            sort: ConnectionSort::Expires,
            limit: 7,
            offset: 8,
            top: 9,
        };
        assert_eq!(read(Some(&written(&query))).unwrap(), query);
        assert_eq!(read(None).unwrap(), ConnectionsQuery::default());
    }

    #[test]
    fn a_question_that_is_wrong_is_refused_by_name() {
        for (query, named) in
            [("server=web", "web"), ("client=10.0.0.0/33", "10.0.0.0/33"), ("sort=size", "size"), ("srv=x", "srv")]
        {
            let message = read(Some(query)).unwrap_err().body.message;
            assert!(message.contains(named), "{message}");
        }
    }
}
