//! `authentication` of an instance.

use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use crate::engine::model::{Authentication, Password};

/// Whether a password looks like a name that was to be replaced: `$PASS` or `${PASS}`.
fn is_name(text: &str) -> bool {
    let Some(name) = text.strip_prefix('$') else { return false };
    let name = name.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>) -> Authentication {
    let (mut chosen, mut password) = (None, None);
    for entry in cx.entries(Block::Authentication, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("auth_type", Argument::Text(kind)) => chosen = Some((kind == "AH", entry.at)),
            ("auth_pass", Argument::Text(text)) => {
                if text.len() > 8 {
                    let message = "auth_pass is longer than 8 bytes; its first 8 count, as in keepalived";
                    cx.report.add(
                        Problem::warning(entry.value_at(1), "password-cut", message)
                            .help("shorten it to 8 bytes on all nodes"),
                    );
                }
                if is_name(text) {
                    let message = "auth_pass is a $NAME that is not defined: the password is the name as it stands, as with keepalived";
                    let help = "write $NAME=VALUE above the line that uses it, on all nodes";
                    cx.report.add(Problem::warning(entry.value_at(1), "definition", message).help(help).secret());
                }
                password = Some((Password::new(text), entry.at));
            }
            _ => {}
        }
    }
    match (chosen, password) {
        (Some((true, _)), Some((password, _))) => Authentication::Ah(password),
        (Some((false, _)), Some((password, _))) => Authentication::Pass(password),
        // That it stands on the line of another word was said.
        (Some(_), None) if cx.holds(block.inner(), "auth_pass") && !cx.mentions(block.inner(), "auth_pass") => {
            Authentication::None
        }
        (Some((_, at)), None) => {
            let message = "auth_type without auth_pass: nothing is authenticated, as in keepalived";
            cx.report.add(Problem::warning(at, "no-authentication", message).help("write auth_pass PASSWORD"));
            Authentication::None
        }
        (None, Some((_, at))) if !cx.mentions(block.inner(), "auth_type") => {
            let message = "auth_pass without auth_type: no password is sent, as in keepalived";
            cx.report.add(Problem::warning(at, "no-authentication", message).help("write auth_type PASS"));
            Authentication::None
        }
        (None, _) => Authentication::None,
    }
}
