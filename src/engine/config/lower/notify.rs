//! `notify*`: who is told of changes.

use super::super::argument::Argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};
use super::script;
use crate::engine::model::{Fifos, Notifications, NotifyCommand, NotifyFifo, ScriptUser};

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
        _ => return false,
    };
    set(cx, place, entry);
    true
}

/// A word of `global_defs`; false when it is none of these.
pub(super) fn global(cx: &mut Context, fifos: &mut Fifos, entry: &Entry) -> bool {
    match (entry.keyword.word, &entry.argument) {
        ("notify_fifo", _) => fifos.all.fifo = fifo(cx, entry),
        ("vrrp_notify_fifo", _) => fifos.vrrp.fifo = fifo(cx, entry),
        ("notify_fifo_script", _) => set(cx, &mut fifos.all.script, entry),
        ("vrrp_notify_fifo_script", _) => set(cx, &mut fifos.vrrp.script, entry),
        ("fifo_write_vrrp_states_on_reload", Argument::Switch(on)) => fifos.states_on_reload = *on,
        _ => return false,
    }
    true
}

/// What only both FIFOs together show.
pub(super) fn check(cx: &mut Context, fifos: &mut Fifos, at: super::super::source::Span) {
    let same = fifos.all.fifo.as_ref().zip(fifos.vrrp.fifo.as_ref()).filter(|(all, vrrp)| all.path == vrrp.path);
    if let Some((all, _)) = same {
        let message = format!("notify_fifo and vrrp_notify_fifo both are {}: one of them is used", all.path);
        cx.report
            .add(Problem::warning(at, "given-twice", message).help("give each a path of its own, or leave one out"));
        fifos.vrrp = crate::engine::model::FifoWords::default();
    }
    for (word, words) in [("notify_fifo", &fifos.all), ("vrrp_notify_fifo", &fifos.vrrp)] {
        if words.script.is_some() && words.fifo.is_none() {
            let message = format!("{word}_script without {word}: it is not run");
            cx.report.add(Problem::warning(at, "no-fifo", message).help(format!("write {word} /run/lvsdeck/notify")));
        }
    }
}

fn set(cx: &mut Context, place: &mut Option<NotifyCommand>, entry: &Entry) {
    if place.is_some() {
        let message =
            format!("{} stands here before; this later one is left out, as in keepalived", entry.keyword.word);
        cx.report.add(Problem::warning(entry.at, "given-twice", message).help("write one script that does both"));
        return;
    }
    *place = command(cx, entry);
}

/// A command line in one word or one quoted string, and perhaps the user that runs it and its group.
fn command(cx: &mut Context, entry: &Entry) -> Option<NotifyCommand> {
    let words = cx.words(entry.statement);
    let command = script::parted(cx, entry, words.get(1..2)?);
    (!command.is_empty()).then(|| NotifyCommand { command, user: user(cx, entry) })
}

fn fifo(cx: &mut Context, entry: &Entry) -> Option<NotifyFifo> {
    let path = cx.words(entry.statement).into_iter().nth(1)?;
    if !path.starts_with('/') {
        let message = format!("{} {} is no absolute path", entry.keyword.word, quoted(&path));
        cx.report
            .add(Problem::error(entry.value_at(1), "relative-path", message).help("write a path that begins with /"));
        return None;
    }
    Some(NotifyFifo { path, owner: user(cx, entry) })
}

/// The user and perhaps the group behind the first value.
fn user(cx: &mut Context, entry: &Entry) -> Option<ScriptUser> {
    let mut words = cx.words(entry.statement).into_iter().skip(2);
    let user = ScriptUser { user: words.next()?, group: words.next() };
    if words.next().is_some() {
        let message =
            format!("{} takes a user and perhaps a group behind it; what follows is not used", entry.keyword.word);
        let help = "put a command with arguments into quotes";
        cx.report.add(Problem::warning(entry.value_at(4), "too-many-values", message).help(help));
    }
    Some(user)
}
