//! The JSON Schema of the console's file: `docs/schema/console.json`, for editors.

use super::chord::NAMED;
use super::file::NEEDED;
use super::{BINDINGS, Chord};
use crate::ui::bell::Bell;
use crate::ui::rows::columns::{ALL, Set};
use serde_json::{Value, json};

/// The JSON Schema of `console.toml`.
pub fn schema() -> String {
    let bells: Vec<String> = Bell::ALL.iter().map(|(_, word)| quoted(word)).collect();
    let columns: Vec<String> = ALL.iter().map(|column| quoted(column.word)).collect();
    let tables = [Set::Services, Set::Counters].map(|set| {
        let about = quoted(&format!("columns of the {} table, in their order", set.name()));
        format!("    \"{}\": {{ \"description\": {about}, \"$ref\": \"#/$defs/columns\" }}", set.name())
    });
    let keys: Vec<String> = BINDINGS.iter().map(|binding| property(binding.intent.name(), binding)).collect();
    format!(
        "{{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n \"$id\": \"console.json\",\n \
         \"title\": \"~/.config/lvsdeck/console.toml: the console\",\n \"type\": \"object\",\n \
         \"additionalProperties\": false,\n \"properties\": {{\n  \
         \"bell\": {{\n   \"description\": \"when the terminal's bell rings\",\n   \"default\": {bell},\n   \
         \"enum\": [{bells}]\n  }},\n  \
         \"keys\": {{\n   \"type\": \"object\",\n   \"description\": \"keys of actions; what is left out keeps its own, [] leaves it to the palette\",\n   \
         \"additionalProperties\": false,\n   \"properties\": {{\n{keys}\n   }}\n  }},\n  \
         \"columns\": {{\n   \"type\": \"object\",\n   \"description\": \"columns of the tables\",\n   \
         \"additionalProperties\": false,\n   \"properties\": {{\n{tables}\n   }}\n  }}\n }},\n \
         \"$defs\": {{\n  \"key\": {{ \"type\": \"string\", \"pattern\": {pattern} }},\n  \
         \"keys\": {{ \"anyOf\": [{{ \"$ref\": \"#/$defs/key\" }}, {{ \"type\": \"array\", \"items\": {{ \"$ref\": \"#/$defs/key\" }} }}] }},\n  \
         \"needed\": {{ \"anyOf\": [{{ \"$ref\": \"#/$defs/key\" }}, {{ \"type\": \"array\", \"items\": {{ \"$ref\": \"#/$defs/key\" }}, \"minItems\": 1 }}] }},\n  \
         \"columns\": {{ \"type\": \"array\", \"uniqueItems\": true, \"items\": {{ \"enum\": [{columns}] }} }}\n }}\n}}\n",
        bell = quoted(Bell::default().word()),
        bells = bells.join(", "),
        keys = keys.join(",\n"),
        tables = tables.join(",\n"),
        pattern = quoted(&pattern()),
        columns = columns.join(", "),
    )
}

fn property(name: &str, binding: &super::Binding) -> String {
    let kind = if NEEDED.contains(&binding.intent) { "needed" } else { "keys" };
    let keys = Value::from(binding.chords.iter().map(Chord::to_string).collect::<Vec<_>>());
    let about = quoted(binding.help);
    format!("    \"{name}\": {{ \"description\": {about}, \"default\": {keys}, \"$ref\": \"#/$defs/{kind}\" }}")
}

/// How a key is written: one character, or a name, perhaps with Ctrl.
pub(super) fn pattern() -> String {
    let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    format!("^([Cc]trl[-+])?(\\S|[Ff]([1-9]|1[0-2])|{})$", names.join("|"))
}

fn quoted(text: &str) -> String {
    json!(text).to_string()
}
