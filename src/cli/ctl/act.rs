//! Gives a command and prints its answer.

use super::CtlError;
use super::args::Act;
use super::print::{Page, Style};
use crate::engine::{Answer, Command, CommandRequest, EngineHandle, Outcome, ServiceSelector, Who};
use std::time::Duration;

/// How often and how long the end of an engine is awaited: 15 s in all, 5 s more than it may take.
const END_WAITS: u32 = 60;
const END_WAIT: Duration = Duration::from_millis(250);

/// Gives the command; a preview or what was done goes to the page, a refusal is an error.
pub(super) fn perform(act: &Act, engine: &dyn EngineHandle, page: &mut Page<'_>) -> Result<(), CtlError> {
    let (command, how) = act.command();
    let verb = command.verb();
    let request = CommandRequest { command, reason: how.reason.clone(), dry_run: how.dry_run, token: None };
    let answer = engine.command(&request, &Who::default())?;
    if how.json {
        page.json(&answer, true)?;
    }
    match answer.outcome {
        Outcome::Preview | Outcome::Done if how.json => Ok(()),
        Outcome::Preview => preview(&answer, page),
        Outcome::Done => done(&answer, page),
        Outcome::Refused | Outcome::Stale => Err(CtlError::Undone(format!("{verb} refused: {}", answer.message))),
        Outcome::Failed => Err(CtlError::Undone(format!("{verb} failed: {}", answer.message))),
    }
}

/// Returns once an engine that was told to stop does not answer any more: what follows in a script may rely on its
/// addresses being gone.
pub(super) fn await_end(engine: &dyn EngineHandle) -> Result<(), CtlError> {
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
    page.line(Style::Plain, "nothing was done: this was a dry run")
}

fn done(answer: &Answer, page: &mut Page<'_>) -> Result<(), CtlError> {
    page.line(Style::Plain, &answer.message)?;
    undo(answer, page)
}

fn undo(answer: &Answer, page: &mut Page<'_>) -> Result<(), CtlError> {
    match &answer.preview.undo {
        Some(command) => page.line(Style::Plain, &format!("  undo     {}", as_typed(command))),
        None => Ok(()),
    }
}

/// A command as it is typed in a shell.
fn as_typed(command: &Command) -> String {
    let verb = command.verb();
    let arguments = match command {
        Command::Failover { instance, hold_seconds, blind } => {
            let hold = hold_seconds.map_or_else(String::new, |s| format!(" --for {s}s"));
            format!("{}{hold}{}", instance.as_deref().unwrap_or("--all"), if *blind { " --blind" } else { "" })
        }
        Command::Rejoin { instance } => instance.as_deref().unwrap_or("--all").to_owned(),
        Command::Takeover { instance } => instance.clone(),
        Command::Drain { server, service, deadline_seconds } => {
            let deadline = deadline_seconds.map_or_else(String::new, |s| format!(" --deadline {s}s"));
            format!("{server}{}{deadline}", within(service.as_ref()))
        }
        Command::Restore { server, service } => format!("{server}{}", within(service.as_ref())),
        Command::Weight { service, server, weight } => format!("{service} {server} {weight}"),
        Command::AddServer { service, server, weight, forward } => {
            let weight = weight.map_or_else(String::new, |weight| format!(" --weight {weight}"));
            let forward = forward.map_or_else(String::new, |forward| format!(" --forward {forward}"));
            format!("{service} {server}{weight}{forward}")
        }
        Command::RemoveServer { service, server } => format!("{service} {server}"),
        Command::AddService { service, scheduler, forward, persistence } => {
            let scheduler = scheduler.map_or_else(String::new, |scheduler| format!(" --scheduler {scheduler}"));
            let forward = forward.map_or_else(String::new, |forward| format!(" --forward {forward}"));
            let persistence = persistence.map_or_else(String::new, |seconds| format!(" --persistent {seconds}s"));
            format!("{service}{scheduler}{forward}{persistence}")
        }
        Command::RemoveService { service } => service.to_string(),
        Command::Reload => String::new(),
        Command::Undo { id } => id.map_or_else(String::new, |id| id.to_string()),
        Command::Stop { keep } => if *keep { "--keep" } else { "" }.to_owned(),
    };
    format!("lvsdeck ctl {verb} {arguments}").trim_end().to_owned()
}

fn within(service: Option<&ServiceSelector>) -> String {
    service.map_or_else(String::new, |service| format!(" --service {service}"))
}
