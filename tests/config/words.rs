//! The table of words: every word that keepalived knows is in it, and the page for people is what it says.

use super::folder;
use lvsdeck::engine::config_words::{Block, inside, page};

#[test]
fn the_page_of_the_configuration_is_what_the_table_says() {
    let file = folder("../../docs/config.md");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/config.md is not what the table says: UPDATE_EXPECTED=1 cargo test --test config");
}

/// `words.txt` lists block and word of keepalived 2.4.3's grammar, one pair a line.
#[test]
fn no_word_of_keepalived_is_unknown() {
    let list = std::fs::read_to_string(folder("words.txt")).unwrap();
    let pairs: Vec<_> = list.lines().filter(|line| !line.starts_with('#')).filter_map(|l| l.split_once('\t')).collect();
    assert_eq!(pairs.len(), 531);
    let missing: Vec<_> = pairs.iter().filter(|(path, word)| !is_known(path, word)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Whether a block with this path knows the word. A block that is read over as a whole knows all of its words.
fn is_known(path: &str, word: &str) -> bool {
    match path.rsplit('/').next().unwrap() {
        "TOP" => Block::Top.knows(word),
        name => inside(name).into_iter().any(|block| block.is_none_or(|block| block.knows(word))),
    }
}
