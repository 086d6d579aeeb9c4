//! Plays a script: presses its keys and looks at what the loop has drawn, on a thread of its own.

use super::Input;
use crate::ui::script::{Script, Step};
use crate::ui::svg;
use ratatui::buffer::Buffer;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one wait may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the terminal shows, for whoever looks.
#[derive(Default)]
pub struct Shown {
    picture: Mutex<Option<Buffer>>,
    drawn: Condvar,
}

impl Shown {
    /// This is on the terminal now.
    pub fn publish(&self, picture: &Buffer) {
        *self.picture.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture.clone());
        self.drawn.notify_all();
    }

    /// Waits until this holds of a picture's lines; the lines when it never did.
    fn wait(&self, holds: impl Fn(&[String]) -> bool) -> Result<(), Vec<String>> {
        let picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet =
            |picture: &mut Option<Buffer>| !picture.as_ref().is_some_and(|picture| holds(&svg::lines(picture)));
        let waited = self.drawn.wait_timeout_while(picture, PATIENCE, not_yet);
        let (picture, late) = waited.unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() { Err(picture.as_ref().map(svg::lines).unwrap_or_default()) } else { Ok(()) }
    }
}

/// Whether a line shows a text, however many spaces are between its words: wide screens have more.
fn shows(line: &str, text: &str) -> bool {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    squeezed(line).contains(&squeezed(text))
}

/// Plays to the end, or to the first step that fails; that is told to the loop.
pub fn play(script: &Script, shown: &Arc<Shown>, inputs: &SyncSender<Input>) {
    for (line, step) in &script.steps {
        let failed = match step {
            Step::Keys(keys) => {
                if keys.iter().any(|key| inputs.send(Input::Key(*key, Instant::now())).is_err()) {
                    return;
                }
                None
            }
            Step::Wait(text) => shown.wait(|lines| lines.iter().any(|line| shows(line, text))).err().map(|lines| {
                format!("waited {} s in vain for \"{text}\"; the screen:\n{}", PATIENCE.as_secs(), lines.join("\n"))
            }),
            Step::Gone(text) => shown.wait(|lines| !lines.iter().any(|line| shows(line, text))).err().map(|lines| {
                format!("\"{text}\" did not go in {} s; the screen:\n{}", PATIENCE.as_secs(), lines.join("\n"))
            }),
            Step::Pause(time) => {
                std::thread::sleep(*time);
                None
            }
            Step::Save(file) => {
                // What the keys before have made of it, drawn or not.
                let (tell, told) = sync_channel(1);
                let Some(picture) = inputs.send(Input::Look(tell)).ok().and_then(|()| told.recv().ok()) else {
                    return;
                };
                let is_text = file.extension().is_some_and(|end| end == "txt");
                let text = if is_text { svg::lines(&picture).join("\n") + "\n" } else { svg::drawn(&picture) };
                std::fs::write(file, text).err().map(|error| format!("can't write {}: {error}", file.display()))
            }
        };
        if let Some(why) = failed {
            let _ = inputs.send(Input::ScriptFailed(format!("{}:{line}: {why}", script.file)));
            return;
        }
    }
}
