//! The table for people and for editors: `docs/settings.md` and `docs/schema/settings.json`.

use super::STANDARD_FILE;
use super::table::{Kind, SECTIONS, SETTINGS, Setting};
use crate::engine::model::Settings;
use std::fmt::Write;

/// The page of all settings, in Markdown.
pub fn page() -> String {
    let mut page = format!(
        "# lvsdeck's own settings\n\n\
         What keepalived.conf has no words for stands in `{STANDARD_FILE}`, or in the file that `--settings FILE` names (`run`, `check`).\n\
         The file is TOML, and optional like everything in it. `lvsdeck check` checks it with the configuration; a mistake is an \
         error\nwith its line, and the engine does not start with it. `lvsdeck ctl reload` reads it again.\n\n\
         `docs/schema/settings.json` is its JSON Schema, for editors.\n\n```toml\n"
    );
    for (at, (section, _)) in SECTIONS.iter().enumerate() {
        let _ = writeln!(page, "{}[{section}]", if at == 0 { "" } else { "\n" });
        for setting in of(section) {
            let _ = writeln!(page, "{} = {}", setting.name, default(setting));
        }
    }
    page.push_str("```\n");
    for (section, about) in SECTIONS {
        let _ = writeln!(page, "\n## `[{section}]`: {about}");
        for setting in of(section) {
            let _ = writeln!(page, "\n### `{}`\n\n{}.\n", setting.name, capital(setting.meaning));
            match &setting.kind {
                Kind::Word(words, _) => {
                    page.push_str("| value | |\n|---|---|\n");
                    for word in *words {
                        let mark = if default(setting) == format!("\"{}\"", word.0) { " (default)" } else { "" };
                        let _ = writeln!(page, "| `\"{}\"`{mark} | {} |", word.0, word.1);
                    }
                }
                Kind::Number { least, most, unit, .. } => {
                    let _ = writeln!(page, "From {least} to {most} {unit}; {} by default.", default(setting));
                }
                Kind::Text { form, .. } => {
                    let _ = writeln!(page, "{}; `{}` by default.", capital(form), default(setting));
                }
                Kind::Switch { .. } => {
                    let _ = writeln!(page, "`true` or `false`; `{}` by default.", default(setting));
                }
            }
        }
    }
    page
}

/// The JSON Schema of the file.
pub fn schema() -> String {
    let mut sections = Vec::new();
    for (section, about) in SECTIONS {
        let settings: Vec<String> = of(section).map(property).collect();
        sections.push(format!(
            "  \"{section}\": {{\n   \"type\": \"object\",\n   \"description\": \"{about}\",\n   \"additionalProperties\": false,\n   \
             \"properties\": {{\n{}\n   }}\n  }}",
            settings.join(",\n")
        ));
    }
    format!(
        "{{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n \"$id\": \"settings.json\",\n \
         \"title\": \"{STANDARD_FILE}: lvsdeck's own settings\",\n \"type\": \"object\",\n \"additionalProperties\": false,\n \
         \"properties\": {{\n{}\n }}\n}}\n",
        sections.join(",\n")
    )
}

/// What each setting of this name means, as `lvsdeck explain` prints it.
pub fn explain(name: &str) -> Option<String> {
    let all: Vec<String> = SETTINGS.iter().filter(|setting| setting.name == name).map(explained).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

fn explained(setting: &Setting) -> String {
    let takes = match &setting.kind {
        Kind::Word(words, _) => format!("one of {}", super::list(words.iter().map(|word| format!("\"{}\"", word.0)))),
        Kind::Number { least, most, unit, .. } => format!("a whole number from {least} to {most}, {unit}"),
        Kind::Text { form, .. } => (*form).to_owned(),
        Kind::Switch { .. } => "true or false".to_owned(),
    };
    let Setting { name, section, meaning, .. } = setting;
    format!(
        "{name} in [{section}] of {STANDARD_FILE}\n  takes    {takes}\n  default  {}\n  does     {meaning}\n",
        default(setting)
    )
}

fn property(setting: &Setting) -> String {
    let kind = match &setting.kind {
        Kind::Word(words, _) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.0)).collect();
            format!("\"enum\": [{}]", words.join(", "))
        }
        Kind::Number { least, most, .. } => {
            format!("\"type\": \"integer\",\n     \"minimum\": {least},\n     \"maximum\": {most}")
        }
        Kind::Text { .. } => "\"type\": \"string\"".to_owned(),
        Kind::Switch { .. } => "\"type\": \"boolean\"".to_owned(),
    };
    format!(
        "    \"{}\": {{\n     \"description\": \"{}\",\n     \"default\": {},\n     {kind}\n    }}",
        setting.name,
        setting.meaning,
        default(setting)
    )
}

fn of(section: &str) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.section == section)
}

/// The default as the file writes it.
fn default(setting: &Setting) -> String {
    let settings = Settings::default();
    match &setting.kind {
        Kind::Word(_, get) => format!("\"{}\"", get(&settings)),
        Kind::Number { get, .. } => get(&settings).to_string(),
        Kind::Text { get, .. } => format!("\"{}\"", get(&settings)),
        Kind::Switch { get, .. } => get(&settings).to_string(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
