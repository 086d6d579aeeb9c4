//! What may follow a word.

use super::Block;
use crate::engine::model::SCHEDULERS;

/// The kind of value that a word takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Value {
    /// Nothing: the word alone says it, and whatever follows changes nothing.
    Flag,
    /// Nothing, or `true`, `on`, `yes` and their opposites.
    Switch,
    /// A whole number within bounds.
    Number(u64, u64),
    /// A whole number within bounds, or nothing, which means the third.
    NumberOr(u64, u64, u64),
    /// A whole number within bounds, with a sign.
    Signed(i64, i64),
    /// A whole number within bounds, with a sign, and perhaps `reverse`.
    Weight(i64, i64),
    /// Seconds with decimals; bounds in microseconds.
    Seconds(u64, u64),
    /// One word.
    Text,
    /// One word or more.
    Words,
    /// A command line, which is read once more from the text of its line: quotes of either kind and escapes count.
    Command,
    /// A regular expression, which is read so too.
    Expression,
    /// One of these words, in capital or small letters.
    Choice(&'static [&'static str]),
    /// One of these words, as it is written here.
    Exactly(&'static [&'static str]),
    /// A scheduler of the kernel.
    Scheduler,
    /// An address.
    Address,
    /// An address; a prefix length behind it is not used.
    OwnAddress,
    /// A netmask or prefix length.
    Netmask,
    /// An address and, perhaps, a port.
    Server,
    /// A host's name or address and, perhaps, a port.
    MailServer,
    /// A block.
    Block(Block),
    /// A name and a block.
    Named(Block),
    /// Address and port, `fwmark N` or `group NAME`, and a block.
    Service(Block),
    /// Address and perhaps a port, and a block.
    RealServer(Block),
    /// Whatever follows, a block included, is read over.
    Anything,
}

impl Value {
    /// The block that has to follow.
    pub const fn block(self) -> Option<Block> {
        match self {
            Self::Block(block) | Self::Named(block) | Self::Service(block) | Self::RealServer(block) => Some(block),
            Self::Flag
            | Self::Switch
            | Self::Number(..)
            | Self::NumberOr(..)
            | Self::Signed(..)
            | Self::Weight(..)
            | Self::Seconds(..)
            | Self::Text
            | Self::Words
            | Self::Command
            | Self::Expression
            | Self::Choice(_)
            | Self::Exactly(_)
            | Self::Scheduler
            | Self::Address
            | Self::OwnAddress
            | Self::Netmask
            | Self::Server
            | Self::MailServer
            | Self::Anything => None,
        }
    }

    /// How many words at least, and at most.
    pub const fn arity(self) -> (usize, usize) {
        match self {
            Self::Switch | Self::NumberOr(..) => (0, 1),
            Self::Flag | Self::Block(_) => (0, 0),
            Self::Number(..)
            | Self::Signed(..)
            | Self::Seconds(..)
            | Self::Text
            | Self::Choice(_)
            | Self::Exactly(_)
            | Self::Scheduler
            | Self::Address
            | Self::OwnAddress
            | Self::Netmask
            | Self::Named(_) => (1, 1),
            Self::Weight(..) | Self::MailServer => (1, 2),
            Self::Server | Self::Service(_) | Self::RealServer(_) => (1, 3),
            Self::Words | Self::Command | Self::Expression => (1, usize::MAX),
            Self::Anything => (0, usize::MAX),
        }
    }

    /// A word given twice is a mistake: only one value counts.
    pub const fn is_single(self) -> bool {
        match self {
            Self::Number(..)
            | Self::NumberOr(..)
            | Self::Signed(..)
            | Self::Weight(..)
            | Self::Seconds(..)
            | Self::Text
            | Self::Choice(_)
            | Self::Exactly(_)
            | Self::Scheduler
            | Self::Netmask
            | Self::Address
            | Self::OwnAddress
            | Self::Expression
            | Self::Server
            | Self::MailServer => true,
            Self::Flag
            | Self::Switch
            | Self::Words
            | Self::Command
            | Self::Block(_)
            | Self::Named(_)
            | Self::Service(_)
            | Self::RealServer(_)
            | Self::Anything => false,
        }
    }

    /// What is to be written, for messages.
    pub fn wanted(self) -> String {
        match self {
            Self::Flag => "nothing".to_owned(),
            Self::Switch => "nothing, on or off".to_owned(),
            Self::Number(low, high) => format!("a whole number {}", bounds(low, high)),
            Self::NumberOr(low, high, default) => {
                format!("a whole number {}, or nothing for {default}", bounds(low, high))
            }
            Self::Signed(low, high) => format!("a whole number from {low} to {high}"),
            Self::Weight(low, high) => format!("a whole number from {low} to {high}, and perhaps reverse"),
            Self::Seconds(low, high) => format!("seconds from {} to {}", decimal(low), decimal(high)),
            Self::Text => "a word".to_owned(),
            Self::Words => "a word or more".to_owned(),
            Self::Command => "a command line".to_owned(),
            Self::Expression => "a regular expression".to_owned(),
            Self::Choice(words) | Self::Exactly(words) => format!("one of {}", words.join(", ")),
            Self::Scheduler => {
                format!("one of {}", SCHEDULERS.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", "))
            }
            Self::Address | Self::OwnAddress => "an address, such as 10.0.0.1 or fd00::1".to_owned(),
            Self::Netmask => "a netmask such as 255.255.255.0, or a prefix length".to_owned(),
            Self::Server => "an address and a port, such as 10.0.0.9 80".to_owned(),
            Self::MailServer => "a name or an address, and perhaps a port, such as mail.example.org 25".to_owned(),
            Self::Block(_) => "a block: { … }".to_owned(),
            Self::Named(_) => "a name and a block: NAME { … }".to_owned(),
            Self::Service(_) => {
                "an address and a port, or fwmark and a number, and a block: 10.0.0.1 80 { … }".to_owned()
            }
            Self::RealServer(_) => "an address, a port and a block: 10.0.0.71 80 { … }".to_owned(),
            Self::Anything => "anything".to_owned(),
        }
    }
}

fn bounds(low: u64, high: u64) -> String {
    if high >= u64::from(u32::MAX) >> 1 { format!("from {low} up") } else { format!("from {low} to {high}") }
}

/// Microseconds as seconds without needless zeros.
pub(in super::super) fn decimal(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
