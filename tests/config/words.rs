//! The table of words: every word that keepalived knows is in it, and the page for people is what it says.

use super::folder;
use lvsdeck::engine::config_words::{Block, page};
use lvsdeck::engine::{differences_page, settings_page, settings_schema, sysctls_page};

#[test]
fn the_page_of_the_configuration_is_what_the_table_says() {
    same("config.md", &page());
}

#[test]
fn pages_and_schema_of_settings_and_sysctls_are_what_their_tables_say() {
    same("settings.md", &settings_page());
    same("schema/settings.json", &settings_schema());
    same("schema/console.json", &lvsdeck::ui::keymap::schema());
    same("sysctls.md", &sysctls_page());
    let schema: serde_json::Value = serde_json::from_str(&settings_schema()).unwrap();
    assert_eq!(schema["properties"]["ipvs"]["properties"]["drift"]["default"], "repair");
}

/// Whether a file of `docs/` is this text; with `UPDATE_EXPECTED` it becomes it.
fn same(name: &str, text: &str) {
    let file = folder("../../docs").join(name);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == text, "docs/{name} is not what the table says: UPDATE_EXPECTED=1 cargo test --test config");
}

/// `words.txt` lists block and word of keepalived 2.4.3's grammar, one pair a line.
#[test]
fn every_pair_of_block_and_word_of_keepalived_is_in_the_table() {
    let list = std::fs::read_to_string(folder("words.txt")).unwrap();
    let pairs: Vec<_> = list.lines().filter(|line| !line.starts_with('#')).filter_map(|l| l.split_once('\t')).collect();
    assert_eq!(pairs.len(), 531);
    let missing: Vec<_> =
        pairs.iter().filter(|(path, word)| !blocks(path).iter().any(|block| block.knows(word))).collect();
    assert!(missing.is_empty(), "{} {missing:#?}", missing.len());
    let page = page();
    for (path, word) in &pairs {
        let told = blocks(path).iter().any(|block| section(&page, *block).contains(&format!("\n| `{word}` | ")));
        assert!(told, "docs/config.md does not tell {word} in {path}");
    }
}

/// What the page says of a block.
fn section(page: &str, block: Block) -> &str {
    let heading = format!("\n## {}\n", block.title());
    page.split_once(&heading).map_or("", |(_, behind)| behind.split("\n## ").next().unwrap_or(""))
}

/// The block of the table at a path: `vrrp_instance/authentication`; none where there is none.
fn blocks(path: &str) -> Vec<Block> {
    let mut words = path.split('/');
    let first = words.next().unwrap();
    let mut found: Vec<Block> = match first {
        "TOP" => vec![Block::Top],
        first => Block::Top.inside(first).into_iter().collect(),
    };
    for word in words {
        found = found.into_iter().filter_map(|block| block.inside(word)).collect();
    }
    found
}

#[test]
fn the_page_of_differences_is_what_the_tables_say() {
    let file = folder("../../docs/config-differences.md");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, differences_page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == differences_page(), "docs/config-differences.md is not what the tables say: UPDATE_EXPECTED=1");
}
