//! One running check and whose it is.

use crate::engine::health::Checker;
use crate::engine::model::{CheckSpec, RealServerKey, ServiceKey};

/// One check and whose it is.
#[derive(Debug)]
pub(super) struct Check {
    pub checker: Checker,
    pub spec: CheckSpec,
    pub service: ServiceKey,
    pub server: RealServerKey,
}

impl Check {
    /// Where it goes, `10.0.0.71:80`.
    pub fn target(&self) -> String {
        match &self.spec {
            CheckSpec::Tcp(tcp) => tcp.target.to_string(),
        }
    }
}
