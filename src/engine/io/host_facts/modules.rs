//! Which schedulers this kernel has or can load.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// `ip_vs_*`, loaded or at hand for the kernel to load.
pub(super) fn schedulers(root: &Path) -> Option<BTreeSet<String>> {
    let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).ok()?;
    let modules = root.join("lib/modules").join(release.trim());
    let mut known: BTreeSet<String> = BTreeSet::new();
    // Without these lists nobody can say what is missing.
    for list in ["modules.dep", "modules.builtin"] {
        let text = fs::read_to_string(modules.join(list)).ok()?;
        known.extend(text.lines().filter_map(module_name));
    }
    let loaded = fs::read_dir(root.join("sys/module")).into_iter().flatten().flatten();
    known.extend(loaded.filter_map(|e| e.file_name().into_string().ok()).filter(|name| name.starts_with("ip_vs_")));
    Some(known)
}

/// `kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/…` as `ip_vs_rr`.
fn module_name(line: &str) -> Option<String> {
    let file = line.split(':').next()?.rsplit('/').next()?;
    let name = file.split(".ko").next()?.replace('-', "_");
    name.starts_with("ip_vs_").then_some(name)
}

/// Whether a question would make the kernel load this module: it is at hand and not loaded. One that is built in is not.
pub fn would_load(root: &Path, module: &str) -> bool {
    let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).unwrap_or_default();
    let list = root.join("lib/modules").join(release.trim()).join("modules.dep");
    let at_hand = fs::read_to_string(list).is_ok_and(|text| text.contains(&format!("/{module}.ko")));
    at_hand && !root.join("sys/module").join(module).exists()
}
