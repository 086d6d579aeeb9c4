//! Words of which keepalived takes less than their kind of value allows, and ignores the rest with a message. A table of
//! data; measured with keepalived 2.2.7.

use super::super::argument::Argument;
use super::{Block, decimal};

/// Microseconds in a second.
const S: u64 = 1_000_000;
const U32: u64 = 4_294_967_295;

/// What keepalived takes; bounds of seconds in microseconds.
#[derive(Debug, Clone, Copy)]
enum Takes {
    WholeSeconds(u64, u64),
    Seconds(u64, u64),
    From(u64),
    Signed(i64, i64),
}

const NARROWER: &[(Block, &str, Takes)] = &[
    (Block::Global, "vrrp_garp_master_delay", Takes::WholeSeconds(0, 4_294)),
    (Block::Global, "vrrp_garp_lower_prio_delay", Takes::WholeSeconds(0, 4_294)),
    (Block::Global, "vrrp_garp_master_refresh", Takes::WholeSeconds(0, U32)),
    (Block::Global, "vrrp_startup_delay", Takes::Seconds(1_000, 4_294_967_295)),
    (Block::Instance, "garp_master_delay", Takes::WholeSeconds(0, 4_294)),
    (Block::Instance, "garp_lower_prio_delay", Takes::WholeSeconds(0, 4_294)),
    (Block::Instance, "garp_master_refresh", Takes::WholeSeconds(0, U32)),
    (Block::File, "weight", Takes::Signed(-254, 254)),
    (Block::Process, "delay", Takes::Seconds(1, 3_600 * S)),
    (Block::Process, "fork_delay", Takes::Seconds(1, 3_600 * S)),
    (Block::Process, "terminate_delay", Takes::Seconds(1, 3_600 * S)),
    (Block::VirtualServer, "retry", Takes::From(1)),
    (Block::RealServer, "retry", Takes::From(1)),
    (Block::VirtualServer, "weight", Takes::From(1)),
    (Block::VirtualServer, "persistence_timeout", Takes::From(1)),
];

/// The seconds that keepalived takes, where they are less than the kind of value allows.
pub(super) fn seconds(block: Block, word: &str) -> Option<String> {
    let (.., takes) = NARROWER.iter().find(|(b, w, _)| *b == block && *w == word)?;
    match takes {
        Takes::WholeSeconds(low, high) => Some(format!("whole seconds from {low} to {high}")),
        Takes::Seconds(low, high) => Some(format!("seconds from {} to {}", decimal(*low), decimal(*high))),
        Takes::From(_) | Takes::Signed(..) => None,
    }
}

/// What is to be written instead of a value that keepalived ignores; none where it takes it.
pub(in super::super) fn ignored(block: Block, word: &str, argument: &Argument) -> Option<String> {
    let (.., takes) = NARROWER.iter().find(|(b, w, _)| *b == block && *w == word)?;
    let (fits, wanted) = match (*takes, argument) {
        (Takes::WholeSeconds(low, high), Argument::Time(time)) => {
            let fits = time.subsec_nanos() == 0 && (low..=high).contains(&time.as_secs());
            (fits, seconds(block, word)?)
        }
        (Takes::Seconds(low, high), Argument::Time(time)) => {
            let fits = (u128::from(low)..=high.into()).contains(&time.as_micros());
            (fits, seconds(block, word)?)
        }
        (Takes::From(low), Argument::Number(number)) => (*number >= low, format!("a whole number from {low} up")),
        (Takes::Signed(low, high), Argument::Signed(number)) => {
            ((low..=high).contains(number), format!("a whole number from {low} to {high}"))
        }
        _ => return None,
    };
    (!fits).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_narrower_is_one_of_the_table_and_of_its_kind() {
        for (block, word, takes) in NARROWER {
            let keyword = block.find(word).unwrap_or_else(|| panic!("{word} in {}", block.name()));
            let kind = super::super::super::argument::parse(keyword.value, &["1".to_owned()]).unwrap();
            let same = matches!(
                (takes, kind),
                (Takes::WholeSeconds(..) | Takes::Seconds(..), Argument::Time(_))
                    | (Takes::From(_), Argument::Number(_))
                    | (Takes::Signed(..), Argument::Signed(_))
            );
            assert!(same, "{word} in {}", block.name());
        }
    }
}
