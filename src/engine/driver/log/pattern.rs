//! Patterns over the texts of events, lines with names in them, and keys as keepalived writes them. Pure.

use crate::engine::model::{RealServerKey, ServiceKey};

/// What a line may name, with its text.
pub type Known<'a> = Vec<(&'a str, String)>;

/// Matches a text against a pattern; each `{x}` takes as little as it can, the last one at the end the rest.
pub fn captured(pattern: &'static str, text: &str, known: &mut Known<'static>) -> Option<()> {
    let Some((literal, rest)) = pattern.split_once('{') else { return (pattern == text).then_some(()) };
    let text = text.strip_prefix(literal)?;
    let (name, after) = rest.split_once('}')?;
    let literal = after.split('{').next().unwrap_or_default();
    let end = if after.is_empty() { text.len() } else { text.find(literal)? };
    let (value, text) = text.split_at_checked(end).filter(|(value, _)| !value.is_empty())?;
    known.push((name, value.to_owned()));
    captured(after, text, known)
}

/// A line with its names replaced; a name that is not known stays as it is.
pub fn filled(line: &str, known: &Known<'_>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, (name, after))) = rest.split_once('{').and_then(|(b, r)| Some((b, r.split_once('}')?))) {
        out.push_str(before);
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(value),
            None => out.extend(["{", name, "}"]),
        }
        rest = after;
    }
    out + rest
}

/// `[10.0.0.1]:tcp:80`, or `FWM 77`.
pub fn of_service(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, address } => {
            format!("[{}]:{}:{}", address.ip(), protocol.name(), address.port())
        }
        ServiceKey::FwMark { mark, .. } => format!("FWM {mark}"),
    }
}

/// `[10.0.0.71]:tcp:80`, of a service with a firewall mark `[10.0.0.71]:none:0`.
pub fn of_server(service: &ServiceKey, server: &RealServerKey) -> String {
    let protocol = match service {
        ServiceKey::Address { protocol, .. } => protocol.name(),
        ServiceKey::FwMark { .. } => "none",
    };
    format!("[{}]:{protocol}:{}", server.0.ip(), server.0.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_the_whole_text_or_nothing() {
        let matches = |pattern, text: &str| {
            let mut known = Vec::new();
            captured(pattern, text, &mut known).map(|()| known.into_iter().map(|(_, value)| value).collect::<Vec<_>>())
        };
        assert_eq!(matches("a {x} b {y}", "a 1 b 2 b 3"), Some(vec!["1".to_owned(), "2 b 3".to_owned()]));
        assert_eq!(matches("a {x} b", "a 1 b"), Some(vec!["1".to_owned()]));
        assert_eq!(matches("a {x} b", "a 1 b c"), None);
        assert_eq!(matches("a {x}", "a "), None);
        assert_eq!(matches("a", "ab"), None);
    }
}
