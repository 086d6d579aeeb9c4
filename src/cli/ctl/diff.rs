//! `ctl diff`: file, engine and kernel side by side, where they do not say the same.

use super::CtlError;
use super::print::{Page, Style, cells, left};
use crate::engine::{Difference, EngineHandle};

/// A column: its title and what stands in it.
type Column = (&'static str, fn(&Difference) -> &str);

const COLUMNS: [Column; 6] = [
    ("SUBJECT", |line| &line.subject),
    ("FIELD", |line| &line.field),
    ("FILE", |line| or_dash(line.file.as_deref())),
    ("ENGINE", |line| or_dash(line.engine.as_deref())),
    ("KERNEL", |line| or_dash(line.kernel.as_deref())),
    ("BY", |line| line.by.as_deref().unwrap_or_default()),
];

/// Prints a line a difference, in columns as wide as what is in them.
pub(super) fn print(engine: &dyn EngineHandle, page: &mut Page<'_>, json: bool) -> Result<(), CtlError> {
    let found = engine.diff()?;
    if json {
        return page.json(&found, true);
    }
    if found.is_empty() {
        return page.line(Style::Plain, "file, engine and kernel say the same");
    }
    let width = |(title, cell): Column| found.iter().map(|line| cells(cell(line))).fold(cells(title), usize::max);
    let widths = COLUMNS.map(width);
    let shown = if found.iter().any(|line| line.by.is_some()) { COLUMNS.len() } else { COLUMNS.len() - 1 };
    let row = |cell: &dyn Fn(Column) -> String| {
        let cells = COLUMNS.iter().zip(widths).take(shown).map(|(column, width)| left(&cell(*column), width));
        cells.collect::<Vec<_>>().join("  ")
    };
    page.line(Style::Strong, &row(&|(title, _)| title.to_owned()))?;
    for line in &found {
        page.line(Style::Plain, &row(&|(_, cell)| cell(line).to_owned()))?;
    }
    Ok(())
}

fn or_dash(value: Option<&str>) -> &str {
    value.unwrap_or("-")
}
