//! `lvsdeck check` as a program: exit codes, streams, masking.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use std::path::Path;
use std::process::{Command, Output};

fn lvsdeck(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
    command.args(args).env_remove("LVSDECK_SOCKET").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, standard output and standard error of a check of this text in a file `x.conf`.
fn check(config: &[u8], args: &[&str]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.conf");
    let here = interface();
    let of_here =
        std::str::from_utf8(config).map(|config| config.replace("interface eth0", &format!("interface {here}")));
    std::fs::write(&file, of_here.map_or(config.to_vec(), String::into_bytes)).unwrap();
    let mut all = vec!["check", "-f", file.to_str().unwrap()];
    all.extend(args);
    let output = lvsdeck(&all);
    let plain = |bytes| {
        let text = text(bytes).replace(dir.path().to_str().unwrap(), "DIR");
        text.replace(&format!("interface {here}"), "interface eth0").replace(&format!("\"{here}\""), "\"eth0\"")
    };
    (output.status.code(), plain(&output.stdout), plain(&output.stderr))
}

/// An interface of this host: one that is not there is told.
fn interface() -> String {
    let links = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let mut names = links.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    names.find(|name| *name != "lo").expect("an interface beside lo").to_owned()
}

const CLEAN: &str =
    "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n  10.0.0.9\n }\n}\n";

#[test]
fn a_clean_file_exits_0_and_says_what_it_holds() {
    assert_eq!(
        check(CLEAN.as_bytes(), &[]),
        (Some(0), "DIR/x.conf: 1 virtual router; no warnings\n".into(), String::new())
    );
}

#[test]
fn warnings_exit_5_and_show_the_line() {
    let config = CLEAN.replace(" interface", " priorty 3\n interface");
    let (code, out, err) = check(config.as_bytes(), &[]);
    assert_eq!((code, out.as_str()), (Some(5), "DIR/x.conf: 1 virtual router; 1 warning\n"));
    assert_eq!(
        err,
        "DIR/x.conf:2:2: warning: unknown word \"priorty\" in vrrp_instance; it is ignored\n priorty 3\n ^^^^^^^\n  \
         help: did you mean priority?\n"
    );
}

#[test]
fn errors_exit_2() {
    let (code, out, err) = check(CLEAN.replace("id 5", "id 256").as_bytes(), &[]);
    assert_eq!(code, Some(2));
    assert!(out.ends_with("; it would not run\n"), "{out}");
    assert!(err.contains("virtual_router_id 256 is out of range: 1 to 255 is allowed"), "{err}");
}

#[test]
fn a_file_that_cannot_be_read_exits_2_and_names_the_next_step() {
    let output = lvsdeck(&["check", "-f", "/nonexistent.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nonexistent.conf: no such file; name the configuration with -f FILE"));
    let (code, _, err) = check(b"a\n\xff", &[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("DIR/x.conf:2:1: error: byte 2 of the file is not UTF-8; convert it"), "{err}");
    let (_, out, _) = check(b"a\n \xff", &["--json"]);
    assert!(out.contains("\"line\": 2") && out.contains("\"column\": 2"), "{out}");
}

#[test]
fn wrong_use_exits_64_and_help_exits_0() {
    for args in [&["check", "--nope"][..], &["check", "x.conf"], &["nope"], &[], &["check", "--color", "pink"]] {
        assert_eq!(lvsdeck(args).status.code(), Some(64), "{args:?}");
    }
    for args in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let output = lvsdeck(args);
        assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true), "{args:?}");
    }
    assert!(text(&lvsdeck(&["check", "--help"]).stdout).contains("Example: lvsdeck check -f"));
}

#[test]
fn json_is_an_array_on_standard_output_and_nothing_else() {
    let (code, out, err) = check(CLEAN.replace("id 5", "id 0").as_bytes(), &["--json"]);
    let messages: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, err.as_str()), (Some(2), ""));
    let first = &messages[0];
    assert_eq!(
        (&first["code"], &first["line"], &first["severity"]),
        (&"out-of-range".into(), &3.into(), &"error".into())
    );
    assert_eq!(check(CLEAN.as_bytes(), &["--json"]).1, "[]\n");
    let output = lvsdeck(&["check", "--json", "-f", "/nonexistent.conf"]);
    let messages: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(messages[0]["code"], "no-such-file");
}

#[test]
fn colours_come_when_asked_for_and_never_into_a_pipe_by_themselves() {
    let config = b"priorty 1\n";
    assert!(!check(config, &[]).2.contains('\u{1b}'));
    assert!(!check(config, &["--color", "never"]).2.contains('\u{1b}'));
    assert!(check(config, &["--color", "always"]).2.contains("\u{1b}[1;33mwarning:"));
}

#[test]
fn a_password_is_never_shown_on_any_stream() {
    let inside = |line: &str| {
        CLEAN.replace(" interface eth0", &format!(" interface eth0\n authentication {{\n  auth_type PASS\n{line}\n }}"))
    };
    for line in [
        "  auth_pass hunter2andmore",
        "  auth_pass hunter2 hunter3",
        "  auth_pass\n  hunter2",
        "  auth_pas hunter2",
        "  auth_type hunter2",
        "  password hunter2",
        "  hunter2",
        "  auth_pass \"hunter2",
        "  auth_pass hunter2 { hunter3 }",
        "  auth_pass hunter2 }",
        "  aoth_poss hunter2",
    ] {
        for args in [&[][..], &["--json"]] {
            let (code, out, err) = check(inside(line).as_bytes(), args);
            assert!(code == Some(5) || code == Some(2), "{line}: {code:?}");
            assert!(!out.contains("hunter") && !err.contains("hunter"), "{line}\n{out}{err}");
        }
    }
}

#[test]
fn the_default_file_is_named_when_none_is_given() {
    let output = lvsdeck(&["check"]);
    let all = text(&output.stdout) + &text(&output.stderr);
    let ours = Path::new("/etc/lvsdeck/lvsdeck.conf");
    let expected = if ours.exists() { "/etc/lvsdeck/lvsdeck.conf" } else { "/etc/keepalived/keepalived.conf" };
    assert!(all.contains(expected), "{all}");
}

#[test]
fn the_settings_are_checked_with_the_configuration() {
    let place = tempfile::tempdir().unwrap();
    let (config, settings) = (place.path().join("x.conf"), place.path().join("lvsdeck.toml"));
    std::fs::write(&config, CLEAN).unwrap();
    let run = |text: &str| {
        std::fs::write(&settings, text).unwrap();
        let output = lvsdeck(&["check", "-f", config.to_str().unwrap(), "--settings", settings.to_str().unwrap()]);
        (output.status.code(), text_of_both(&output))
    };
    assert_eq!(run("[ipvs]\ndrift = \"report\"\n").0, Some(0));
    let (code, told) = run("[ipvs]\ndritf = \"report\"\n");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("lvsdeck.toml:2:1: error: there is no setting \"dritf\" in [ipvs]"), "{told}");
    assert!(told.contains("help: did you mean drift?"), "{told}");
}

#[test]
fn what_keepalived_has_no_word_for_is_unknown_in_its_file_and_counts_for_all_instances_in_the_settings() {
    let place = tempfile::tempdir().unwrap();
    let (config, settings) = (place.path().join("x.conf"), place.path().join("lvsdeck.toml"));
    let second = CLEAN.replace("instance A", "instance B").replace("id 5", "id 6").replace("10.0.0.9", "10.0.0.8");
    std::fs::write(&config, format!("{CLEAN}{second}")).unwrap();
    let text = "[vrrp]\nsplit_brain = \"step-down-lower\"\naddress_removed = \"step-down\"\nswift_handover = false\n";
    std::fs::write(&settings, text).unwrap();
    let args = ["check", "--dump", "-f", config.to_str().unwrap(), "--settings", settings.to_str().unwrap()];
    let model: serde_json::Value = serde_json::from_slice(&lvsdeck(&args).stdout).unwrap();
    let tls = |text: &str| {
        std::fs::write(&settings, text).unwrap();
        let services = "virtual_server 10.0.0.9 443 {\n protocol TCP\n real_server 10.0.0.2 443 {\n  SSL_GET {\n   url {\n    path /\n   }\n  }\n }\n}\n";
        std::fs::write(&config, services).unwrap();
        let model: serde_json::Value = serde_json::from_slice(&lvsdeck(&args).stdout).unwrap();
        model["virtual_servers"][0]["real_servers"][0]["checks"][0]["kind"]["http"]["tls"]["verify"].clone()
    };
    assert_eq!(tls("[checks]\ntls_verify = \"/etc/ours.pem\"\n"), "/etc/ours.pem");
    assert_eq!(tls(""), serde_json::Value::Null);
    let routers = model["virtual_routers"].as_array().unwrap();
    assert_eq!(routers.len(), 2);
    for router in routers {
        let words = ["yields_to_refused", "steps_down_without_address", "swift_handover"];
        assert_eq!(words.map(|word| router["variations"][word].as_bool().unwrap()), [true, true, false]);
    }
    for word in ["lvsdeck_split_brain", "lvsdeck_address_removed", "lvsdeck_swift_handover"] {
        let (code, _, err) = check(format!("global_defs {{\n {word} off\n}}\n{CLEAN}").as_bytes(), &[]);
        assert!(code == Some(5) && err.contains(&format!("unknown word \"{word}\"")), "{code:?} {err}");
    }
}

fn text_of_both(output: &std::process::Output) -> String {
    text(&output.stderr) + &text(&output.stdout)
}

#[test]
fn what_keepalived_would_do_otherwise_is_told_at_its_line_and_changes_no_exit_code() {
    let config = format!("global_defs {{\n v3_checksum_as_v2\n}}\n{CLEAN}");
    let (code, out, err) = check(config.as_bytes(), &["--against", "keepalived"]);
    assert_eq!((code, out.as_str()), (Some(0), "DIR/x.conf: 1 virtual router; no warnings, 1 difference\n"));
    assert_eq!(
        err,
        "DIR/x.conf:2:2: otherwise: keepalived 2.2.7 ignores v3_checksum_as_v2: only newer ones know it\n \
         v3_checksum_as_v2\n ^^^^^^^^^^^^^^^^^\n"
    );
    let (_, out, _) = check(config.as_bytes(), &["--against", "keepalived", "--json"]);
    let messages: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&messages[0]["severity"], &messages[0]["line"]), (&"difference".into(), &2.into()));
    let refused = CLEAN.replace("id 5", "id 256");
    let (code, _, err) = check(refused.as_bytes(), &["--against", "keepalived"]);
    assert!(
        code == Some(2) && err.contains("otherwise: keepalived does not run either without virtual_router_id"),
        "{err}"
    );
    assert_eq!(check(CLEAN.as_bytes(), &["--against", "haproxy"]).0, Some(64));
}

#[test]
fn a_dump_is_the_configuration_and_nothing_else_on_standard_output() {
    let secret = CLEAN.replace(" interface", " authentication {\n auth_type PASS\n auth_pass hunter2\n }\n interface");
    let (code, out, err) = check(secret.as_bytes(), &["--dump"]);
    let model: serde_json::Value = serde_json::from_str(&out).unwrap();
    let router = &model["virtual_routers"][0];
    assert_eq!((code, &router["vrid"], &router["advert_interval"]), (Some(0), &5.into(), &1.into()));
    assert_eq!((&router["authentication"]["pass"], err.as_str()), (&"***".into(), ""));
    let (code, out, err) = check(CLEAN.replace("id 5", "id 0").as_bytes(), &["--dump"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "nothing that would not run is dumped");
    assert!(err.ends_with("; it would not run\n"), "{err}");
}

#[test]
fn what_this_host_has_not_is_a_warning_in_the_order_of_the_file() {
    let script = "vrrp_script a {\n script \"/no/such x\"\n user nobody-here\n}\n";
    let config = format!("{script}{}", CLEAN.replace(" interface", " priorty 3\n interface"));
    let (code, out, err) = check(config.as_bytes(), &["--json"]);
    let messages: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    let told: Vec<_> = messages.iter().map(|m| (m["line"].as_u64().unwrap(), m["code"].as_str().unwrap())).collect();
    assert_eq!((code, err.as_str()), (Some(5), ""));
    assert_eq!(told, [(3, "on-this-host"), (6, "unknown-word")]);
    assert_eq!(messages[0]["message"], "there is no user nobody-here on this host");
    let there = "vrrp_script a {\n script /bin/true\n user root\n}\n";
    assert_eq!(check(format!("{there}{CLEAN}").as_bytes(), &[]).0, Some(0), "what is there is no news");
}

#[test]
fn files_that_settings_name_and_the_keys_of_the_console_are_looked_at_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("x.conf"), CLEAN).unwrap();
    std::fs::write(
        at("x.toml"),
        "[mail]\nuser = \"lb\"\npassword_file = \"/nonexistent/pw\"\ntls_verify = \"/dev/null\"\n",
    )
    .unwrap();
    std::fs::create_dir(at("lvsdeck")).unwrap();
    std::fs::write(at("lvsdeck/console.toml"), "[keys]\nqit = \"q\"\n\ndrain = \"dd\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lvsdeck"))
        .args(["check", "--json", "-f", at("x.conf").to_str().unwrap(), "--settings", at("x.toml").to_str().unwrap()])
        .env("XDG_CONFIG_HOME", dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stdout));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let told: Vec<String> = found.as_array().unwrap().iter().map(|d| format!("{}:{}", d["code"], d["line"])).collect();
    assert_eq!(told, ["\"on-this-host\":3", "\"console-settings\":2", "\"console-settings\":4"]);
    assert_eq!((&found[2]["source_line"], &found[2]["length"]), (&"drain = \"dd\"".into(), &12.into()));
    // Each has what `docs/schema/check.json` promises, and nothing else.
    let schema = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/check.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let mut promised: Vec<&str> =
        schema["items"]["required"].as_array().unwrap().iter().filter_map(|f| f.as_str()).collect();
    promised.sort_unstable();
    for diagnostic in found.as_array().unwrap() {
        let mut fields: Vec<&str> = diagnostic.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, promised);
        assert!(
            schema["items"]["properties"]["severity"]["enum"].as_array().unwrap().contains(&diagnostic["severity"])
        );
    }
}
