//! `docs/rfc.md` against the list of requirements and against the tests: no requirement is without an answer, and no test is
//! named that does not exist.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The requirements of RFC 3768, 5798 and 9568 by their chapters, the errata, and the authentication of RFC 2338.
const REQUIREMENTS: &[(&str, u32)] = &[
    ("F", 26),
    ("K", 6),
    ("R", 19),
    ("X", 4),
    ("P", 10),
    ("I", 3),
    ("B", 13),
    ("M", 16),
    ("E", 5),
    ("G", 21),
    ("C", 7),
    ("A", 9),
];
const ERRATA: [u32; 6] = [7947, 7949, 8298, 8299, 8300, 8301];

/// Why a requirement may have no test.
const REASONS: [&str; 3] = ["**kernel**", "**operator**", "**not built**"];

struct Row {
    id: String,
    answer: String,
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/rfc.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let table = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id"));
    table
        .map(|line| {
            // An empty cell is two bars with a blank between them.
            let cells = cells(&line.replace("| |", "| - |").replace("| |", "| - |"));
            assert_eq!(cells.len(), 5, "{line}");
            Row { id: cells[0].clone(), answer: cells[4].clone() }
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The functions of all tests: those behind `#[test]`, and those of proptest, which has its own way.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                collect(&fs::read_to_string(path).unwrap(), &mut found);
            }
        }
    }
    found
}

fn collect(text: &str, found: &mut BTreeSet<String>) {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        match line.strip_prefix("fn ") {
            Some(rest) if is_test => {
                found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
                is_test = false;
            }
            Some(_) => is_test = false,
            None if line.starts_with("#[test]") => is_test = true,
            None => {}
        }
    }
}

fn named(answer: &str) -> impl Iterator<Item = &str> {
    answer
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.len() > 20 && word.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()))
}

#[test]
fn every_requirement_has_one_row_and_there_is_no_other() {
    let chapters = REQUIREMENTS.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}")));
    let wanted: Vec<String> = chapters.chain(ERRATA.iter().map(ToString::to_string)).collect();
    let rows = rows();
    let mut ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice");
    let missing: Vec<_> = wanted.iter().filter(|id| !ids.contains(&id.as_str())).collect();
    let strange: Vec<_> = ids.iter().filter(|id| !wanted.iter().any(|wanted| wanted == *id)).collect();
    assert!(missing.is_empty() && strange.is_empty(), "missing: {missing:?}, unknown: {strange:?}");
}

#[test]
fn every_row_names_a_test_that_exists_or_says_why_there_is_none() {
    let tests = tests();
    let mut wrong = Vec::new();
    for Row { id, answer } in rows() {
        wrong.extend(named(&answer).filter(|name| !tests.contains(*name)).map(|name| format!("{id}: no test {name}")));
        let excused = REASONS.iter().any(|reason| answer.starts_with(reason));
        let bare = ["**kernel**", "**not built**"].contains(&answer.as_str());
        if (named(&answer).next().is_none() && !excused) || bare {
            wrong.push(format!("{id}: neither a test nor a reason"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
