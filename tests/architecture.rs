//! The walls of `docs/architecture.md`, held against the sources: imports by layer, words in their homes, the size budget.
//!
//! The sources are read as text: comments, text literals and test modules do not count.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // this whole crate is a test

#[path = "architecture/law.rs"]
mod law;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/source.rs"]
mod source;

use source::Source;
use std::path::Path;

fn production() -> Vec<Source> {
    let tree = source::read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(tree.len() > 20, "the sources were not found");
    tree.into_iter().filter(|source| !source.is_test()).collect()
}

fn none<I: IntoIterator<Item = String>>(breaches: impl Fn(&Source) -> I) {
    let found: Vec<String> = production().iter().flat_map(breaches).collect();
    assert!(found.is_empty(), "{} breaches of docs/architecture.md:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_module_uses_lower_layers_only() {
    none(law::import_breaches);
}

#[test]
fn every_engine_module_has_its_layer() {
    none(law::unknown_module);
}

#[test]
fn clocks_threads_terminals_and_sockets_stay_in_their_homes() {
    none(law::token_breaches);
}

#[test]
fn every_file_has_its_doc_its_size_and_nothing_unfinished() {
    none(law::file_breaches);
}

#[test]
fn the_median_file_is_small_and_main_is_tiny() {
    let sources = production();
    let mut sizes: Vec<usize> = sources.iter().map(Source::production_lines).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= law::MEDIAN_LIMIT, "the median file has {median} lines, at most {}", law::MEDIAN_LIMIT);
    let main = sources.iter().find(|source| source.path == "main.rs").unwrap().production_lines();
    assert!(main <= 40, "main.rs has {main} lines, at most 40");
}
