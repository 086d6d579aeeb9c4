//! `MISC_CHECK`: scripts that are well, wrong, slow, hanging, endless, that are killed or can't be run. Scripts' own tests are in
//! `tests/runner.rs`.

use crate::{LONG, SHORT, check, free, words};
use lvsdeck::engine::driver::balance::Scripts;
use lvsdeck::engine::health::{SaidWeight, Verdict};
use lvsdeck::engine::io::runner::Runner;
use lvsdeck::engine::model::{CheckKind, Global, MiscCheck};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

struct Rig {
    scripts: Scripts,
    directory: TempDir,
}

impl Rig {
    fn new() -> Self {
        let runner = Runner::of(Path::new(env!("CARGO_BIN_EXE_lvsdeck"))).unwrap();
        let scripts = Scripts::new(runner.listen(|| {}).unwrap(), Global::default());
        Self { scripts, directory: tempfile::tempdir().unwrap() }
    }

    async fn run(&self, text: &str, dynamic: bool, limit: Duration) -> Verdict {
        let path = self.directory.path().join("script");
        fs::set_permissions(self.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.ask(path.to_str().unwrap(), dynamic, limit).await
    }

    async fn ask(&self, path: &str, dynamic: bool, limit: Duration) -> Verdict {
        let misc = MiscCheck { command: vec![path.to_owned()], user: None, dynamic };
        let check = check(free(), CheckKind::Misc(misc.clone()), limit);
        self.scripts.clone().run(&check, &misc).await
    }
}

#[tokio::test]
async fn misc_against_scripts_of_every_kind() {
    let rig = Rig::new();
    assert_eq!(words(rig.run("exit 0", false, LONG).await), "passed");
    for (name, text, wanted) in [
        ("wrong answer", "echo sick; exit 3", "exit code 3 after"),
        ("breaks off", "kill -9 $$", "signal 9 after"),
        ("garbage", "head -c 3000 /dev/urandom; exit 1", "exit code 1 after"),
        ("endless, then wrong", "head -c 50000000 /dev/zero; exit 1", "exit code 1 after"),
    ] {
        let said = words(rig.run(text, false, LONG).await);
        assert!(said.contains(wanted) && said.len() < 10_000, "{name}: {said}");
    }
    for (name, text) in [
        ("hangs", "exec sleep 1000"),
        ("slow", "while :; do printf x; sleep 0.02; done"),
        ("endless", "exec cat /dev/zero"),
        ("half-open", "exec >&- 2>&-; exec sleep 1000"),
    ] {
        let started = Instant::now();
        let said = words(rig.run(text, false, SHORT).await);
        assert!(said.contains("for taking too long"), "{name}: {said}");
        assert!(started.elapsed() < LONG / 2, "{name}: {:?}", started.elapsed());
    }
    let weight = rig.run("exit 12", true, LONG).await;
    assert!(matches!(weight, Verdict::Weighed(_, SaidWeight::Is(10))), "{weight:?}");
    let whole = rig.run("exit 0", true, LONG).await;
    assert!(matches!(whole, Verdict::Weighed(_, SaidWeight::More(0))), "the file's weight is back: {whole:?}");
    let missing = rig.ask("/nosuch/script", false, LONG).await;
    assert!(matches!(&missing, Verdict::Unable(why) if why.reason.contains("/nosuch/script")), "{missing:?}");
}
