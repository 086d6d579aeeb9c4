//! Reads configuration files: the only place of this module that touches the file system.

use super::pattern::as_read;
use rustix::fs::OFlags;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// Why a configuration file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("{path}: no such file; name the configuration with -f FILE", path = .0.display())]
    NotFound(PathBuf),
    /// It is a directory.
    #[error("{path}: is a directory; name a file in it, or a file that says \"include {path}/*.conf\"", path = .0.display())]
    Directory(PathBuf),
    /// It is a pipe, a socket, a device or made by the kernel: reading it may never end.
    #[error("{path}: is not a regular file; write the configuration into one", path = .0.display())]
    NotAFile(PathBuf),
    /// The system refuses.
    #[error("{path}: cannot be read: {source}; check owner and mode (ls -l {path}){next}", path = path.display(), next = as_root(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds bytes that are no text.
    #[error(
        "{path}:{line}:{column}: byte {offset} of the file is not UTF-8; convert it (iconv -f LATIN1 -t UTF-8 {path}) or retype the line",
        path = path.display()
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first such byte, from 1.
        line: usize,
        /// Its column, in characters from 1.
        column: usize,
        /// Its offset, from 0.
        offset: usize,
    },
    /// It holds a zero byte, which no text has.
    #[error("{path}: byte {offset} of the file is zero: this is no text; name a configuration file", path = path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first such byte, from 0.
        offset: usize,
    },
    /// It is larger than any configuration.
    #[error("{path}: larger than {} MiB; is this a configuration file?", LARGEST / 1024 / 1024, path = .0.display())]
    TooLarge(PathBuf),
}

/// What helps beside another mode: nothing where it is no matter of rights, or root itself lacks them.
fn as_root(refusal: &std::io::Error) -> &'static str {
    let is_root = rustix::process::geteuid().is_root();
    if refusal.kind() == std::io::ErrorKind::PermissionDenied && !is_root { ", or read it as root" } else { "" }
}

/// What is said of a directory whose names a pattern can't be held against.
fn unlisted(directory: &Path, refusal: &std::io::Error) -> String {
    let path = directory.display();
    format!("{path}: cannot be listed: {refusal}; check owner and mode (ls -ld {path}){}", as_root(refusal))
}

impl ConfigError {
    /// A stable name of the kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "no-such-file",
            Self::Directory(_) => "is-a-directory",
            Self::NotAFile(_) => "not-a-file",
            Self::Unreadable { .. } => "unreadable",
            Self::NotUtf8 { .. } => "not-utf-8",
            Self::NotText { .. } => "not-text",
            Self::TooLarge(_) => "too-large",
        }
    }
}

impl ConfigError {
    /// Line and column of what is wrong in the file, from 1; none where it is the file as a whole.
    pub const fn place(&self) -> Option<(usize, usize)> {
        match self {
            Self::NotUtf8 { line, column, .. } => Some((*line, *column)),
            Self::NotFound(_)
            | Self::Directory(_)
            | Self::NotAFile(_)
            | Self::Unreadable { .. }
            | Self::NotText { .. }
            | Self::TooLarge(_) => None,
        }
    }
}

/// The text of a file that is UTF-8 throughout.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    text(path, bytes(path)?, |_| usize::MAX).map(|text| text.text)
}

/// The text of a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    /// Where in it a byte of a comment was no UTF-8, one for each line.
    pub foreign: Vec<usize>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), foreign: Vec::new() }
    }
}

/// The text of a file whose comments may be in any encoding.
pub(super) fn read_configuration(path: &Path) -> Result<Text, ConfigError> {
    text(path, bytes(path)?, super::lexer::comment)
}

/// The bytes as text; what is no UTF-8 behind the place that `lenient_from` gives for its line is replaced.
fn text(path: &Path, bytes: Vec<u8>, lenient_from: impl Fn(&[u8]) -> usize) -> Result<Text, ConfigError> {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Text { text, foreign: Vec::new() }),
        Err(error) => error.into_bytes(),
    };
    let mut read = Text::default();
    let mut start = 0;
    for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        match std::str::from_utf8(line) {
            Ok(line) => read.text.push_str(line),
            Err(error) if error.valid_up_to() < lenient_from(line) => {
                let before = String::from_utf8_lossy(line.get(..error.valid_up_to()).unwrap_or(&[]));
                let (column, offset) = (before.chars().count() + 1, start + error.valid_up_to());
                return Err(ConfigError::NotUtf8 { path: path.to_owned(), line: number, column, offset });
            }
            Err(error) => {
                read.foreign.push(read.text.len() + error.valid_up_to());
                read.text.push_str(&String::from_utf8_lossy(line));
            }
        }
        start += line.len();
    }
    Ok(read)
}

/// What has nothing to read yet says so, instead of holding the reader up.
const NO_WAITING: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// Whether it is a file that somebody wrote: not a pipe, a socket, a device or one of /proc, which may never end.
fn is_stored(found: &std::fs::Metadata) -> bool {
    let is_of_proc = || std::fs::metadata("/proc").is_ok_and(|proc| proc.dev() == found.dev());
    found.is_file() && !is_of_proc()
}

fn bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::NotFound(path.to_owned()),
        std::io::ErrorKind::IsADirectory => ConfigError::Directory(path.to_owned()),
        _ => ConfigError::Unreadable { path: path.to_owned(), source },
    };
    if path.is_dir() {
        return Err(ConfigError::Directory(path.to_owned()));
    }
    // What a shell hands over (`<(…)`, /dev/stdin) is a pipe, and somebody is at its other end.
    let parent = path.parent().unwrap_or(Path::new(""));
    let is_handed_over =
        path == Path::new("/dev/stdin") || ["/dev/fd", "/proc/self/fd"].map(Path::new).contains(&parent);
    let mut options = std::fs::OpenOptions::new();
    if !is_handed_over {
        if std::fs::metadata(path).is_ok_and(|found| !is_stored(&found)) {
            return Err(ConfigError::NotAFile(path.to_owned()));
        }
        options.custom_flags(NO_WAITING);
    }
    let file = options.read(true).open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    // It may be another file by now.
    if !is_handed_over && !is_stored(&found) {
        return Err(ConfigError::NotAFile(path.to_owned()));
    }
    let length = found.len().min(LARGEST);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ConfigError::TooLarge(path.to_owned()));
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(ConfigError::NotText { path: path.to_owned(), offset });
    }
    Ok(bytes)
}

/// What one pattern of an `include` names: the path itself, or what it matches in the order of the names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The pattern, without braces.
    pub pattern: PathBuf,
    /// Whether it has a `*`, `?`, `[` or `\`.
    pub wild: bool,
    /// It came out of braces: `{a,b}`.
    pub from_braces: bool,
    /// What is there. A path without wildcards is listed whether it is there or not.
    pub files: Vec<PathBuf>,
}

/// What makes a pattern of a name.
pub(super) const WILD: [char; 4] = ['*', '?', '[', '\\'];

/// Patterns that braces stand for at most.
const MOST_PATTERNS: usize = 1024;

/// What an `include` names. Braces stand for each of their words, as in a shell: `{a,b}.conf`.
pub(super) fn named(path: &Path) -> Result<Vec<Named>, String> {
    let text = path.to_string_lossy();
    let patterns = braces(&text);
    if patterns.len() > MOST_PATTERNS {
        return Err(format!("the braces stand for more than {MOST_PATTERNS} names"));
    }
    let from_braces = patterns.len() > 1;
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let read = |pattern: String| {
        let wild = pattern.contains(WILD);
        let files = match as_read(&pattern).filter(|_| wild) {
            Some(read) => {
                let found = glob::glob_with(&read, options).map_err(|error| format!("{}: {}", pattern, error.msg))?;
                found.collect::<Result<Vec<_>, _>>().map_err(|error| unlisted(error.path(), error.error()))?
            }
            None if wild => Vec::new(),
            None => vec![PathBuf::from(&pattern)],
        };
        Ok(Named { pattern: pattern.into(), wild, from_braces, files })
    };
    patterns.into_iter().map(read).collect()
}

/// `a{b,c{d,e}}` → `ab`, `acd`, `ace`; a brace that is not closed is a letter. Ends early beyond [`MOST_PATTERNS`].
fn braces(text: &str) -> Vec<String> {
    let Some((open, close)) = outer_braces(text) else { return vec![text.to_owned()] };
    let (before, inner, behind) = (&text.get(..open), text.get(open + 1..close), text.get(close + 1..));
    let (before, inner, behind) = (before.unwrap_or(""), inner.unwrap_or(""), behind.unwrap_or(""));
    let mut all = Vec::new();
    for word in words_of(inner) {
        all.extend(braces(&format!("{before}{word}{behind}")));
        if all.len() > MOST_PATTERNS {
            break;
        }
    }
    all
}

/// The first `{` and the `}` that closes it.
fn outer_braces(text: &str) -> Option<(usize, usize)> {
    let open = text.find('{')?;
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some((open, at)),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The words between the commas that stand in no further braces.
fn words_of(inner: &str) -> Vec<&str> {
    let (mut words, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                words.push(inner.get(from..at).unwrap_or(""));
                from = at + 1;
            }
            _ => {}
        }
    }
    words.push(inner.get(from..).unwrap_or(""));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_each_of_their_words() {
        assert_eq!(braces("a{b,c{d,e}}f"), ["abf", "acdf", "acef"]);
        assert_eq!(braces("foo/{,cat}"), ["foo/", "foo/cat"]);
        assert_eq!(braces("a{b"), ["a{b"]);
        assert!(named(Path::new(&"{a,b}".repeat(20))).is_err(), "a million names are refused");
    }

    #[test]
    fn a_pattern_matches_names_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".hidden.conf", "a.conf.bak"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = |pattern: &str| {
            let all = named(&dir.path().join(pattern)).unwrap();
            let files = all.iter().flat_map(|named| &named.files);
            files.map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found("*.conf"), "a.conf b.conf");
        assert_eq!(found("[b-c].conf"), "b.conf");
        assert_eq!(found("{b,a}.conf"), "b.conf a.conf");
        assert_eq!(found("none"), "none", "a plain name is told whether it is there or not");
        assert_eq!(found("none*"), "");
    }

    #[test]
    fn each_unreadable_file_says_why_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("b.conf");
        std::fs::write(&binary, b"a\nb\n\xff").unwrap();
        let message = |path: &Path| read(path).unwrap_err().to_string();
        assert!(message(&binary).contains("b.conf:3:1: byte 4 of the file is not UTF-8; convert it"));
        std::fs::write(&binary, b"a # \xe9t\xe9\nb\n! \xff\nc").unwrap();
        let text = read_configuration(&binary).unwrap();
        assert_eq!((text.text.as_str(), text.foreign), ("a # \u{fffd}t\u{fffd}\nb\n! \u{fffd}\nc", vec![4, 16]));
        std::fs::write(&binary, b"a \"#\xe9\" # x\n").unwrap();
        assert_eq!(read_configuration(&binary).unwrap_err().place(), Some((1, 5)));
        std::fs::write(&binary, b"\x7fELF\0\xff").unwrap();
        assert!(message(&binary).contains("b.conf: byte 4 of the file is zero: this is no text"));
        assert!(message(dir.path()).contains("is a directory; name a file in it"));
        assert!(message(&dir.path().join("none")).contains("no such file; name the configuration with -f FILE"));
        let is_root = rustix::process::geteuid().is_root();
        let unreadable = |kind: std::io::ErrorKind| {
            let error = ConfigError::Unreadable { path: "x".into(), source: kind.into() };
            error.to_string().contains("read it as root")
        };
        assert_eq!(unreadable(std::io::ErrorKind::PermissionDenied), !is_root, "root is not told to be root");
        assert!(!unreadable(std::io::ErrorKind::TimedOut), "no matter of rights");
        let refusal = std::io::Error::from_raw_os_error(13);
        let next = if is_root { "" } else { ", or read it as root" };
        let said = "/d: cannot be listed: Permission denied (os error 13); check owner and mode (ls -ld /d)";
        assert_eq!(unlisted(Path::new("/d"), &refusal), format!("{said}{next}"));
    }
}
