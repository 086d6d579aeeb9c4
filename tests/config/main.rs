//! The configuration language on whole files: the scenarios, files with mistakes, and rubbish.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod bad;
mod bad_input;
mod corpus;
mod groups;
mod lvs;
mod property;
mod scenarios;
mod vrrp;
mod words;

use lvsdeck::engine::{Diagnostic, DiagnosticSeverity, Loaded, load_configuration};
use std::path::{Path, PathBuf};

/// A folder beside this file.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

/// The files of a folder whose names end with `.conf`, in order.
fn configurations(folder_name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(folder_name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "conf")).collect();
    files.sort();
    files
}

fn load(path: &Path) -> Loaded {
    load_configuration(path).unwrap_or_else(|error| panic!("{error}"))
}

/// `3:5 warning unknown-word: message`, without the file's name.
fn short(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        DiagnosticSeverity::Error => "error",
        DiagnosticSeverity::Warning => "warning",
        DiagnosticSeverity::Difference => "difference",
    };
    let Diagnostic { line, column, code, message, .. } = diagnostic;
    format!("{line}:{column} {severity} {code}: {message}")
}
