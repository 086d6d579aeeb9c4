//! Reads configuration files: the only place of this module that touches the file system.

use std::io::Read;
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
    /// It is a pipe, a socket or a device: reading it may never end.
    #[error("{path}: is not a regular file; write the configuration into one", path = .0.display())]
    NotAFile(PathBuf),
    /// The system refuses.
    #[error("{path}: cannot be read: {source}; check owner and mode (ls -l {path}), or read it as root", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds bytes that are no text.
    #[error(
        "{path}:{line}: byte {offset} of the file is not UTF-8; convert it (iconv -f LATIN1 -t UTF-8 {path}) or retype the line",
        path = path.display()
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first such byte, from 1.
        line: usize,
        /// Its offset, from 0.
        offset: usize,
    },
    /// It is larger than any configuration.
    #[error("{path}: larger than {} MiB; is this a configuration file?", LARGEST / 1024 / 1024, path = .0.display())]
    TooLarge(PathBuf),
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
            Self::TooLarge(_) => "too-large",
        }
    }
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::NotFound(path.to_owned()),
        std::io::ErrorKind::IsADirectory => ConfigError::Directory(path.to_owned()),
        _ => ConfigError::Unreadable { path: path.to_owned(), source },
    };
    if path.is_dir() {
        return Err(ConfigError::Directory(path.to_owned()));
    }
    // What a shell hands over (`<(…)`, /dev/stdin) is a pipe, and somebody is at its other end.
    let is_handed_over = ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|place| path.starts_with(place));
    if !is_handed_over && std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(ConfigError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ConfigError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1;
        ConfigError::NotUtf8 { path: path.to_owned(), line, offset }
    })
}

/// The files that an `include` names, in the order of their names: the path itself, or what its last part matches.
pub(super) fn matching(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let pattern = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !pattern.contains(['*', '?']) {
        return Ok(vec![path.to_owned()]);
    }
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') && path.is_file() && glob(pattern.as_bytes(), name.as_bytes()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name matches a pattern of literal bytes, `?` and `*`. Linear in the name for each `*`.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or(&[]).iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_names() {
        for (pattern, name, matches) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("v?_*.conf", "vs_1.conf", true),
            ("*a*b*", "xxaxxbxx", true),
            ("a", "b", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn each_unreadable_file_says_why_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("b.conf");
        std::fs::write(&binary, b"a\nb\n\xff").unwrap();
        let message = |path: &Path| read(path).unwrap_err().to_string();
        assert!(message(&binary).contains("b.conf:3: byte 4 of the file is not UTF-8; convert it"));
        assert!(message(dir.path()).contains("is a directory; name a file in it"));
        assert!(message(&dir.path().join("none")).contains("no such file; name the configuration with -f FILE"));
    }
}
