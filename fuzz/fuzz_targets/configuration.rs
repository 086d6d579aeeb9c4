//! Any text as a configuration: reading it ends, panics nowhere, names places that exist, and shows no escape.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lvsdeck::engine::parse_configuration;

fuzz_target!(|text: &str| {
    let loaded = parse_configuration("fuzzed.conf", text);
    assert_eq!(loaded.configuration.is_none(), loaded.has_errors());
    let lines = text.split('\n').count();
    for told in &loaded.diagnostics {
        assert!((1..=lines).contains(&told.line) && told.column >= 1 && told.length >= 1, "{told:?}");
        assert!(!told.source_line.contains(['\n', '\u{1b}']) && !told.message.is_empty(), "{told:?}");
    }
});
