//! The kernel's words about balancing for somebody who asks, with what the advice says against their values.

use crate::engine::handle::HandleError;
use crate::engine::io::host_facts;
use crate::engine::ipvs::{Sysctl, sysctl};
use crate::engine::snapshot::Status;
use std::path::Path;

/// The words as they are. Errors: there are none, since nothing is balanced in this kernel.
pub(super) fn listing(status: &Status) -> Result<Vec<Sysctl>, HandleError> {
    let rejected = |message: &str, next: &str| HandleError::Rejected {
        status: 404,
        code: "no-sysctls".to_owned(),
        message: message.to_owned(),
        next: next.to_owned(),
    };
    if status.dataplane == "userspace" {
        let next = "they decide about an engine that runs on the kernel's ip_vs";
        return Err(rejected("this engine forwards by itself: the kernel's words have no say in it", next));
    }
    let found = host_facts::sysctls(Path::new("/"));
    if found.is_empty() {
        let next = "modprobe ip_vs, or start the engine with a virtual server";
        return Err(rejected("the kernel has no net.ipv4.vs: ip_vs is not loaded", next));
    }
    let warned = |name: &str| {
        let subject = format!("net.ipv4.vs.{name}");
        let warning = status.warnings.iter().find(|warning| warning.subject == subject)?;
        Some(format!("{}; {}", warning.message, warning.next))
    };
    Ok(sysctl::listing(&found, warned))
}
