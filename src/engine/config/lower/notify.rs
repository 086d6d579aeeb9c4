//! `notify*`: who is told of changes.

use super::super::Wanted;
use super::super::argument::Argument;
use super::super::diagnostic::Problem;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::command;
use crate::engine::model::{EdgeCommands, FifoWords, Fifos, Notifications, NotifyCommand, NotifyFifo, ScriptUser};

/// A word of an instance or a sync group; false when it is none of these.
pub(super) fn lower(cx: &mut Context, notifications: &mut Notifications, entry: &Entry) -> bool {
    let place = match (entry.keyword.word, &entry.argument) {
        ("notify", _) => &mut notifications.any,
        ("notify_master", _) => &mut notifications.master,
        ("notify_backup", _) => &mut notifications.backup,
        ("notify_fault", _) => &mut notifications.fault,
        ("notify_stop", _) => &mut notifications.stop,
        ("notify_master_rx_lower_pri", _) => &mut notifications.master_rx_lower_pri,
        ("notify_deleted", _) => {
            notifications.tells_deleted = true;
            if entry.statement.words.len() < 2 {
                return true;
            }
            &mut notifications.deleted
        }
        ("notify_priority_changes", Argument::Switch(on)) => {
            notifications.priority_changes = *on;
            return true;
        }
        ("smtp_alert", Argument::Switch(on)) => {
            notifications.mails = *on;
            return true;
        }
        _ => return false,
    };
    *place = command(cx, entry);
    true
}

/// A word of `global_defs`; false when it is none of these.
pub(super) fn global(cx: &mut Context, fifos: &mut Fifos, entry: &Entry) -> bool {
    match (entry.keyword.word, &entry.argument) {
        ("notify_fifo", _) => fifos.all.fifo = fifo(cx, entry),
        ("vrrp_notify_fifo", _) => fifos.vrrp.fifo = fifo(cx, entry),
        ("lvs_notify_fifo", _) => fifos.lvs.fifo = fifo(cx, entry),
        ("notify_fifo_script", _) => fifos.all.script = command(cx, entry),
        ("lvs_notify_fifo_script", _) => fifos.lvs.script = command(cx, entry),
        ("vrrp_notify_fifo_script", _) => fifos.vrrp.script = command(cx, entry),
        ("fifo_write_vrrp_states_on_reload", Argument::Switch(on)) => fifos.states_on_reload = *on,
        _ => return false,
    }
    true
}

/// What only the FIFOs together show.
pub(super) fn check(cx: &mut Context, fifos: &mut Fifos, at: Span) {
    let path = |words: &FifoWords| words.fifo.as_ref().map(|fifo| fifo.path.clone());
    let (all, vrrp) = (path(&fifos.all), path(&fifos.vrrp));
    once(cx, at, &mut fifos.vrrp, "vrrp_notify_fifo", [("notify_fifo", all.clone())]);
    once(cx, at, &mut fifos.lvs, "lvs_notify_fifo", [("notify_fifo", all), ("vrrp_notify_fifo", vrrp)]);
    for (word, words) in
        [("notify_fifo", &fifos.all), ("vrrp_notify_fifo", &fifos.vrrp), ("lvs_notify_fifo", &fifos.lvs)]
    {
        if words.script.is_some() && words.fifo.is_none() {
            let message = format!("{word}_script without {word}: it is not run");
            cx.report.add(Problem::warning(at, "no-fifo", message).help(format!("write {word} /run/lvsdeck/notify")));
        }
    }
}

/// Leaves a FIFO out that another word names already.
fn once<const N: usize>(
    cx: &mut Context,
    at: Span,
    words: &mut FifoWords,
    word: &str,
    others: [(&str, Option<String>); N],
) {
    let path = words.fifo.as_ref().map(|fifo| fifo.path.clone());
    let same = others.into_iter().find(|(_, other)| other.is_some() && *other == path);
    if let (Some((other, _)), Some(path)) = (same, path) {
        let message = format!("{other} and {word} both are {path}: one of them is used");
        cx.report
            .add(Problem::warning(at, "given-twice", message).help("give each a path of its own, or leave one out"));
        *words = FifoWords::default();
    }
}

/// The scripts of a service or a server; none where there are none.
pub(super) fn edges(commands: &EdgeCommands) -> Option<Box<EdgeCommands>> {
    (*commands != EdgeCommands::default()).then(|| Box::new(commands.clone()))
}

/// A command line in one word or one quoted string, and perhaps the user that runs it and its group.
pub(super) fn command(cx: &mut Context, entry: &Entry) -> Option<NotifyCommand> {
    let (command, behind) = command::first(cx, entry);
    if command.is_empty() {
        return None;
    }
    let user = user(cx, entry, behind);
    cx.wants_program(&command, user.as_ref(), entry.value_at(1));
    Some(NotifyCommand { command, user })
}

fn fifo(cx: &mut Context, entry: &Entry) -> Option<NotifyFifo> {
    let path = command::absolute(cx, &cx.words(entry.statement).into_iter().nth(1)?, entry);
    let behind = cx.words(entry.statement).into_iter().zip(entry.statement.words.iter().map(|token| token.span));
    let owner = user(cx, entry, behind.skip(2).collect());
    Some(NotifyFifo { path, owner })
}

/// The user and perhaps the group behind the first value.
fn user(cx: &mut Context, entry: &Entry, behind: Vec<(String, Span)>) -> Option<ScriptUser> {
    let mut words = behind.into_iter();
    let (user, at) = words.next()?;
    let user = ScriptUser { user, group: words.next().map(|(group, _)| group) };
    cx.wanted.push((at, Wanted::User(user.clone())));
    if let Some((_, at)) = words.next() {
        let message =
            format!("{} takes a user and perhaps a group behind it; what follows is not used", entry.keyword.word);
        let help = "put a command with arguments into quotes";
        cx.report.add(Problem::warning(at, "too-many-values", message).help(help));
    }
    Some(user)
}
