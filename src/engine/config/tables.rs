//! Names of routing tables, as `ip route` knows them on this host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name → number.
pub(super) type Tables = BTreeMap<String, u32>;

/// Where iproute2 has them, the first one first.
const FILES: &[&str] = &["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables"];
/// Where further files may be.
const FOLDER: &str = "/etc/iproute2/rt_tables.d";
/// Such a file is not read further.
const LARGEST: usize = 1024 * 1024;

/// Those of this host. A file that is not there or can't be read has none.
pub(super) fn of_host() -> Tables {
    let mut more: Vec<PathBuf> = std::fs::read_dir(FOLDER)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    more.sort();
    let main = FILES.iter().map(Path::new).find(|path| path.is_file()).map(Path::to_owned);
    let mut tables = Tables::new();
    for path in main.into_iter().chain(more).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        tables.extend(names(text.get(..LARGEST).unwrap_or(&text)));
    }
    tables
}

/// `NUMBER NAME`, one a line, the number perhaps in hexadecimal digits; `#` begins a comment.
fn names(text: &str) -> impl Iterator<Item = (String, u32)> {
    text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (number, name) = (words.next()?, words.next()?);
        let number = match number.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        };
        number.map(|number| (name.to_owned(), number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_number_of_its_line() {
        let text = "# reserved\n255\tlocal\n 100 isp1 # the first\n0x65 isp2\nx isp3\n7\n";
        let found: Vec<_> = names(text).map(|(name, number)| format!("{name} {number}")).collect();
        assert_eq!(found, ["local 255", "isp1 100", "isp2 101"]);
    }
}
