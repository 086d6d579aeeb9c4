//! Which files a configuration came from, so that a reload does not take a file that it may not read for one that is gone.

use super::files::{self, Named};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// What one pattern of an `include` line came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// File, line and column of the name.
    pub place: String,
    /// The name or pattern, relative names with the directory that they start in.
    pub pattern: PathBuf,
    /// Whether it matches files, rather than names one.
    pub is_wild: bool,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

impl Include {
    pub(super) fn new(place: &str, named: &Named) -> Self {
        let pattern = named.pattern.clone();
        Self { place: place.to_owned(), pattern, is_wild: named.wild, files: Vec::new() }
    }

    /// The directories whose names were compared with a part of the pattern, as far as the pattern itself and the files that it
    /// matched tell them; each once.
    fn directories(&self) -> impl Iterator<Item = PathBuf> {
        let is_wild = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(files::WILD);
        let (mut open, mut all) = (true, BTreeSet::new());
        for (at, _) in self.pattern.components().enumerate().filter(|(_, part)| is_wild(part)) {
            let above = |path: &Path| path.components().take(at).collect::<PathBuf>();
            // The first is written out; those below it are known by what was found.
            if std::mem::take(&mut open) {
                all.insert(above(&self.pattern));
            }
            all.extend(self.files.iter().map(|file| above(file)));
        }
        all.into_iter().map(|path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path })
    }
}

/// Every file of a configuration that was read: this one and those that it includes; and every directory that a pattern was
/// looked for in.
pub fn files_of(file: &Path, includes: &[Include]) -> Vec<PathBuf> {
    let of = |include: &Include| include.directories().chain(include.files.iter().cloned()).collect::<Vec<_>>();
    std::iter::once(file.to_path_buf()).chain(includes.iter().flat_map(of)).collect()
}

/// Why files that `before` had are not in `now`, although the same include line still asks for them: a line each, with place,
/// cause and next step. A file that a pattern matched and that was deleted is the operator's will, and none of them.
pub fn lost(before: &[Include], now: &[Include]) -> Vec<String> {
    let mut lost = Vec::new();
    for asks in now {
        let had = before.iter().filter(|old| old.pattern == asks.pattern).flat_map(|old| &old.files);
        let missing: Vec<_> = had.filter(|file| !asks.files.contains(file)).collect();
        for file in missing {
            if let Some((cause, is_gone)) = cause(file, asks.is_wild) {
                // What can't be read is no matter of the file: somebody else's `check` may read it.
                let next =
                    if is_gone { ": bring it back, or remove the include line; see `lvsdeck check`" } else { "" };
                let line = format!("{}: {cause}, and what runs came from it{next}", asks.place);
                if !lost.contains(&line) {
                    lost.push(line);
                }
            }
        }
    }
    lost
}

/// Why the file was not read, and whether it is gone; none where a pattern matches one less.
fn cause(file: &Path, is_wild: bool) -> Option<(String, bool)> {
    match std::fs::symlink_metadata(file) {
        Err(error) if is_wild && error.kind() == ErrorKind::NotFound => None,
        _ => Some(match files::read_configuration(file) {
            Ok(_) => (format!("{}: was not read", file.display()), true),
            Err(files::ConfigError::NotFound(path)) => (format!("{}: no such file", path.display()), true),
            Err(error) => (error.to_string(), false),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::load;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn the_directories_that_a_pattern_lists_are_known() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        write(&path("main.conf"), "include one.conf\ninclude d/*.conf\ninclude e*/x/?.conf\n");
        for name in ["one.conf", "e1/x/a.conf", "e2/x/b.conf"] {
            write(&path(name), "# nothing\n");
        }
        let includes = load(&path("main.conf")).unwrap().includes;
        let listed =
            ["d", "", "e1/x", "e2/x"].map(|name| if name.is_empty() { place.path().to_owned() } else { path(name) });
        let read = ["main.conf", "one.conf", "e1/x/a.conf", "e2/x/b.conf"].map(path);
        let all: BTreeSet<PathBuf> = files_of(&path("main.conf"), &includes).into_iter().collect();
        assert_eq!(all, listed.into_iter().chain(read).collect(), "an empty one too");
    }

    #[test]
    fn a_file_that_an_include_line_still_names_is_lost_and_one_less_of_a_pattern_is_not() {
        let place = tempfile::tempdir().unwrap();
        let main = place.path().join("main.conf");
        write(&main, "include one.conf\ninclude d/*.conf\n");
        for name in ["one.conf", "d/a.conf", "d/b.conf"] {
            write(&place.path().join(name), "# nothing\n");
        }
        let includes = || load(&main).unwrap().includes;
        let before = includes();
        assert_eq!(before.iter().map(|include| include.files.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(lost(&before, &includes()), Vec::<String>::new());

        std::fs::remove_file(place.path().join("d/a.conf")).unwrap();
        assert_eq!(lost(&before, &includes()), Vec::<String>::new(), "the operator's will");

        std::fs::remove_file(place.path().join("d/b.conf")).unwrap();
        std::os::unix::fs::symlink("nowhere", place.path().join("d/b.conf")).unwrap();
        let told = lost(&before, &includes());
        assert!(told[0].contains("main.conf:2:9: ") && told[0].contains("d/b.conf: no such file, and"), "{told:?}");
        std::fs::remove_file(place.path().join("d/b.conf")).unwrap();

        std::fs::remove_file(place.path().join("one.conf")).unwrap();
        let told = lost(&before, &includes());
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("main.conf:1:9: ") && told[0].contains("remove the include line"), "{told:?}");
        write(&main, "include d/*.conf\n");
        assert_eq!(lost(&before, &includes()), Vec::<String>::new(), "the line is gone");
    }
}
