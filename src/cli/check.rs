//! `lvsdeck check`: reads a configuration and says what is wrong with it.
//!
//! Messages go to standard error and the closing line to standard output; with `--json` an array of messages goes to
//! standard output and nothing else is printed. It starts nothing and changes nothing.

use super::GlobalArgs;
use crate::engine::{
    ConfigError, Diagnostic, DiagnosticSeverity, Loaded, SettingsPlace, difference_of_unreadable,
    load_against_keepalived, load_configuration_as, load_settings, look_on_host, settings_files,
};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use unicode_width::UnicodeWidthChar;

/// Where a configuration is looked for when none is named.
const DEFAULT_FILES: [&str; 2] = ["/etc/lvsdeck/lvsdeck.conf", "/etc/keepalived/keepalived.conf"];
/// It would run, otherwise than its author meant.
const WARNINGS: u8 = 5;
/// It would not run.
const ERRORS: u8 = 2;

/// Arguments of `lvsdeck check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck check -f /etc/keepalived/keepalived.conf\n\n\
    Exit codes: 0 clean, 5 warnings (it would run), 2 errors (it would not run), 64 wrong use")]
pub struct CheckArgs {
    /// The configuration [default: /etc/lvsdeck/lvsdeck.conf, else /etc/keepalived/keepalived.conf]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Read the file as the node with this name does (@id lines) [default: the host's name, up to the first dot]
    #[arg(short = 'i', long, value_name = "ID")]
    pub config_id: Option<String>,
    /// lvsdeck's own settings, which are checked too [default: /etc/lvsdeck/lvsdeck.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Print the messages as a JSON array on standard output
    #[arg(long)]
    pub json: bool,
    /// Say also what another program would do otherwise with the file
    #[arg(long, value_name = "PROGRAM")]
    pub against: Option<Other>,
    /// Print the configuration that was read as JSON on standard output, secrets masked
    #[arg(long, conflicts_with = "json")]
    pub dump: bool,
}

/// A program that reads the same files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Other {
    /// keepalived 2.2.7
    Keepalived,
}

/// Checks a file, and says what else was found. A closed standard output or error is no failure: the exit code still tells.
pub fn run(args: &CheckArgs, global: &GlobalArgs, else_found: Vec<Diagnostic>) -> ExitCode {
    let file = args.file.clone().unwrap_or_else(default_file);
    let load = match args.against {
        Some(Other::Keepalived) => load_against_keepalived,
        None => load_configuration_as,
    };
    let mut loaded = load(&file, args.config_id.as_deref()).unwrap_or_else(|error| {
        let difference = args.against.and_then(|Other::Keepalived| difference_of_unreadable(&error));
        unreadable(&file, &error, difference)
    });
    let settings = SettingsPlace::from(args.settings.clone());
    loaded.asked.extend(settings_files(&settings));
    look_on_host(&mut loaded, args.against.is_some());
    loaded.diagnostics.extend(else_found);
    match (load_settings(&settings), &mut loaded.configuration) {
        (Ok(settings), Some(configuration)) => configuration.follow(settings),
        (Ok(_), None) => {}
        (Err(mistakes), configuration) => {
            *configuration = None;
            loaded.diagnostics.extend(mistakes);
        }
    }
    let _ = if args.json { print_json(&loaded) } else { print_text(&file, &loaded, args.dump, global) };
    if loaded.has_errors() {
        ExitCode::from(ERRORS)
    } else if loaded.has_warnings() {
        ExitCode::from(WARNINGS)
    } else {
        ExitCode::SUCCESS
    }
}

/// The first default file that there is; the last one when there is none.
fn default_file() -> PathBuf {
    let [ours, theirs] = DEFAULT_FILES.map(Path::new);
    if ours.exists() { ours.to_owned() } else { theirs.to_owned() }
}

/// A file that can't be read is one message, with the place in it where there is one; and what another program would do.
fn unreadable(file: &Path, error: &ConfigError, difference: Option<String>) -> Loaded {
    let (line, column) = error.place().unwrap_or_default();
    let (whole, place) = (error.to_string(), format!("{}:{line}:{column}: ", file.display()));
    let diagnostic = Diagnostic {
        severity: DiagnosticSeverity::Error,
        code: error.code(),
        file: file.to_string_lossy().into_owned(),
        line,
        column,
        length: usize::from(line > 0),
        source_line: String::new(),
        message: whole.strip_prefix(&place).unwrap_or(&whole).to_owned(),
        help: None,
    };
    let difference = difference.map(|message| Diagnostic {
        severity: DiagnosticSeverity::Difference,
        code: "difference",
        message,
        ..diagnostic.clone()
    });
    let diagnostics = std::iter::once(diagnostic).chain(difference).collect();
    Loaded { configuration: None, diagnostics, asked: Vec::new(), includes: Vec::new() }
}

fn print_json(loaded: &Loaded) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &loaded.diagnostics)?;
    writeln!(out)?;
    out.flush()
}

fn print_text(file: &Path, loaded: &Loaded, dump: bool, global: &GlobalArgs) -> std::io::Result<()> {
    let colored = global.color.applies(std::io::stderr().is_terminal());
    let text: String = loaded.diagnostics.iter().map(|diagnostic| message(diagnostic, colored)).collect();
    std::io::stderr().lock().write_all(text.as_bytes())?;
    let closing = format!("{}: {}", file.display(), summary(loaded));
    let mut out = std::io::stdout().lock();
    match &loaded.configuration {
        Some(configuration) if dump => {
            serde_json::to_writer_pretty(&mut out, configuration)?;
            writeln!(out)?;
        }
        None if dump => writeln!(std::io::stderr(), "{closing}")?,
        _ => writeln!(out, "{closing}")?,
    }
    out.flush()
}

/// One message: place and what, the line, the caret, the help.
fn message(diagnostic: &Diagnostic, colored: bool) -> String {
    let paint = |code: &str, text: &str| if colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let (level, color) = match diagnostic.severity {
        DiagnosticSeverity::Error => ("error:", "1;31"),
        DiagnosticSeverity::Warning => ("warning:", "1;33"),
        DiagnosticSeverity::Difference => ("otherwise:", "1;35"),
    };
    let level = paint(color, level);
    if diagnostic.line == 0 {
        return format!("{level} {}\n", diagnostic.message);
    }
    let place = format!("{}:{}:{}:", diagnostic.file, diagnostic.line, diagnostic.column);
    let mut text = format!("{} {level} {}\n", paint("1", &place), diagnostic.message);
    if !diagnostic.source_line.trim().is_empty() {
        text.extend([diagnostic.source_line.as_str(), "\n"]);
        if let Some((padding, carets)) = caret(diagnostic) {
            text.extend([padding, paint(color, &carets), "\n".to_owned()]);
        }
    }
    if let Some(help) = &diagnostic.help {
        text.extend(["  ", &paint("1;36", "help:"), " ", help, "\n"]);
    }
    text
}

/// What stands before the caret, and the caret; none when the place is not on the line as it is shown.
fn caret(diagnostic: &Diagnostic) -> Option<(String, String)> {
    let before = diagnostic.column.saturating_sub(1);
    let marked: Vec<char> = diagnostic.source_line.chars().skip(before).take(diagnostic.length).collect();
    let width: usize = marked.iter().map(|c| c.width().unwrap_or(1)).sum();
    let padding = diagnostic.source_line.chars().take(before).map(|c| match c {
        '\t' => "\t".to_owned(),
        _ => " ".repeat(c.width().unwrap_or(1)),
    });
    (width > 0).then(|| (padding.collect(), "^".repeat(width)))
}

/// What the file holds and how many messages there are.
fn summary(loaded: &Loaded) -> String {
    let count = |severity| loaded.diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(DiagnosticSeverity::Error), count(DiagnosticSeverity::Warning));
    let mut told: Vec<String> = [(errors, "error"), (warnings, "warning")].into_iter().filter_map(plural).collect();
    let Some(configuration) = &loaded.configuration else {
        return format!("{}; it would not run", told.join(", "));
    };
    let real_servers = configuration.virtual_servers.iter().map(|server| server.real_servers.len()).sum();
    let parts: Vec<_> = [
        (configuration.virtual_routers.len(), "virtual router"),
        (configuration.virtual_servers.len(), "virtual server"),
        (real_servers, "real server"),
    ]
    .into_iter()
    .filter_map(plural)
    .collect();
    let holds = if parts.is_empty() { "nothing to run".to_owned() } else { parts.join(", ") };
    if told.is_empty() {
        told.push("no warnings".to_owned());
    }
    told.extend(plural((count(DiagnosticSeverity::Difference), "difference")));
    format!("{holds}; {}", told.join(", "))
}

fn plural((count, noun): (usize, &str)) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse_configuration;

    fn first(text: &str) -> String {
        message(&parse_configuration("x.conf", text).diagnostics[0], false)
    }

    #[test]
    fn a_message_shows_the_line_and_points_at_the_word() {
        let text = "vrrp_instance A {\n\tinterface eth0\n\tpriorty 10\n}\n";
        let all = parse_configuration("x.conf", text);
        let shown: String = all.diagnostics.iter().filter(|d| d.line == 3).map(|d| message(d, false)).collect();
        assert_eq!(
            shown,
            "x.conf:3:2: warning: unknown word \"priorty\" in vrrp_instance; it is ignored\n\
             \tpriorty 10\n\t^^^^^^^\n  help: did you mean priority?\n"
        );
    }

    #[test]
    fn a_wide_line_keeps_the_caret_below_its_word() {
        let shown = first("global_defs {\n router_id \"\u{6f22}\" extra\n}\n");
        assert!(shown.contains("\n router_id \"\u{6f22}\" extra\n                ^^^^^\n"), "{shown}");
    }

    #[test]
    fn the_summary_counts_what_there_is() {
        let empty = parse_configuration("x.conf", "");
        assert_eq!(summary(&empty), "nothing to run; no warnings");
        let wrong = parse_configuration("x.conf", "vrrp_instance A {\n}\nfoo\n");
        assert_eq!(summary(&wrong), "2 errors, 1 warning; it would not run");
    }
}
