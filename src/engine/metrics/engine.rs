//! The engine itself: its build, its configuration, its role, and what it uses of the host.

use super::MetricKind::{Counter, Gauge, Info, StateSet};
use super::{MetricFamily, ProcessFacts, family, labels};
use crate::engine::snapshot::{RELOAD_REFUSED, Role, Status, Summary};
use std::collections::BTreeMap;

pub(super) fn families(status: &Status, summary: &Summary, process: &ProcessFacts) -> Vec<MetricFamily> {
    let mut families = vec![build(status)];
    families.extend(configuration(status));
    families.push(role(status.role));
    families.extend(troubles(status, summary, process.events));
    families.extend(used(process));
    families
}

fn build(status: &Status) -> MetricFamily {
    let mut build = family(Info, "lvsdeck_build", "", "The version of this engine and its dataplane");
    let version = env!("CARGO_PKG_VERSION");
    build.put(&labels(&[("version", version), ("mode", &status.mode), ("dataplane", &status.dataplane)]), true);
    build
}

/// The configuration that runs, and whether it is what the file was said to be.
fn configuration(status: &Status) -> [MetricFamily; 3] {
    let none = labels(&[]);
    let mut generation =
        family(Gauge, "lvsdeck_config_generation", "", "Loads of the configuration, the first counted");
    generation.put(&none, status.config.generation);
    let help = "When the configuration that runs was loaded";
    let mut loaded = family(Gauge, "lvsdeck_config_loaded_timestamp_seconds", "seconds", help);
    loaded.put(&none, status.config.loaded_at);
    let help = "Whether the last reload was taken; 1 as well where there was none";
    let mut taken = family(Gauge, "lvsdeck_config_last_reload_successful", "", help);
    taken.put(&none, !status.warnings.iter().any(|warning| warning.code == RELOAD_REFUSED));
    [generation, loaded, taken]
}

fn role(role: Role) -> MetricFamily {
    let states = ["MASTER", "BACKUP", "FAULT", "MIXED", "INIT", "SPLIT-BRAIN"];
    let current = match role {
        Role::Master => "MASTER",
        Role::Backup => "BACKUP",
        Role::Fault => "FAULT",
        Role::Mixed => "MIXED",
        Role::Init => "INIT",
        Role::SplitBrain => "SPLIT-BRAIN",
    };
    let mut family = family(StateSet, "lvsdeck_role", "", "All instances in a word");
    family.put_state(&labels(&[]), &states, current);
    family
}

fn troubles(status: &Status, summary: &Summary, happened: u64) -> [MetricFamily; 5] {
    let none = labels(&[]);
    let mut events = family(Counter, "lvsdeck_events", "", "Events since the engine started");
    events.put(&none, happened);
    let mut problems = family(Gauge, "lvsdeck_problems", "", "What needs a person now");
    problems.put(&none, summary.problem_count);
    let mut drift = family(Gauge, "lvsdeck_drifts", "", "Differences between wish and kernel");
    drift.put(&none, status.drift.len());
    let mut foreign = family(Gauge, "lvsdeck_foreign_services", "", "Services in the kernel that are not lvsdeck's");
    foreign.put(&none, status.foreign.len());
    let mut warnings = family(Gauge, "lvsdeck_warnings", "", "Warnings of the configuration and of the host");
    let mut by_code = BTreeMap::new();
    for warning in &status.warnings {
        *by_code.entry(warning.code.as_str()).or_insert(0_u64) += 1;
    }
    for (code, count) in by_code {
        warnings.put(&labels(&[("code", code)]), count);
    }
    [events, problems, drift, foreign, warnings]
}

/// The names that every client library of Prometheus uses.
fn used(process: &ProcessFacts) -> [MetricFamily; 5] {
    let none = labels(&[]);
    let mut started = family(Gauge, "process_start_time_seconds", "seconds", "When the engine began to serve");
    if let Some(at) = process.started_at {
        started.put(&none, at);
    }
    let mut cpu = family(Counter, "process_cpu_seconds", "seconds", "CPU time used, user and system");
    if let Some(seconds) = process.cpu_seconds {
        cpu.put(&none, seconds);
    }
    let mut open = family(Gauge, "process_open_fds", "", "Open file descriptors");
    let mut most = family(Gauge, "process_max_fds", "", "Most file descriptors that may be open");
    if let Some((now, limit)) = process.open_files {
        open.put(&none, now);
        most.put(&none, limit);
    }
    let mut resident = family(Gauge, "process_resident_memory_bytes", "bytes", "Memory in use");
    if let Some(bytes) = process.resident_bytes {
        resident.put(&none, bytes);
    }
    [started, cpu, open, most, resident]
}
