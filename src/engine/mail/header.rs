//! Values of headers: one line each, whatever they are made of, and ASCII (RFC 2047).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text in an encoded word of 75 characters, less the frame.
const WORD: usize = 45;
/// Characters of a value that are kept: fewer than a line may have (RFC 5322 §2.1.1: 998).
const MOST: usize = 400;

/// Without anything that could end a line or steer a terminal.
pub(super) fn clean(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '?' } else { c }).take(MOST).collect()
}

/// The name of a host as the right side of an identifier.
pub(super) fn domain(host: &str) -> String {
    let safe: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(100).collect();
    if safe.is_empty() { "localhost".to_owned() } else { safe }
}

/// A text of people. One of ASCII stays on its line, as keepalived leaves it: filters look at lines.
pub(super) fn text(value: &str) -> String {
    let value = clean(value);
    if value.is_ascii() { value } else { encoded(&value) }
}

fn encoded(value: &str) -> String {
    let mut words = vec![String::new()];
    for c in value.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > WORD) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}
