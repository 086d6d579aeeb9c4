use super::*;
use crate::ui::bell::Bell;
use crate::ui::rows::columns::Set;
use crossterm::event::KeyModifiers;
use std::collections::HashSet;

fn press(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn refused(text: &str) -> String {
    parse(text, "my.toml").unwrap_err().to_string()
}

#[test]
fn no_key_means_two_things() {
    let mut seen = HashSet::new();
    for binding in BINDINGS {
        for chord in binding.chords {
            assert!(seen.insert(*chord), "{chord} is bound twice");
        }
    }
}

#[test]
fn every_intent_has_exactly_one_line_of_the_table_and_a_name_of_its_own() {
    for intent in Intent::ALL {
        assert_eq!(BINDINGS.iter().filter(|b| b.intent == intent).count(), 1, "{intent:?}");
    }
    assert_eq!(BINDINGS.len(), Intent::ALL.len());
    let names: HashSet<&str> = Intent::ALL.iter().map(|intent| intent.name()).collect();
    assert_eq!(names.len(), Intent::ALL.len());
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
}

#[test]
fn writing_intents_stand_under_act() {
    for binding in BINDINGS.iter().filter(|b| b.intent.writes()) {
        assert_eq!(binding.group, Group::Act);
    }
}

#[test]
fn a_key_with_ctrl_is_another_key() {
    let keys = Keymap::default();
    let with = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL);
    assert_eq!(keys.intent_of(&press(KeyCode::Char('l'))), Some(Intent::Unfold));
    assert_eq!(keys.intent_of(&with), Some(Intent::Redraw));
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let text = "[keys]\ndrain = \"x\"\nsort = [\"F2\", \"Ctrl-S\"]\nfold = []\nexport = []\n";
    // Who has x by default, if anybody, is told to be without.
    let text =
        if BINDINGS.iter().any(|b| b.intent.name() == "export") { text } else { &text.replace("export = []\n", "") };
    let keys = parse(text, "my.toml").unwrap().keys;
    assert_eq!(keys.intent_of(&press(KeyCode::Char('x'))), Some(Intent::Drain));
    assert_eq!(keys.intent_of(&press(KeyCode::Char('d'))), None);
    assert_eq!(keys.intent_of(&press(KeyCode::F(2))), Some(Intent::Sort));
    assert_eq!((keys.intent_of(&press(KeyCode::Left)), keys.hint(Intent::Fold)), (None, ":fold".to_owned()));
    assert_eq!(keys.intent_of(&press(KeyCode::Char('w'))), Some(Intent::Weight));
    assert_eq!(keys.hint(Intent::Drain), "x");
}

#[test]
fn the_printed_file_is_read_back_as_what_was_printed() {
    assert_eq!(parse(&toml(&Settings::default()), "printed").unwrap(), Settings::default());
    let text = "[keys]\ndrain = '\"'\nrestore = '\\'\n[columns]\nservices = [\"since\", \"CPS\"]\n";
    let other = parse(text, "my.toml").unwrap();
    assert_eq!(other.columns.words(Set::Services), ["Since", "CPS"]);
    let other = Settings { bell: Bell::Changes, ..other };
    assert_eq!(parse(&toml(&other), "printed").unwrap(), other);
    for (binding, chords) in other.keys.lines() {
        assert!(table(&other.keys).contains(&format!("{:<12} {:<18}", written(chords), binding.intent.name())));
    }
}

#[test]
fn the_schema_has_what_the_file_may_have_and_nothing_else() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let names = |at: &str| schema.pointer(at).unwrap().as_object().unwrap().keys().cloned().collect::<HashSet<_>>();
    assert_eq!(names("/properties/keys/properties"), Intent::ALL.iter().map(|i| i.name().to_owned()).collect());
    assert_eq!(names("/properties/columns/properties"), HashSet::from(["services".to_owned(), "counters".to_owned()]));
    for column in schema.pointer("/$defs/columns/items/enum").unwrap().as_array().unwrap() {
        parse(&format!("[columns]\nservices = [{column}]\n"), "x").unwrap();
    }
    for bell in schema.pointer("/properties/bell/enum").unwrap().as_array().unwrap() {
        parse(&format!("bell = {bell}\n"), "x").unwrap();
    }
    for (name, key) in schema.pointer("/properties/keys/properties").unwrap().as_object().unwrap() {
        assert!(parse(&format!("[keys]\n{name} = {}\n", key["default"]), "x").is_ok(), "{name}: {key}");
        let may_be_none = key["$ref"] == "#/$defs/keys";
        assert_eq!(parse(&format!("[keys]\n{name} = []\n"), "x").is_ok(), may_be_none, "{name}");
    }
    let pattern = regex::Regex::new(&schema::pattern()).unwrap();
    let all = BINDINGS.iter().flat_map(|b| b.chords).map(Chord::to_string);
    for text in all.chain(["", "dd", "F13", "F12", "Ctrl-", "Alt-x", " ", "space", "Ctrl-PgUp"].map(str::to_owned)) {
        assert_eq!(pattern.is_match(&text), text.parse::<Chord>().is_ok(), "{text:?}");
    }
}

#[test]
fn a_key_for_two_actions_is_refused_with_line_and_both_names() {
    assert_eq!(
        refused("[keys]\nhelp = \"F1\"\nweight = \"d\"\n"),
        "my.toml:3: d would mean both weight (line 3) and drain (by default): give one of them another key, or [] for none"
    );
    let both = refused("[keys]\nweight = \"d\"\n\ndrain = [\"d\"]\n");
    assert!(both.starts_with("my.toml:4: d would mean both weight (line 2) and drain (line 4)"), "{both}");
}

#[test]
fn all_mistakes_of_a_file_are_told_in_their_order() {
    let text = "colour = 1\nbell = \"loud\"\n[keys]\ndrian = \"d\"\nweight = [\"dd\", \"w\", \"F13\"]\ndetach = []\n\
                sort = \"F9\"\nhelp = \"F9\"\nfilter = \"F9\"\n[columns]\nservces = []\nservices = [\"Wieght\", \"CPS\", \"cps\", 1]\n";
    let found = parse(text, "my.toml").unwrap_err();
    let lines: Vec<_> = found.all.iter().filter_map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 5, 6, 8, 9, 11, 12, 12, 12], "{found}");
    assert_eq!(found.in_short(), format!("{} (and 11 mistakes more)", found.to_string().lines().next().unwrap()));
    let two = parse("bel = 1\nbell = 2\n", "my.toml").unwrap_err().in_short();
    assert_eq!(two, "my.toml:1: there is no \"bel\"; did you mean bell? (and one mistake more)");
    let not_toml = refused("bell = never\n[keys]\ndrain = x\nsort = \n");
    let lines: Vec<_> = not_toml.lines().map(|line| line.split_once(": not TOML: ").unwrap().0).collect();
    assert_eq!(lines, ["my.toml:1", "my.toml:3", "my.toml:4"], "{not_toml}");
}

#[test]
fn a_broken_file_names_the_line_and_what_is_wrong_with_it() {
    for (text, says) in [
        ("[keys]\ndrain = \n", "my.toml:2: "),
        (
            "[keys]\n\ndrian = \"d\"\n",
            "my.toml:3: there is no action \"drian\"; `lvsdeck keys` lists them; did you mean drain?",
        ),
        ("[keys]\ndrain = \"dd\"\n", "my.toml:2: drain: \"dd\" is no key"),
        ("[keys]\ndrain = 5\n", "my.toml:2: drain: keys are written as"),
        ("[keys]\ndetach = []\n", "my.toml:2: detach needs a key"),
        ("bell = \"loud\"\n", "my.toml:1: \"loud\" is no word of bell; there are never, critical, changes"),
        ("bell = \"chnages\"\n", "my.toml:1: \"chnages\" is no word of bell; did you mean changes?"),
        ("\nbel = \"never\"\n", "my.toml:2: there is no \"bel\"; did you mean bell?"),
        (
            "[columns]\nservices = [\"Wait\"]\n",
            "my.toml:2: services: there is no column \"Wait\"; there are Forward, Weight",
        ),
        ("[columns]\ncounters = [\"CPS\", \"cps\"]\n", "my.toml:2: counters: CPS stands in it twice"),
        ("[columns]\n\ntable = []\n", "my.toml:3: there is no table \"table\""),
        ("[columns]\nservces = []\n", "my.toml:2: there is no table \"servces\"; did you mean services?"),
        (
            "[columns]\nservices = [\"Wieght\"]\n",
            "my.toml:2: services: there is no column \"Wieght\"; did you mean Weight?",
        ),
        ("[kays]\ndrain = \"d\"\n", "my.toml:1: there is no \"kays\"; did you mean keys?"),
        ("colour = 1\n", "my.toml:1: there is no \"colour\"; there are bell, keys, columns"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(says), "{text}: {error}");
    }
    let error = choose(Some(std::path::Path::new("/nowhere/keys.toml"))).unwrap_err().to_string();
    assert!(error.contains("there is no such file; `lvsdeck keys --print`"), "{error}");
}
