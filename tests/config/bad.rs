//! Files with mistakes: the messages that an operator gets for each, beside it in a file `.expected`.

use super::{configurations, folder, load, short};

#[test]
fn each_mistake_is_told_as_expected() {
    let mut wrong = Vec::new();
    for file in configurations("bad") {
        let told: String = load(&file)
            .diagnostics
            .iter()
            .map(|d| d.help.iter().fold(short(d), |text, help| format!("{text}\n    {help}")) + "\n")
            .map(|text| text.replace(&*file.parent().unwrap().to_string_lossy(), "DIR"))
            .collect();
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{}: told\n{told}instead of\n{expected}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_message_of_any_mistake_shows_a_password() {
    for file in configurations("bad") {
        for d in load(&file).diagnostics {
            let text = format!("{} {} {:?}", d.source_line, d.message, d.help);
            assert!(!text.contains("hunter"), "{}: {text}", file.display());
        }
    }
}

#[test]
fn a_server_whose_only_checks_are_not_run_yet_is_known_as_unchecked() {
    let loaded = load(&folder("bad").join("checks-not-run.conf")).configuration.unwrap();
    let servers = loaded.virtual_servers[0].real_servers.iter();
    let found: Vec<(bool, usize)> = servers.map(|server| (server.unchecked, server.checks.len())).collect();
    assert_eq!(found, [(true, 0), (false, 1), (false, 0), (true, 0)]);
}
