//! The table for people: what `lvsdeck explain` says of a word, and the page `docs/config.md`.

use super::{Block, Keyword, MEANT, Status, defaults};
use std::fmt::Write;

/// One word in one block, as it is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// As it is written.
    pub word: &'static str,
    /// Where it may stand.
    pub block: Block,
    /// What follows it, with range and unit: `a whole number from 1 to 255`.
    pub value: String,
    /// What counts where it is not written.
    pub default: Option<&'static str>,
    /// Whether lvsdeck does what it says; otherwise it is read, with a warning.
    pub acts: bool,
    /// What it does, or what lvsdeck does instead.
    pub meaning: &'static str,
    /// The version of lvsdeck that has done so first.
    pub since: &'static str,
}

/// All that there is to say of a word: one entry for each block that knows it.
pub fn explain(word: &str) -> Vec<Explanation> {
    Block::ALL.into_iter().flat_map(explanations).filter(|e| e.word.eq_ignore_ascii_case(word)).collect()
}

/// The word that was meant by one that nobody knows.
pub fn meant(word: &str) -> Option<&'static str> {
    // What operators write for another word, and what is no word's misspelling.
    if let Some((_, _, meant)) = MEANT.iter().find(|(_, wrong, meant)| *wrong == word && !meant.is_empty()) {
        return Some(meant);
    }
    super::super::suggest::nearest(word, Block::ALL.into_iter().flat_map(Block::words).chain(super::phrases::names()))
}

fn explanations(block: Block) -> Vec<Explanation> {
    let known = |keyword: &'static Keyword| Explanation {
        word: keyword.word,
        block,
        value: super::narrower::seconds(block, keyword.word).unwrap_or_else(|| keyword.value.wanted()),
        default: defaults::of(block, keyword.word),
        acts: keyword.status == Status::Acts,
        meaning: match keyword.meaning {
            "" => "it belongs to a block that is not acted on as a whole",
            meaning => meaning,
        },
        since: keyword.since,
    };
    block.keywords().map(known).collect()
}

/// The page of all words, in Markdown.
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for block in Block::ALL {
        let mut all = explanations(block);
        if all.is_empty() {
            continue;
        }
        all.sort_by_key(|e| (e.word.to_ascii_lowercase(), e.word));
        let _ = write!(
            page,
            "\n## {}\n\n| word | takes | default | status | what it does |\n|---|---|---|---|---|\n",
            block.title()
        );
        for e in all {
            let status = if e.acts { "acts".to_owned() } else { format!("read, since {}", e.since) };
            let default = e.default.unwrap_or("");
            let _ = writeln!(page, "| `{}` | {} | {default} | {status} | {} |", e.word, e.value, e.meaning);
        }
    }
    page
}

impl Block {
    /// Where it stands, the heading of the page: `virtual_server / real_server / HTTP_GET`.
    pub fn title(self) -> String {
        let mut names: Vec<_> = std::iter::successors(Some(self), |b| b.parent()).map(Self::name).collect();
        names.reverse();
        if names.len() > 1 {
            names.remove(0);
        }
        names.join(" / ")
    }
}

const INTRODUCTION: &str = "\
# The configuration language

lvsdeck reads keepalived.conf as it is. This page is made from the table that drives parsing, `lvsdeck check` and
`lvsdeck explain WORD`; a test compares them.

**acts**: the word does what it says. **read**: the word is accepted, and the last column says what lvsdeck does instead, since the version that is named; `lvsdeck check`
warns once for each such word that a file uses. A word that is not in these tables is ignored with a warning, as in keepalived,
and with the word that was probably meant.

## The language itself

| written | is |
|---|---|
| `# …`, `! …` | a comment, anywhere outside of double quotes |
| `\"a b\"` | one word, which ends at the next `\"`; `'` and `\\` are letters of the value, as in keepalived |
| `script \"/bin/sh -c 'a b'\"` | a command line, or a `regex`: `'…'`, `\"…\"` and `\\` count there, as in a shell, in a command line once more inside of its quotes. `#`, `!`, `{` and `}` need double quotes all the same |
| `word { … }` | a block; braces may share a line with words |
| `include FILE` | the file's text, relative to the including file; `*`, `?`, `[…]` and `{a,b}` match several, in order of their names. A missing file is a warning |
| `includer` `includem` `includew` `includeb` `includea` | the same, where an unreadable file, a missing file, a pattern without match, a missing word of braces, or any of them is an error; `include_check WORD…` sets this for all includes below |
| `@id …`, `@^id …` | the line counts where the node is (not) called `id`: the host's name up to its first dot, or `--config-id ID` |
| `$NAME=value` | a definition, without spaces around the `=`; a value goes on in the next line behind a `\\` |
| `$NAME`, `${NAME}` | its value, resolved where it is used; without braces only in front of white space, `,`, `)` or the end of the line |
| `${_PWD}` `${_INSTANCE}` | the directory of the file that is read; the name that `@id` is compared with |
| `${_RANDOM MIN MAX}` `${_ENV NAME}` | a whole number, 0 to 32767 where nothing is said; a variable of the environment |
| `${_HASH}` `${_BANG}` | `#` and `!`, for the value of a definition; they begin a comment where they are used outside of double quotes, as in keepalived |
| `~SEQ(v, start, step, end) …` | the rest of the line for each value; start defaults to 1 or -1, step to 1 or -1; `~SEQx` writes hexadecimal numbers |
| `~LST(v, a, b) …`, `~LST({v,w}, {1,2}, {3,4}) …` | the rest of the line for each value, or each set of values |
| `on` `yes` `true`, `off` `no` `false` | may follow a word that takes \"nothing, on or off\". Behind one that takes nothing they change nothing, as in keepalived: it holds, and a warning says so |

What a file grows to is bounded: 64 MiB a file and of expanded text, 1,024 files, 16 levels of include, 4,000,000 words, 100,000 on a line.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_explained_in_each_of_its_blocks() {
        let weights = explain("weight");
        assert!(weights.iter().any(|e| e.block == Block::RealServer && e.acts));
        assert!(weights.iter().any(|e| e.block == Block::Script && e.value.contains("-253")));
        assert!(explain("weigth").is_empty());
        assert_eq!((meant("weigth"), meant("vrid")), (Some("weight"), Some("virtual_router_id")));
    }

    #[test]
    fn the_page_tells_every_word() {
        let page = page();
        for word in Block::ALL.into_iter().flat_map(Block::words) {
            assert!(page.contains(&format!("| `{word}` |")), "{word}");
        }
        assert!(page.contains("## virtual_server / real_server / HTTP_GET / url\n"));
    }
}
