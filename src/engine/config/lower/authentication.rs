//! `authentication` of an instance.

use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use crate::engine::model::{Authentication, Password};

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
