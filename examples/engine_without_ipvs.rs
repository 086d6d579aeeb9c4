//! An engine whose table is in memory, for measurements on a machine without ip_vs: everything else is the real thing.
//!
//! `engine_without_ipvs FILE SOCKET STATE-DIR`; `benches/clients` runs it.

use lvsdeck::api;
use lvsdeck::engine::config;
use lvsdeck::engine::driver::shared::Identity;
use lvsdeck::engine::driver::start;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::io::state::StateDir;
use lvsdeck::engine::snapshot::ConfigStatus;
use std::error::Error;
use std::path::Path;
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, socket, state] = arguments.as_slice() else {
        return Err("use: engine_without_ipvs FILE SOCKET STATE-DIR".into());
    };
    let loaded = config::load(Path::new(file))?;
    let configuration = loaded.configuration.ok_or_else(|| format!("{:?}", loaded.diagnostics))?;
    let bound = api::bind(Path::new(socket))?;
    let state = StateDir::open(Path::new(state))?;
    let config = ConfigStatus { file: file.clone(), loaded_at: SystemTime::now(), generation: 1 };
    let identity = Identity { node: "bench".into(), dataplane: "memory".into(), config, warnings: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(32).build()?;
    let running = start::start(&configuration, identity, &state, Box::new(SimulatedIpvs::default()))?;
    runtime.block_on(async {
        let handle = running.handle.clone();
        let stop = async {
            running.stop.notified().await;
            running.end(false).await;
        };
        api::serve(&bound, handle, stop).await
    })?;
    Ok(())
}
