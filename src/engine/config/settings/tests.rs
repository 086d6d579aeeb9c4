use super::*;
use crate::engine::model::{AddressRemovedPolicy, DriftPolicy, MailSettings, SplitBrainPolicy, WebhookSettings};
use proptest::prelude::*;
use std::time::Duration;

/// The messages of a text, as people read them.
fn told(text: &str) -> Vec<String> {
    let found = parse("lvsdeck.toml", text).unwrap_err();
    let line = |d: &Diagnostic| {
        format!("{}:{}:{} {}: {}; {}", d.file, d.line, d.column, d.code, d.message, d.help.clone().unwrap_or_default())
    };
    found.iter().map(line).collect()
}

#[test]
fn a_directory_in_the_place_of_the_settings_is_told_with_the_word_that_names_a_file() {
    let place = tempfile::tempdir().unwrap();
    let told = load(&Place::Named(place.path().to_owned())).unwrap_err();
    assert!(told[0].message.ends_with("is a directory; name a file with --settings FILE"), "{told:?}");
}

#[test]
fn every_setting_is_read_and_an_empty_file_is_the_defaults() {
    let text = "# ours\n[ipvs]\ndrift = \"report\"\nlook_interval = 5\n[checks]\ntls_verify = \"/etc/ours.pem\"\n\
                [servers]\ndepool_threshold = 50\nslow_start = 30\n\
                [vrrp]\nsplit_brain = \"step-down-lower\"\naddress_removed = \"step-down\"\nswift_handover = false\nrouters = 3\n\
                [mail]\nuser = \"lb\"\npassword_file = \"/etc/pw\"\ntls_verify = \"none\"\n\
                [webhook]\nurl = \"http://h/x\"\nevents = \"quorum, link\"\nseverity = \"error\"\ntimeout = 9\ntries = 2\n\
                tls_verify = \"none\"\n";
    let expected = Settings {
        drift: DriftPolicy::Report,
        look_interval: Duration::from_secs(5),
        tls_verify: Some("/etc/ours.pem".into()),
        depool_threshold: 50,
        slow_start: Duration::from_secs(30),
        split_brain: SplitBrainPolicy::StepDownLower,
        address_removed: AddressRemovedPolicy::StepDown,
        swift_handover: false,
        routers: 3,
        mail: MailSettings { user: Some("lb".to_owned()), password_file: Some("/etc/pw".into()), tls_verify: None },
        webhook: WebhookSettings {
            url: Some("http://h/x".to_owned()),
            events: vec!["quorum".to_owned(), "link".to_owned()],
            severity: "error",
            timeout: Duration::from_secs(9),
            tries: 2,
            tls_verify: None,
        },
    };
    assert_eq!(parse("x", text).unwrap(), expected);
    assert_eq!(parse("x", "ipvs.drift = 'enforce'").unwrap().drift, DriftPolicy::Enforce);
    assert_eq!(parse("x", "").unwrap(), Settings::default());
}

#[test]
fn what_is_written_by_default_is_the_default() {
    let page = page();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(parse("page", example).unwrap(), Settings::default());
    for setting in SETTINGS {
        assert!(example.contains(&format!("\n{} = ", setting.name)), "{}", setting.name);
        assert!(SECTIONS.iter().any(|(section, _)| *section == setting.section), "{}", setting.section);
    }
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_was_meant() {
    for (text, expected) in [
        (
            "[ipvs]\ndrfit = \"report\"\n",
            "lvsdeck.toml:2:1 unknown-word: there is no setting \"drfit\" in [ipvs]; did you mean drift?",
        ),
        (
            "[ipvs]\ncolour = 1\n",
            "lvsdeck.toml:2:1 unknown-word: there is no setting \"colour\" in [ipvs]; the settings of [ipvs] are drift or look_interval",
        ),
        ("\n[ipsv]\n", "lvsdeck.toml:2:2 unknown-section: there is no section \"ipsv\"; did you mean [ipvs]?"),
        (
            "drift = \"report\"\n",
            "lvsdeck.toml:1:1 unknown-section: there is no section \"drift\"; it belongs below [ipvs]",
        ),
        (
            "[ipvs]\ndrift = \"reprot\"\n",
            "lvsdeck.toml:2:9 bad-value: \"reprot\" is no value of drift; did you mean report?",
        ),
        (
            "[ipvs]\ndrift = \"x\"\n",
            "lvsdeck.toml:2:9 bad-value: \"x\" is no value of drift; drift is one of repair, enforce or report",
        ),
        (
            "[ipvs]\ndrift = true\n",
            "lvsdeck.toml:2:9 bad-value: drift can't be a boolean; write one of \"repair\", \"enforce\" or \"report\"",
        ),
        (
            "[ipvs]\ndrift = 5\n",
            "lvsdeck.toml:2:9 bad-value: drift can't be an integer; write one of \"repair\", \"enforce\" or \"report\"",
        ),
        (
            "[ipvs]\nlook_interval = 0\n",
            "lvsdeck.toml:2:17 out-of-range: look_interval is out of its range; look_interval is from 1 to 60 seconds",
        ),
        (
            "[ipvs]\nlook_interval = \"2s\"\n",
            "lvsdeck.toml:2:17 bad-value: look_interval can't be a string; write a whole number from 1 to 60 (seconds)",
        ),
        (
            "[checks]\ntls_verify = \"ours.pem\"\n",
            "lvsdeck.toml:2:14 bad-value: \"ours.pem\" is no value of tls_verify; tls_verify is \"none\", \"host\" or the path of a file, \
             which begins with /",
        ),
        (
            "[servers]\ndepool_threshold = 101\n",
            "lvsdeck.toml:2:20 out-of-range: depool_threshold is out of its range; depool_threshold is from 0 to 100 percent",
        ),
        (
            "[vrrp]\nswift_handover = \"off\"\n",
            "lvsdeck.toml:2:18 bad-value: swift_handover can't be a string; write true or false",
        ),
        (
            "[vrrp]\nsplit_brain = \"step-down\"\n",
            "lvsdeck.toml:2:15 bad-value: \"step-down\" is no value of split_brain; split_brain is one of alarm or step-down-lower",
        ),
        (
            "[mail]\nuser = \"lb\"\n",
            "lvsdeck.toml:2:1 missing-word: [mail] has user and no password_file: nobody can log in; write password_file too, or leave \
             both out",
        ),
        (
            "# the mail user is below\n[webhook]\nurl = \"http://user@h\"\n[mail]\nuser = \"u\"\n",
            "lvsdeck.toml:5:1 missing-word: [mail] has user and no password_file: nobody can log in; write password_file too, or leave \
             both out",
        ),
        (
            "[webhook]\nurl = \"ftp://h\"\n",
            "lvsdeck.toml:2:7 bad-value: \"***\" is no value of url; url is a URL that begins with http:// or https://, or \"\" for none",
        ),
        (
            "[webhook]\nevents = \"quorum, lnik\"\n",
            "lvsdeck.toml:2:10 bad-value: \"quorum, lnik\" is no value of events; events is kinds of events as docs/api.md lists them, with \
             commas between them, or \"\" for all",
        ),
        (
            "ipvs = 1\n",
            "lvsdeck.toml:1:1 bad-value: ipvs is a section, not a value; write [ipvs] on a line of its own, and its settings below",
        ),
    ] {
        assert_eq!(told(text), [expected]);
    }
    for (text, help) in [
        ("[ipvs]\ndrift = report\n", "write the word in quotes: `name = \"word\"`"),
        ("[vrrp]\nswift_handover = True\n", "write true or false"),
        ("[ipvs]\ndrift = \"report\"\ndrift = \"repair\"\n", "it stands above already; remove one of the two lines"),
    ] {
        assert!(told(text)[0].ends_with(help), "{:?}", told(text));
    }
    assert!(told("[ipvs\n")[0].starts_with("lvsdeck.toml:1:"), "{:?}", told("[ipvs\n"));
    assert_eq!(told("[ipvs]\nb = 1\na = 2\n").len(), 2, "every mistake is told, in file order");
}

#[test]
fn no_mistake_shows_a_password() {
    for text in [
        "[mail]\nuser = \"x\"\npassword = \"S3cr3t\"\n",
        "[mail]\nuser = \"x\"\npass = S3cr3t\n",
        "[mail]\nuser = \"x\"\npassword_file = \"S3cr3t\"\n",
        "[webhook]\nurl = \"htps://u:S3cr3t@h/x\"\n",
        "[webhook]\nurl = https://u:S3cr3t@h/x\n",
        "[webhook]\nurrl = \"https://u:S3cr3t@h/x\"\n",
    ] {
        let found = parse("lvsdeck.toml", text).unwrap_err();
        assert!(!format!("{found:?}").contains("S3cr3t"), "{found:?}");
    }
}

#[test]
fn each_setting_is_explained_by_its_name() {
    assert_eq!(
        explain("swift_handover").unwrap(),
        "swift_handover in [vrrp] of /etc/lvsdeck/lvsdeck.toml\n  takes    true or false\n  default  true\n  \
         does     version 3: a planned hand-over is announced with an interval of 0.01 s, so that it is not felt; with a \
         longer one or none where more than one other router is known (docs/split-brain.md)\n"
    );
    for setting in SETTINGS {
        assert!(explain(setting.name).unwrap().contains(setting.meaning));
    }
    assert_eq!(explain("nothing"), None);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let found = load(&Place::Named("/nowhere/lvsdeck.toml".into())).unwrap_err();
    assert_eq!(found[0].message, "/nowhere/lvsdeck.toml: no such file; name the settings with --settings FILE");
}

proptest! {
    #[test]
    fn reading_anything_ends_in_settings_or_messages(text in "(\\[ipvs\\]\n)?[ -~\n\u{e4}]{0,40}") {
        if let Err(found) = parse("x", &text) {
            prop_assert!(!found.is_empty() && found.iter().all(|d| d.line >= 1));
        }
    }
}
