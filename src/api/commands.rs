//! The body of `POST /v1/commands`: read strictly, field by field, so that a mistake is named and nothing is guessed.

use super::once::Once;
use super::reply::Refusal;
use crate::engine::{
    CommandRequest, Forwarding, Priority, RealServerKey, RealServerSelector, Scheduler, ServiceKey, ServiceSelector,
    Weight,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Map, Value};

/// A field: its name, whether it must be there, and whether a value is right.
type Field = (&'static str, bool, fn(&Value) -> Result<(), serde_json::Error>);

/// Every verb with its fields.
const VERBS: &[(&str, &[Field])] = &[
    ("failover", &[("instance", false, is::<Option<String>>), ("for", false, is_time), ("blind", false, is::<bool>)]),
    ("rejoin", &[("instance", false, is::<Option<String>>)]),
    ("takeover", &[("instance", true, is::<String>)]),
    (
        "drain",
        &[
            ("server", true, is::<RealServerSelector>),
            ("service", false, is::<Option<ServiceSelector>>),
            ("for", false, is_time),
            ("deadline", false, is::<Option<u64>>),
        ],
    ),
    (
        "maintenance",
        &[
            ("server", true, is::<RealServerSelector>),
            ("service", false, is::<Option<ServiceSelector>>),
            ("for", false, is_time),
            ("deadline", false, is::<Option<u64>>),
        ],
    ),
    ("priority", &[("instance", true, is::<String>), ("priority", false, is::<Option<Priority>>)]),
    ("several", &[("commands", true, are_commands)]),
    ("restore", &[("server", true, is::<RealServerSelector>), ("service", false, is::<Option<ServiceSelector>>)]),
    (
        "weight",
        &[
            ("service", true, is::<ServiceSelector>),
            ("server", true, is::<RealServerKey>),
            ("weight", true, is::<Weight>),
            ("for", false, is_time),
        ],
    ),
    (
        "add-server",
        &[
            ("service", true, is::<ServiceSelector>),
            ("server", true, is::<RealServerKey>),
            ("weight", false, is::<Option<Weight>>),
            ("forward", false, is_forward),
        ],
    ),
    ("remove-server", &[("service", true, is::<ServiceSelector>), ("server", true, is::<RealServerKey>)]),
    (
        "add-service",
        &[
            ("service", true, is::<ServiceKey>),
            ("scheduler", false, is::<Option<Scheduler>>),
            ("forward", false, is_forward),
            ("persistence", false, is::<Option<u32>>),
        ],
    ),
    ("remove-service", &[("service", true, is::<ServiceSelector>)]),
    ("reload", &[]),
    ("undo", &[("command", false, is::<Option<u64>>)]),
    ("stop", &[("keep", false, is::<bool>)]),
];

/// Fields that every verb has.
const EVERY_VERB: &[Field] = &[
    ("verb", true, is::<String>),
    ("reason", false, is::<Option<String>>),
    ("dry_run", false, is::<bool>),
    ("token", false, is::<Option<String>>),
];

/// Verbs that may take servers out of service, and what they have beside the others.
const MAY_TAKE_OUT: &[&str] = &["drain", "maintenance", "restore", "weight", "remove-server", "several", "undo"];
const FORCE: Field = ("force", false, is::<bool>);

fn is<T: DeserializeOwned>(value: &Value) -> Result<(), serde_json::Error> {
    T::deserialize(value).map(drop)
}

/// Seconds until it ends by itself.
fn is_time(value: &Value) -> Result<(), serde_json::Error> {
    match Option::<u64>::deserialize(value)? {
        Some(0) => Err(serde_json::Error::custom("0 s would be over at once; leave it out for no end")),
        None | Some(_) => Ok(()),
    }
}

/// `local` stands in tables and is never given.
fn is_forward(value: &Value) -> Result<(), serde_json::Error> {
    match Option::<Forwarding>::deserialize(value)? {
        None | Some(Forwarding::Nat | Forwarding::Dr | Forwarding::Tun) => Ok(()),
        Some(Forwarding::Local) => Err(serde_json::Error::custom("one of nat, dr and tun is expected")),
    }
}

/// Each is read as strictly as one alone; what is said of the act stands outside of them.
fn are_commands(value: &Value) -> Result<(), serde_json::Error> {
    for (n, one) in Vec::<Map<String, Value>>::deserialize(value)?.iter().enumerate() {
        let found =
            fields_of(one).and_then(|fields| check_fields(one, fields, EVERY_VERB.get(..1).unwrap_or_default()));
        found.map_err(|refusal| serde_json::Error::custom(format!("command {n}: {}", refusal.body.message)))?;
    }
    Ok(())
}

/// Reads a command, or names what is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<CommandRequest, Refusal> {
    let example = r#"send {"verb":"drain","server":"10.0.0.71:80","dry_run":true}"#;
    let Once(value) = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            return Refusal::bad("bad-field", error.to_string(), "say each field once");
        }
        Refusal::bad("bad-json", format!("the body is not JSON: {error}"), example)
    })?;
    let Value::Object(object) = value else {
        return Err(Refusal::bad("bad-json", "the body is JSON, but not an object", example));
    };
    let fields = fields_of(&object)?;
    let may_take_out = |verb: &Value| MAY_TAKE_OUT.iter().any(|known| verb == known);
    let force = object.get("verb").filter(|verb| may_take_out(verb)).map(|_| FORCE);
    let others: Vec<Field> = EVERY_VERB.iter().copied().chain(force).collect();
    check_fields(&object, fields, &others)?;
    serde_json::from_value(Value::Object(object)).map_err(|error| Refusal::bad("bad-field", error.to_string(), example))
}

fn fields_of(object: &Map<String, Value>) -> Result<&'static [Field], Refusal> {
    let verbs = || format!("verb is one of {}", names(VERBS.iter().map(|(verb, _)| *verb)));
    match object.get("verb") {
        None => Err(Refusal::bad("unknown-verb", "the field verb is missing", verbs())),
        Some(wanted) => VERBS
            .iter()
            .find(|(verb, _)| wanted == verb)
            .map(|(_, fields)| *fields)
            .ok_or_else(|| Refusal::bad("unknown-verb", format!("there is no verb {wanted}"), verbs())),
    }
}

fn check_fields(object: &Map<String, Value>, fields: &[Field], others: &[Field]) -> Result<(), Refusal> {
    let known = || fields.iter().chain(others);
    let next = || format!("the fields here are {}", names(known().map(|(name, ..)| *name)));
    if let Some(stranger) = object.keys().find(|key| !known().any(|(name, ..)| name == key)) {
        return Err(Refusal::bad("unknown-field", format!("there is no field \"{stranger}\""), next()));
    }
    for (name, required, is_right) in known() {
        match object.get(*name) {
            None if *required => return Err(Refusal::bad("bad-field", format!("the field {name} is missing"), next())),
            None => {}
            Some(value) => is_right(value).map_err(|error| {
                Refusal::bad("bad-field", format!("{name}: {error}"), "docs/api.md has every field with an example")
            })?,
        }
    }
    Ok(())
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command with every field, for each verb.
    const FULL: &[&str] = &[
        r#"{"verb":"failover","instance":"VI_1","for":300,"blind":true,"reason":"x","dry_run":true,"token":"t"}"#,
        r#"{"verb":"rejoin","instance":"VI_1"}"#,
        r#"{"verb":"takeover","instance":"VI_1"}"#,
        r#"{"verb":"priority","instance":"VI_1","priority":50}"#,
        r#"{"verb":"maintenance","server":"10.0.0.71","service":"web","for":60,"deadline":5}"#,
        r#"{"verb":"several","commands":[{"verb":"weight","service":"web","server":"10.0.0.71:80","weight":5}]}"#,
        r#"{"verb":"drain","server":"10.0.0.71","service":"web","for":600,"deadline":60,"force":true}"#,
        r#"{"verb":"restore","server":"[fd00::71]:80","service":"tcp/[fd00::1]:80"}"#,
        r#"{"verb":"weight","service":"web","server":"10.0.0.71:80","weight":5,"for":600}"#,
        r#"{"verb":"add-server","service":"web","server":"10.0.0.71:80","weight":5,"forward":"dr"}"#,
        r#"{"verb":"remove-server","service":"web","server":"10.0.0.71:80"}"#,
        r#"{"verb":"add-service","service":"tcp/10.0.0.1:80","scheduler":"rr","forward":"dr","persistence":60}"#,
        r#"{"verb":"remove-service","service":"web"}"#,
        r#"{"verb":"reload"}"#,
        r#"{"verb":"undo","command":7}"#,
        r#"{"verb":"stop","keep":true}"#,
    ];

    #[test]
    fn every_verb_is_read_with_all_of_its_fields_and_is_written_as_it_was_read() {
        assert_eq!(FULL.len(), VERBS.len());
        for text in FULL {
            let request = read(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
            let written = serde_json::to_value(&request).unwrap();
            let Value::Object(sent) = serde_json::from_str(text).unwrap() else { panic!() };
            for (name, value) in sent {
                assert_eq!(written[&name], value, "{text}: {name}");
            }
            assert_eq!(read(&serde_json::to_vec(&request).unwrap()).unwrap(), request, "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_code_and_names_the_field() {
        for (body, code, named) in [
            ("{", "bad-json", "EOF"),
            ("[]", "bad-json", "object"),
            ("{}", "unknown-verb", "verb"),
            (r#"{"verb":"explode"}"#, "unknown-verb", "explode"),
            (r#"{"verb":"stop","dry_run":true,"dry_run":false}"#, "bad-field", "\"dry_run\" is there twice"),
            (
                r#"{"verb":"several","commands":[{"verb":"drain","server":"10.0.0.71","server":"10.0.0.72"}]}"#,
                "bad-field",
                "\"server\" is there twice",
            ),
            (r#"{"verb":7}"#, "unknown-verb", "7"),
            (r#"{"verb":"stop","now":true}"#, "unknown-field", "now"),
            (r#"{"verb":"priority","instance":"VI_1","priority":0}"#, "bad-field", "priority"),
            (r#"{"verb":"several","commands":[{"verb":"drain"}]}"#, "bad-field", "command 0: the field server"),
            (r#"{"verb":"several","commands":[{"verb":"drain","server":"10.0.0.71","now":1}]}"#, "bad-field", "now"),
            (r#"{"verb":"drain"}"#, "bad-field", "server"),
            (r#"{"verb":"drain","server":"web"}"#, "bad-field", "10.0.0.71:80"),
            (r#"{"verb":"drain","server":7}"#, "bad-field", "server"),
            (r#"{"verb":"failover","for":"5m"}"#, "bad-field", "for"),
            (r#"{"verb":"drain","server":"10.0.0.71:80","for":0}"#, "bad-field", "for: 0 s would be over at once"),
            (r#"{"verb":"stop","dry_run":"yes"}"#, "bad-field", "dry_run"),
            (r#"{"verb":"weight","service":"w","server":"10.0.0.71:80","weight":-1}"#, "bad-field", "weight"),
            (r#"{"verb":"weight","service":"w","server":"10.0.0.71:80","weight":2147483648}"#, "bad-field", "weight"),
            (r#"{"verb":"add-server","service":"w","server":"10.0.0.71:80","forward":"gre"}"#, "bad-field", "forward"),
            (r#"{"verb":"add-server","service":"w","server":"10.0.0.71:80","forward":"local"}"#, "bad-field", "nat"),
        ] {
            let refusal = read(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.body.code, code, "{body}");
            assert!(refusal.body.message.contains(named), "{body}: {}", refusal.body.message);
        }
    }
}
