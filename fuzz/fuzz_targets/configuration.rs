//! Any text as a configuration: reading it ends, panics nowhere, names places that exist, and shows no escape.

#![no_main]
#![allow(dead_code, unused_imports)] // one function of two layers is fuzzed, all of them is compiled

#[path = "../../src/engine/config/mod.rs"]
mod config;
#[path = "../../src/engine/model/mod.rs"]
mod model;

/// The layers under the names that they have in the crate.
mod engine {
    pub(crate) use crate::{config, model};
}

use config::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let loaded = parse("fuzzed.conf", text);
    assert_eq!(loaded.configuration.is_none(), loaded.has_errors());
    let lines = text.split('\n').count();
    for told in &loaded.diagnostics {
        assert!((1..=lines).contains(&told.line) && told.column >= 1 && told.length >= 1, "{told:?}");
        assert!(!told.source_line.contains(['\n', '\u{1b}']) && !told.message.is_empty(), "{told:?}");
    }
});
