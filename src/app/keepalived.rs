//! The keepalived that runs here, as its command line says: the file, the half of it that is run, the name for `@id` lines.

use crate::engine::io::processes;
use std::fs;
use std::path::PathBuf;

/// keepalived's own default.
pub const STANDARD_FILE: &str = "/etc/keepalived/keepalived.conf";
/// Its short options whose value is the rest of the word, or the next word (`keepalived(8)`).
const WITH_VALUE: &str = "fSuprcbAsMi";

/// A running keepalived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalived {
    /// Its main process.
    pub pid: u32,
    /// The configuration.
    pub file: PathBuf,
    /// What it was told beside the file.
    pub words: Words,
}

/// What a command line says, but for the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// `-P`: VRRP alone.
    pub vrrp_only: bool,
    /// `-C`: services alone.
    pub ipvs_only: bool,
    /// `-i NAME`.
    pub config_id: Option<String>,
}

impl Keepalived {
    /// The one of this network namespace, when one runs.
    pub fn here() -> Option<Self> {
        let pid = main_process(&processes::keepalived())?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let directory = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_else(|_| PathBuf::from("/"));
        let (file, words) = read(&line);
        Some(Self { pid, file: directory.join(file.as_deref().unwrap_or(STANDARD_FILE)), words })
    }
}

/// The one whose parent is no keepalived.
fn main_process(found: &[u32]) -> Option<u32> {
    let parent = |pid: &u32| processes::Process::hold(*pid).map_or(0, |process| process.parent);
    found.iter().copied().find(|pid| !found.contains(&parent(pid)))
}

/// The file and the rest, as getopt reads a command line: `-f FILE`, `-fFILE`, `-nPf FILE`, `--use-file FILE`,
/// `--use-file=FILE`.
fn read(line: &[String]) -> (Option<String>, Words) {
    let (mut file, mut words) = (None, Words::default());
    let mut line = line.iter().skip(1).map(String::as_str);
    while let Some(word) = line.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, glued) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let mut value = || glued.or_else(|| line.next()).map(str::to_owned);
            match name {
                "use-file" => file = value(),
                "config-id" => words.config_id = value(),
                "vrrp" => words.vrrp_only = true,
                "check" => words.ipvs_only = true,
                _ => {}
            }
        } else if let Some(short) = word.strip_prefix('-') {
            for (at, option) in short.char_indices() {
                let value = |line: &mut dyn Iterator<Item = &str>| {
                    let glued = &short[at + option.len_utf8()..];
                    if glued.is_empty() { line.next().map(str::to_owned) } else { Some(glued.to_owned()) }
                };
                match option {
                    'f' => file = value(&mut line),
                    'i' => words.config_id = value(&mut line),
                    'P' => words.vrrp_only = true,
                    'C' => words.ipvs_only = true,
                    _ if WITH_VALUE.contains(option) => _ = value(&mut line),
                    _ => continue,
                }
                if WITH_VALUE.contains(option) {
                    break;
                }
            }
        }
    }
    (file, words)
}

impl Words {
    /// The same for `lvsdeck run`.
    pub fn options(&self) -> Vec<&str> {
        let mut options = Vec::new();
        if self.vrrp_only {
            options.push("--vrrp-only");
        }
        if self.ipvs_only {
            options.push("--ipvs-only");
        }
        if let Some(id) = &self.config_id {
            options.extend(["--config-id", id]);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_says_what_its_keepalived_runs() {
        let words =
            |vrrp_only, ipvs_only, id: Option<&str>| Words { vrrp_only, ipvs_only, config_id: id.map(str::to_owned) };
        for (line, file, told) in [
            ("keepalived -n -f /a.conf", Some("/a.conf"), words(false, false, None)),
            ("keepalived -f/a.conf -l", Some("/a.conf"), words(false, false, None)),
            ("keepalived -nPf /a.conf", Some("/a.conf"), words(true, false, None)),
            ("keepalived --use-file a.conf -C", Some("a.conf"), words(false, true, None)),
            ("keepalived --use-file=/a.conf --vrrp -i d1", Some("/a.conf"), words(true, false, Some("d1"))),
            ("keepalived -r /P -p/C --config-id=d2", None, words(false, false, Some("d2"))),
            ("keepalived --dont-fork", None, words(false, false, None)),
        ] {
            let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(read(&line), (file.map(str::to_owned), told), "{line:?}");
        }
    }

    #[test]
    fn what_keepalived_was_told_is_told_to_the_engine() {
        let words = Words { vrrp_only: true, ipvs_only: false, config_id: Some("d1".into()) };
        assert_eq!(words.options(), ["--vrrp-only", "--config-id", "d1"]);
    }
}
