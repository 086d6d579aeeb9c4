//! The pictures of `docs/screens`: each that the script makes is there and of today, each that a page shows exists, and there is
//! one of each screen.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

use lvsdeck::engine::{STAGE_ORDERS, drill_steps};
use lvsdeck::ui::script::{Script, Step};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SIZES: [&str; 2] = ["140x36", "80x24"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pictures that the script saves.
fn made() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/screens/demo.keys")).unwrap();
    let script = Script::parse("demo.keys", &text).unwrap();
    let saved = script.steps.into_iter().filter_map(|(_, step)| match step {
        Step::Save(file) => Some(file.display().to_string()),
        Step::Keys(_) | Step::Wait(_) | Step::Gone(_) | Step::Pause(_) => None,
    });
    saved.flat_map(|name| SIZES.map(|size| name.replace("SIZE", size).replace(".svg", ".png"))).collect()
}

#[test]
fn what_the_script_makes_is_what_is_there() {
    let there: BTreeSet<String> = fs::read_dir(root().join("docs/screens"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["make", "demo.keys"].contains(&name.as_str()))
        .collect();
    assert_eq!(there, made(), "run docs/screens/make, and remove what it does not make");
}

#[test]
fn there_is_a_picture_of_each_screen() {
    for screen in
        ["services", "vrrp", "timeline", "counters", "log", "help", "detail", "preview", "connections", "palette"]
    {
        for size in SIZES {
            assert!(made().contains(&format!("demo-{screen}-{size}.png")), "{screen} at {size}");
        }
    }
}

#[test]
fn each_picture_that_a_page_shows_is_there_and_each_that_is_there_is_shown() {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    pages.push(root().join("README.md"));
    let mut shown = BTreeSet::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for piece in text.split("screens/").skip(1) {
            let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
            if Path::new(&name).extension().is_some_and(|end| end == "txt" || end == "png") {
                assert!(root().join("docs/screens").join(&name).exists(), "{}: {name}", page.display());
                shown.insert(name);
            }
        }
    }
    assert_eq!(shown, made());
}

#[test]
fn the_pictures_show_the_drill_of_today() {
    let step = drill_steps().next().unwrap();
    for picture in ["demo-80x24.txt", "demo-140x36.txt"] {
        let text = fs::read_to_string(root().join("docs/screens").join(picture)).unwrap();
        assert!(text.contains(step.title), "{picture}");
        // Beside the console its words are wrapped.
        let words = step.look.split(' ').all(|word| text.contains(word));
        assert!(words, "{picture} shows another drill than \"{}\": run docs/screens/make", step.look);
    }
}

#[test]
fn the_page_of_the_demo_names_each_of_its_commands() {
    let page = fs::read_to_string(root().join("docs/demo.md")).unwrap();
    for (words, _) in STAGE_ORDERS {
        let word = words.split(' ').next().unwrap();
        assert!(page.contains(&format!("`{word}")), "{word}");
    }
}
