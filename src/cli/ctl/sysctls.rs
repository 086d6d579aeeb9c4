//! `ctl sysctls`: the kernel's words about balancing, with their values here.

use super::CtlError;
use super::print::{Page, Style};
use crate::engine::{EngineHandle, Sysctl};

/// Prints a word a line, those first that are not as a kernel begins; a warning below its word.
pub(super) fn print(engine: &dyn EngineHandle, page: &mut Page<'_>, json: bool) -> Result<(), CtlError> {
    let found = engine.sysctls()?;
    if json {
        return page.json(&found, true);
    }
    let width = |cell: fn(&Sysctl) -> String, title: &str| {
        found.iter().map(|word| cell(word).chars().count()).fold(title.len(), usize::max)
    };
    let [names, values, defaults] = [width(name, "NET.IPV4.VS."), width(value, "VALUE"), width(default, "DEFAULT")];
    let line = |name: &str, value: &str, default: &str, effect: &str| {
        format!("{name:names$}  {value:values$}  {default:defaults$}  {effect}").trim_end().to_owned()
    };
    page.line(Style::Strong, &line("NET.IPV4.VS.", "VALUE", "DEFAULT", "EFFECT"))?;
    for word in &found {
        let style = if word.is_changed() { Style::Strong } else { Style::Plain };
        page.line(style, &line(&name(word), &value(word), &default(word), &word.effect))?;
        if let Some(warning) = &word.warning {
            page.line(Style::Problem, &format!("{:names$}  {warning}", ""))?;
        }
    }
    Ok(())
}

fn name(word: &Sysctl) -> String {
    word.name.clone()
}

fn value(word: &Sysctl) -> String {
    shown(&word.value)
}

fn default(word: &Sysctl) -> String {
    word.default.as_deref().map_or_else(|| "-".to_owned(), shown)
}

/// Two numbers are apart by a tabulator; nothing at all is a dash.
fn shown(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.replace('\t', " ") }
}
