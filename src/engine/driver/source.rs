//! Where a configuration comes from: the file, read and cut to the part that is run.

use super::shared::Identity;
use crate::engine::config::settings::Place;
use crate::engine::config::{self, Diagnostic, Include, Severity};
use crate::engine::io::{host, userspace};
use crate::engine::model::{Configuration, Settings};
use crate::engine::snapshot::{ConfigStatus, Warning};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Where a configuration comes from, and which part of it is run.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// `--vrrp-only`: no services.
    pub vrrp_only: bool,
    /// `--ipvs-only`: no instances.
    pub ipvs_only: bool,
    /// `--dataplane userspace`: no services that it can't serve, which are told as warnings.
    pub userspace: bool,
    /// `--settings`: lvsdeck's own.
    pub settings: Place,
    /// `--config-id`: what `@id` lines are compared with; the host's name where there is none.
    pub config_id: Option<String>,
}

/// A configuration as it was read, with what is to be said about it.
#[derive(Debug)]
pub struct Read {
    /// What is to run.
    pub configuration: Arc<Configuration>,
    /// Which file, when, and the warnings of it.
    pub identity: Identity,
    /// What its include lines came to.
    pub includes: Vec<Include>,
}

/// Why a file can't be run: one line a mistake.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Unfit(pub Vec<String>);

impl Source {
    /// Reads the file. `generation` counts the loads from 1.
    pub fn read(&self, generation: u64) -> Result<Read, Unfit> {
        let loaded =
            config::load_as(&self.file, self.config_id.as_deref()).map_err(|error| Unfit(vec![error.to_string()]))?;
        let (settings, mistakes) = match config::settings::load(&self.settings) {
            Ok(settings) => (settings, Vec::new()),
            Err(mistakes) => (Settings::default(), mistakes),
        };
        let (mut warnings, mut errors) = (Vec::new(), Vec::new());
        for diagnostic in mistakes {
            errors.push(in_a_line(&diagnostic));
        }
        let has_bad_settings = !errors.is_empty();
        for diagnostic in loaded.diagnostics {
            let place = format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column);
            if diagnostic.severity == Severity::Error {
                errors.push(format!("{place}: {}", diagnostic.message));
                continue;
            }
            warnings.push(Warning {
                code: format!("configuration-{}", diagnostic.code),
                subject: place,
                message: diagnostic.message,
                next: diagnostic.help.unwrap_or_default(),
            });
        }
        let Some(mut configuration) = loaded.configuration else {
            errors.push(format!("this file would not run; see `lvsdeck check -f {}`", self.file.display()));
            return Err(Unfit(errors));
        };
        if has_bad_settings {
            return Err(Unfit(errors));
        }
        configuration.follow(settings);
        configuration = configuration.half(self.vrrp_only, self.ipvs_only);
        if self.userspace {
            warnings.extend(userspace::cut(&mut configuration));
        }
        let node = configuration.global.router_id.clone().unwrap_or_else(host::name);
        let config = ConfigStatus { file: self.file.display().to_string(), loaded_at: SystemTime::now(), generation };
        let identity = Identity { node, mode: "run", dataplane: String::new(), config, warnings };
        Ok(Read { configuration: Arc::new(configuration), identity, includes: loaded.includes })
    }
}

/// A message without the line that it is about.
fn in_a_line(diagnostic: &Diagnostic) -> String {
    let Diagnostic { file, line, column, message, help, .. } = diagnostic;
    let place = if *line == 0 { String::new() } else { format!("{file}:{line}:{column}: ") };
    let help = help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
    format!("{place}{message}{help}")
}
