//! As much of JSON Schema 2020-12 as `docs/schema/` uses; a keyword that it does not know is an error. Stricter than a client is
//! told to be: a field that the schema does not have is a breach.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The documents of `docs/schema/` by name.
pub struct Schemas(BTreeMap<String, Value>);

/// What a value was found to be.
#[derive(Default)]
struct Found {
    breaches: Vec<String>,
    /// `document#/path/to/property` of what was there.
    seen: BTreeSet<String>,
}

/// Keywords that say nothing about validity.
const REMARKS: [&str; 8] = ["$schema", "$id", "$defs", "$comment", "title", "description", "examples", "format"];
/// The one pattern in use: RFC 3339 in UTC with milliseconds.
const TIME: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$";

impl Schemas {
    /// All of them.
    pub fn read() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let documents = entries.map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
            assert_eq!(schema["$id"], format!("{name}.json"));
            (name, schema)
        });
        Self(documents.collect())
    }

    /// What is wrong with a value; adds the fields that were there to `seen`.
    pub fn check(&self, document: &str, value: &Value, seen: &mut BTreeSet<String>) -> Vec<String> {
        let mut found = Found::default();
        self.visit(document, &self.0[document], "", value, &mut found);
        seen.append(&mut found.seen);
        found.breaches
    }

    /// Every field of every document.
    pub fn fields(&self) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        for (name, schema) in &self.0 {
            collect(name, schema, "", &mut fields);
        }
        fields
    }

    fn visit(&self, document: &str, schema: &Value, at: &str, value: &Value, found: &mut Found) {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let right = match keyword.as_str() {
                "$ref" => {
                    self.follow(document, wanted.as_str().unwrap(), value, found);
                    true
                }
                "type" => match wanted {
                    Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                    kind => is(kind, value),
                },
                "const" => value == wanted,
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|value| value >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|value| value <= wanted.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
                "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
                "pattern" => {
                    assert_eq!(wanted, TIME);
                    value.as_str().is_none_or(is_time)
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.visit(document, wanted, &format!("{at}/items"), item, found);
                    }
                    true
                }
                "required" => {
                    let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    value.as_object().is_none_or(|object| names.clone().all(|name| object.contains_key(name)))
                }
                "properties" => self.properties(document, wanted, at, value, found),
                "additionalProperties" => *wanted == Value::Bool(false),
                "oneOf" => self.one_of(document, wanted, at, value, found),
                remark => {
                    assert!(REMARKS.contains(&remark), "{document}{at}: unknown keyword {remark}");
                    true
                }
            };
            if !right {
                found.breaches.push(format!("{document}#{at}: {value} against {keyword}: {wanted}"));
            }
        }
    }

    fn properties(&self, document: &str, wanted: &Value, at: &str, value: &Value, found: &mut Found) -> bool {
        for (name, value) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/properties/{name}");
            match wanted.get(name) {
                None => found.breaches.push(format!("{document}#{at} is not in the schema")),
                Some(schema) => {
                    self.visit(document, schema, &at, value, found);
                    found.seen.insert(format!("{document}#{at}"));
                }
            }
        }
        true
    }

    fn one_of(&self, document: &str, wanted: &Value, at: &str, value: &Value, found: &mut Found) -> bool {
        let tried = wanted.as_array().unwrap().iter().enumerate().map(|(n, schema)| {
            let mut tried = Found::default();
            self.visit(document, schema, &format!("{at}/oneOf/{n}"), value, &mut tried);
            tried
        });
        let mut fitting: Vec<_> = tried.filter(|tried| tried.breaches.is_empty()).collect();
        if let [fits] = fitting.as_mut_slice() {
            found.seen.append(&mut fits.seen);
        }
        fitting.len() == 1
    }

    /// `status.json#/$defs/rates`, `#/$defs/row`, `command.json`.
    fn follow(&self, document: &str, reference: &str, value: &Value, found: &mut Found) {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = file.strip_suffix(".json").unwrap_or(document);
        let schema = self.0[document].pointer(pointer).unwrap_or_else(|| panic!("no {reference}"));
        self.visit(document, schema, pointer, value, found);
    }
}

fn collect(document: &str, schema: &Value, at: &str, fields: &mut BTreeSet<String>) {
    let Value::Object(object) = schema else { return };
    for (keyword, below) in object {
        match (keyword.as_str(), below) {
            ("properties", Value::Object(properties)) => {
                for (name, schema) in properties {
                    let at = format!("{at}/properties/{name}");
                    collect(document, schema, &at, fields);
                    fields.insert(format!("{document}#{at}"));
                }
            }
            ("$defs", Value::Object(schemas)) => {
                schemas
                    .iter()
                    .for_each(|(name, schema)| collect(document, schema, &format!("{at}/$defs/{name}"), fields));
            }
            ("oneOf", Value::Array(schemas)) => {
                let schemas = schemas.iter().enumerate();
                schemas.for_each(|(n, schema)| collect(document, schema, &format!("{at}/oneOf/{n}"), fields));
            }
            ("items", schema) => collect(document, schema, &format!("{at}/items"), fields),
            _ => {}
        }
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("unknown type {other}"),
    }
}

fn is_time(text: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    text.len() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, s)| if s == 'd' { c.is_ascii_digit() } else { c == s })
}
