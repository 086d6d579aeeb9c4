//! Bytes as an answer of the kernel's IPVS: reading never panics, and what was read can be written and reads back the same.

#![no_main]
#![allow(dead_code, unused_imports)] // a part of two layers is fuzzed, all of them is compiled

#[path = "../../src/engine/ipvs/mod.rs"]
mod ipvs;
#[path = "../../src/engine/model/mod.rs"]
mod model;

/// The layers under the names that they have in the crate.
mod engine {
    pub(crate) use crate::{ipvs, model};
}

use ipvs::IpvsOp;
use ipvs::message::{
    daemon, destination, destination_rates, encode, service, service_rates, start_daemon, timeouts, version,
};
use libfuzzer_sys::fuzz_target;
use model::Family;

fuzz_target!(|bytes: &[u8]| {
    let _ = (version(bytes), timeouts(bytes), service_rates(bytes), destination_rates(bytes));
    if let Some((key, found)) = service(bytes) {
        let again = service(&encode(&IpvsOp::NewService(key, Box::new(found.clone()))).body);
        assert_eq!(again, Some((key, found.settings())));
    }
    for family in [Family::Inet, Family::Inet6] {
        if let Some((server, found)) = destination(bytes, family) {
            let within = "tcp/10.0.0.1:80".parse().expect("a key");
            let again = destination(&encode(&IpvsOp::NewDestination(within, server, found.clone())).body, family);
            assert_eq!(again, Some((server, found.settings())));
        }
    }
    if let Some(found) = daemon(bytes) {
        assert_eq!(daemon(&start_daemon(&found)), Some(found));
    }
});
