//! Gives a command and prints its answer.

use super::CtlError;
use super::args::Act;
use super::print::{Page, Style};
use crate::engine::{Answer, Command, CommandRequest, EngineHandle, Outcome, Process, Who};
use std::time::Duration;

/// How often and how long the end of an engine is awaited: 15 s in all, 5 s more than it may take.
const END_WAITS: u32 = 60;
const END_WAIT: Duration = Duration::from_millis(250);

/// Gives the command; a preview or what was done goes to the page, a refusal is an error.
pub(super) fn perform(act: &Act, engine: &dyn EngineHandle, page: &mut Page<'_>) -> Result<(), CtlError> {
    let (command, how) = act.command();
    let called = command.act();
    let request = CommandRequest {
        command,
        reason: how.reason.clone(),
        dry_run: how.dry_run,
        token: how.token.clone(),
        force: act.forces(),
    };
    let answer = engine.command(&request, &Who::default())?;
    if how.json {
        page.json(&answer, true)?;
    }
    match answer.outcome {
        Outcome::Preview | Outcome::Done if how.json => Ok(()),
        Outcome::Preview => preview(&answer, page),
        Outcome::Done => done(&answer, page),
        Outcome::Refused | Outcome::Stale => Err(CtlError::Undone(format!("{called} refused: {}", answer.message))),
        Outcome::Failed => Err(CtlError::Undone(format!("{called} failed: {}", answer.message))),
    }
}

/// Returns once an engine that was told to stop has ended: what follows in a script may rely on its addresses being gone, and on
/// its files being free. A process that can't be seen from here has ended when it does not answer any more.
pub(super) fn await_end(engine: &dyn EngineHandle, process: Option<&Process>) -> Result<(), CtlError> {
    if let Some(process) = process {
        if process.wait_gone(END_WAIT * END_WAITS) {
            return Ok(());
        }
        let message = format!("stop was accepted, but pid {} has not ended; its log says what hangs", process.pid);
        return Err(CtlError::Undone(message));
    }
    for _ in 0..END_WAITS {
        // Waits in the engine for an event that it will not live to see, or for the next one of its end.
        let Ok(summary) = engine.summary() else { return Ok(()) };
        if engine.events(summary.last_event, 1, END_WAIT).is_err() {
            return Ok(());
        }
    }
    Err(CtlError::Undone("stop was accepted, but the engine still answers; its log says what hangs".to_owned()))
}

fn preview(answer: &Answer, page: &mut Page<'_>) -> Result<(), CtlError> {
    let shown = &answer.preview;
    page.line(Style::Strong, &answer.message)?;
    for (title, lines) in
        [("before", &shown.before), ("after", &shown.after), ("does", &shown.ops), ("ipvsadm", &shown.ipvsadm)]
    {
        for line in lines {
            page.line(Style::Plain, &format!("  {title:<8} {line}"))?;
        }
    }
    if !shown.blast_radius.is_empty() {
        page.line(Style::Notice, &format!("  affects  {}", shown.blast_radius))?;
    }
    undo(answer, page)?;
    if let Some(token) = &answer.token {
        page.line(Style::Plain, &format!("  token    --token {token} does exactly this"))?;
    }
    page.line(Style::Plain, "nothing was done: this was a dry run")
}

fn done(answer: &Answer, page: &mut Page<'_>) -> Result<(), CtlError> {
    page.line(Style::Plain, &answer.message)?;
    undo(answer, page)
}

/// What takes it back, a line for each step, to be typed as it stands.
fn undo(answer: &Answer, page: &mut Page<'_>) -> Result<(), CtlError> {
    let lines = answer.preview.undo.iter().flat_map(Command::typed);
    lines.into_iter().try_for_each(|line| page.line(Style::Plain, &format!("  undo     lvsdeck ctl {line}")))
}
