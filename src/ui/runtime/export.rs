//! `x`: the screen as text, the state as JSON and a recording for `lvsdeck replay`, into three new files of one name.
//!
//! No file is overwritten, and all three are the user's alone. The recording has what the engine remembers: the history of the totals and
//! of the instances, the events of the last day, and the moment that is shown.

use crate::engine::{
    EngineHandle, HandleError, HistoryQuery, JournalFrom, RecordingEncoder, RecordingEntry, RecordingError,
    RecordingHeader,
};
use crate::ui::svg;
use ratatui::buffer::Buffer;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Events of one page of the journal, and most pages.
const PAGE: usize = 256;
const PAGES: usize = 40;
/// What the three files end with.
const ENDS: [&str; 3] = ["txt", "json", "rec"];
/// Most exports of one second.
const MOST: usize = 99;
/// How far back events and history reach.
const DAY: Duration = Duration::from_hours(24);

/// Why nothing, or not everything, was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file can't be made or written.
    #[error("export: {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The engine did not give the state.
    #[error("export: {0}")]
    Engine(#[from] HandleError),
    /// The state can't be written.
    #[error("export: {0}")]
    Recording(#[from] RecordingError),
}

/// A screen as lines of text.
pub fn text(screen: &Buffer) -> String {
    svg::lines(screen).into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Writes the three files. Gives what to say.
pub fn write(
    engine: &dyn EngineHandle,
    screen: &str,
    at: Option<SystemTime>,
    directory: &Path,
) -> Result<String, ExportError> {
    let then = at.map(|at| engine.at(at)).transpose()?;
    let shown = then.as_deref().unwrap_or(engine);
    let (summary, status) = (shown.summary()?, shown.status()?);
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let node: String = summary.node.chars().map(safe).take(40).collect();
    let stem = unused(&directory.join(format!("lvsdeck-{node}-{}", stamp(summary.now))));
    let [screen_path, state_path, recording_path] = ENDS.map(|end| with_end(&stem, end));
    put(&screen_path, |to| to.write_all(screen.as_bytes()))?;
    put(&state_path, |to| {
        serde_json::to_writer_pretty(&mut *to, &*status)?;
        to.write_all(b"\n")
    })?;
    let mut lines = vec![json(&RecordingHeader::new(&summary.node, summary.now, 1000))?];
    for entry in remembered(engine, &status.virtual_routers.iter().map(|r| r.name.clone()).collect::<Vec<_>>(), at) {
        lines.push(json(&entry)?);
    }
    lines.push(json(&RecordingEncoder::default().status(0, summary.now, &status)?)?);
    lines.push(json(&RecordingEntry::End { ms: 0, at: summary.now, end: "asked".to_owned() })?);
    put(&recording_path, |to| lines.iter().try_for_each(|line| writeln!(to, "{line}")))?;
    let name = stem.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("wrote {name}.txt, .json and .rec (of this moment alone) in {}", directory.display()))
}

/// The name, or with `-2`, `-3` … behind it where there are files of that name from the same second.
fn unused(stem: &Path) -> PathBuf {
    let is_free = |stem: &PathBuf| !ENDS.iter().any(|end| with_end(stem, end).exists());
    let numbered = (2..=MOST).map(|number| {
        let mut name = stem.as_os_str().to_owned();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    });
    std::iter::once(stem.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| stem.to_owned())
}

fn with_end(stem: &Path, end: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(format!(".{end}"));
    name.into()
}

/// `20261121T140211Z`.
fn stamp(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, RecordingError> {
    Ok(serde_json::to_string(value)?)
}

/// What the engine remembers; what it has not is left out.
fn remembered(engine: &dyn EngineHandle, instances: &[String], at: Option<SystemTime>) -> Vec<RecordingEntry> {
    let subjects = std::iter::once("total".to_owned()).chain(instances.iter().map(|name| format!("vrrp/{name}")));
    let history = subjects.filter_map(|subject| {
        let query =
            HistoryQuery { subject, to: at, from: at.and_then(|at| at.checked_sub(DAY)), ..HistoryQuery::default() };
        Some(RecordingEntry::History { history: engine.history(&query).ok()?.ok()? })
    });
    let mut entries: Vec<RecordingEntry> = history.collect();
    let mut from = JournalFrom::Age(DAY);
    for _ in 0..PAGES {
        let Ok(page) = engine.journal(from, PAGE) else { break };
        let Some(last) = page.events.last() else { break };
        from = JournalFrom::After(last.seq);
        entries.extend(page.events.into_iter().map(|event| RecordingEntry::Event { event }));
    }
    entries
}

/// A new file, the user's alone.
fn put(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), ExportError> {
    let failed = |cause| ExportError::File { path: path.to_owned(), cause };
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut to = BufWriter::new(opened);
    fill(&mut to).and_then(|()| to.flush()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::ConfigStatus;
    use crate::engine::{Recording, Replayed, Role, Status, Still};
    use std::sync::Arc;

    fn still() -> Still {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_269_731);
        let status = Status {
            version: 1,
            node: "lvs/../\u{1b}a".to_owned(),
            pid: 1,
            mode: "run".to_owned(),
            dataplane: "kernel".to_owned(),
            config: ConfigStatus { file: String::new(), loaded_at: at, generation: 1 },
            role: Role::Init,
            last_event: 0,
            changed_at: None,
            virtual_routers: Vec::new(),
            virtual_servers: Vec::new(),
            drift: Vec::new(),
            foreign_routers: Vec::new(),
            foreign: Vec::new(),
            ipvs: None,
            warnings: Vec::new(),
        };
        Still { status: Arc::new(status), at, is_rewound: false }
    }

    #[test]
    fn no_blank_stands_behind_a_wide_character() {
        let screen = Buffer::with_lines(["東京 a  ", "é| b"]);
        assert_eq!(text(&screen), "東京 a\né| b\n");
    }

    #[test]
    fn three_files_are_written_once_and_the_recording_can_be_replayed() {
        let directory = tempfile::tempdir().unwrap();
        let said = write(&still(), "a screen\n", None, directory.path()).unwrap();
        let stem = directory.path().join("lvsdeck-lvs_..__a-20261121T140211Z");
        assert!(said.contains("20261121T140211Z.txt, .json and .rec (of this moment alone) in /"), "{said}");
        assert_eq!(std::fs::read_to_string(with_end(&stem, "txt")).unwrap(), "a screen\n");
        let state: Status = serde_json::from_slice(&std::fs::read(with_end(&stem, "json")).unwrap()).unwrap();
        assert_eq!(state.pid, 1);
        let recording = std::fs::read(with_end(&stem, "rec")).unwrap();
        let replayed = Replayed::new(Recording::read(&recording[..]).unwrap()).unwrap();
        assert_eq!((replayed.span(), replayed.caveat()), ((still().at, still().at), None));

        for number in [2, 3] {
            let again = write(&still(), "another\n", None, directory.path()).unwrap();
            assert!(again.contains(&format!("20261121T140211Z-{number}.txt")), "{again}");
        }
        for number in 4..=MOST {
            std::fs::write(directory.path().join(format!("lvsdeck-lvs_..__a-20261121T140211Z-{number}.json")), "")
                .unwrap();
        }
        let again = write(&still(), "another\n", None, directory.path()).unwrap_err().to_string();
        assert!(again.contains(".txt") && again.contains("exists"), "{again}");
        assert_eq!(std::fs::read_to_string(with_end(&stem, "txt")).unwrap(), "a screen\n");
        let nowhere = write(&still(), "", None, Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(nowhere.contains("/nowhere/at/all"), "{nowhere}");
    }
}
