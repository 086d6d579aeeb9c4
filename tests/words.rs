//! Manual pages and completions, made from the table of the command line.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: a panic is its verdict

use std::fs;
use std::process::{Command, Output};

fn lvsdeck(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lvsdeck")).args(arguments).output().expect("the program starts")
}

/// What bash offers for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let script = String::from_utf8(lvsdeck(&["completions", "bash"]).stdout).unwrap();
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!(
        "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_lvsdeck lvsdeck '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" "),
        words.len() - 1,
        words.last().unwrap(),
        words.iter().rev().nth(1).unwrap()
    );
    let output = Command::new("bash").args(["--norc", "--noprofile", "-c", &line]).output().expect("bash runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_verbs_options_and_values() {
    assert_eq!(completed(&["lvsdeck", "att"]), ["attach"]);
    assert_eq!(completed(&["lvsdeck", "ctl", "dr"]), ["drain"]);
    assert_eq!(completed(&["lvsdeck", "ctl", "failover", "--bl"]), ["--blind"]);
    assert_eq!(completed(&["lvsdeck", "run", "--log-format", ""]), ["text", "json"]);
    assert_eq!(completed(&["lvsdeck", "completions", "fi"]), ["fish"]);
}

#[test]
fn every_shell_gets_a_script_and_an_unknown_one_the_list() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = lvsdeck(&["completions", shell]);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("drain"), "{shell}");
    }
    let output = lvsdeck(&["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bash"));
}

#[test]
fn the_manual_has_a_page_for_the_program_and_each_subcommand() {
    let main = lvsdeck(&["man"]);
    assert!(main.status.success() && String::from_utf8_lossy(&main.stdout).contains(".TH lvsdeck 8"));
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("man8");
    assert!(lvsdeck(&["man", "--dir", directory.to_str().unwrap()]).status.success());
    let page = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(page("lvsdeck.8"), String::from_utf8_lossy(&main.stdout));
    assert!(page("lvsdeck-run.8").contains("Example: lvsdeck run"), "the example is there");
    assert!(page("lvsdeck-ctl-drain.8").contains("lvsdeck ctl drain"), "as it is typed");
    assert!(!directory.join("lvsdeck-help.8").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let output = lvsdeck(&["man", "--dir", "/proc/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/proc/nowhere"));
}
