//! `servers.depool_threshold`: the share of a service's servers that no command takes out of service unless it is said twice, by the
//! token of a preview that tells of it or by `force`.

use super::core::Balance;
use super::preview::{Touch, serving};

impl Balance {
    /// What a change goes below; none where it leaves enough, or takes nobody out. Checks are not asked: who is down already counts
    /// as one that does not serve.
    pub(super) fn below_floor(&self, before: &Touch, after: &Touch) -> Option<String> {
        let percent = usize::from(self.depool_threshold);
        let said = before.iter().filter_map(|(at, old)| {
            let (all, is, stays) = (old.servers.len(), serving(Some(old)), serving(after.get(at)));
            let floor = (all * percent).div_ceil(100);
            (stays < is && stays < floor).then(|| {
                let name = old.config.key;
                format!("{name} would keep {stays} of {all} servers in service, and depool_threshold asks for {floor} ({percent} %)")
            })
        });
        let said: Vec<String> = said.collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
