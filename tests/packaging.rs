//! What the Debian package brings: its unit, its scripts and its pages, as far as that can be looked at without building it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test: a panic is its verdict

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn here(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The values of a word of the unit.
fn unit(word: &str) -> Vec<String> {
    let text = here("packaging/lvsdeck.service");
    let value = |line: &str| line.strip_prefix(word)?.strip_prefix('=').map(str::to_owned);
    text.lines().filter_map(value).collect()
}

/// Names below `/usr/share/doc/lvsdeck`, each with the file here that it comes from.
fn pages() -> Vec<(String, String)> {
    let text = here("Cargo.toml");
    let assets = text.split("[package.metadata.deb]").nth(1).unwrap().split("assets = [").nth(1).unwrap();
    let mut pages = Vec::new();
    for line in assets.lines().take_while(|line| *line != "]") {
        let words: Vec<&str> = line.split('"').collect();
        let [_, from, _, to, ..] = words[..] else { continue };
        let Some(to) = to.strip_prefix("usr/share/doc/lvsdeck/") else { continue };
        let Some((directory, wanted)) = from.rsplit_once('/').filter(|(_, name)| name.contains('*')) else {
            pages.push((to.to_owned(), from.to_owned()));
            continue;
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        for entry in fs::read_dir(root).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if wanted == "*" || name.ends_with(wanted.trim_start_matches('*')) {
                pages.push((format!("{to}{name}"), format!("{directory}/{name}")));
            }
        }
    }
    pages
}

/// README.md as `packaging/build` makes it for the package.
fn readme() -> String {
    let made = tempfile::tempdir().unwrap();
    let build = here("packaging/build");
    let line = build.lines().find(|line| line.ends_with("README.md\"")).expect("a line that makes README.md");
    let mut shell = Command::new("sh");
    let done = shell.args(["-euc", line]).current_dir(env!("CARGO_MANIFEST_DIR")).env("made", made.path());
    assert!(done.status().unwrap().success(), "{line}");
    fs::read_to_string(made.path().join("README.md")).unwrap()
}

#[test]
fn every_link_of_a_page_in_the_package_leads_to_a_page_in_the_package() {
    let pages = pages();
    let there: BTreeSet<&str> = pages.iter().map(|(to, _)| to.as_str()).collect();
    let mut looked_at = 0;
    for (to, from) in
        pages.iter().filter(|(to, _)| Path::new(to).extension().is_some_and(|extension| extension == "md"))
    {
        let text = if to == "README.md" { readme() } else { here(from) };
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_known =
                there.contains(link) || there.iter().any(|name| link.ends_with('/') && name.starts_with(link));
            assert!(link.is_empty() || link.contains("://") || is_known, "{to}: {link}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}

#[test]
fn the_unit_lets_the_clock_be_asked_and_the_list_of_modules_be_read_and_nothing_be_set_or_loaded() {
    assert_eq!(unit("SystemCallFilter"), ["@system-service adjtimex clock_adjtime"]);
    for word in ["ProtectClock", "ProtectKernelModules"] {
        assert_eq!(unit(word), [""; 0], "{word} forbids to look as well");
    }
    let capabilities = unit("CapabilityBoundingSet").join(" ");
    for capability in ["CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_ADMIN"] {
        assert!(!capabilities.is_empty() && !capabilities.contains(capability), "{capabilities}");
    }
}

#[test]
fn a_purge_takes_the_state_along_and_a_removal_does_not() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("var/lib/lvsdeck");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("overrides.json"), "{}").unwrap();
    for (word, stays) in [("remove", true), ("upgrade", true), ("purge", false), ("purge", false)] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/postrm");
        let done = Command::new("sh").arg(script).arg(word).env("DPKG_ROOT", root.path()).status().unwrap();
        assert!(done.success(), "{word}");
        assert_eq!(state.exists(), stays, "{word}");
    }
}
