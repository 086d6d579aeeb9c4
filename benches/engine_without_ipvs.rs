//! An engine whose table is in memory, for measurements on a machine without ip_vs: everything else is the real thing.
//!
//! `engine_without_ipvs FILE SOCKET STATE-DIR`; `benches/clients` runs it.

use lvsdeck::api;
use lvsdeck::engine::config::settings::Place;
use lvsdeck::engine::driver::inheritance::Inheritance;
use lvsdeck::engine::driver::source::Source;
use lvsdeck::engine::driver::start::{self, Setup};
use lvsdeck::engine::io::host;
use lvsdeck::engine::io::runner::RunnerError;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::io::state::StateDir;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    host::share_the_allocator(2); // as the program does for `run`
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, socket, state] = arguments.as_slice() else {
        return Err("use: engine_without_ipvs FILE SOCKET STATE-DIR".into());
    };
    let settings = Place::Nowhere;
    let source =
        Source { file: file.into(), settings, vrrp_only: false, ipvs_only: false, userspace: false, config_id: None };
    let read = source.read(1)?;
    let bound = api::bind(Path::new(socket))?;
    let lasting = Path::new(state);
    let state = StateDir::open(lasting)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(32).build()?;
    let running = start::start(Setup {
        source,
        read,
        state: &state,
        lasting,
        inheritance: Inheritance::of(&state, lasting),
        kernel: Some(Box::new(SimulatedIpvs::forgetful())),
        userspace: None,
        runner: Err(RunnerError::Process(std::io::Error::other("none in this benchmark"))),
        warnings: Vec::new(),
    })?;
    runtime.block_on(async {
        let handle = running.handle.clone();
        let stop = async {
            let keep = running.stop.asked().await;
            running.end(keep).await;
        };
        api::serve(&bound, handle, stop).await
    })?;
    Ok(())
}
