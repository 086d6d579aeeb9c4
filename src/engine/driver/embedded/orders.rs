//! What an embedded cluster can be told: faults, and which director is shown.

use crate::engine::config::nearest;
use std::fmt;

/// Each order with its words and what it does; help reads this table.
pub const ORDERS: &[(&str, &str)] = &[
    ("kill NAME", "a real server dies: its ports close (kill web2)"),
    ("revive NAME", "it comes back"),
    ("cut", "cut the wire between the directors: neither hears the other"),
    ("heal", "mend the wire, and lose no more packets"),
    ("loss PERCENT", "so many of the directors' packets are lost (loss 20%)"),
    ("director N", "show director 1 or 2"),
    ("load N", "so many new clients a second, at the mean (0 to 10000)"),
    ("skip", "go on with the next step of the drill"),
    ("again", "begin the drill anew"),
];

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A server dies.
    Kill(String),
    /// A server comes back.
    Revive(String),
    /// The wire is cut.
    Cut,
    /// The wire is whole.
    Heal,
    /// Packets are lost.
    Loss(u8),
    /// Another director is shown, from 0.
    Director(usize),
    /// Another load.
    Load(u32),
    /// The drill's next step.
    Skip,
    /// The drill from its beginning.
    Again,
}

/// Words that are no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderError {
    /// Not one of [`ORDERS`]: the word, and what stands behind it.
    Unknown(String, String),
    /// The word behind it is missing or wrong.
    Wrong(&'static str),
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word, rest) => {
                let known: Vec<&str> = ORDERS.iter().filter_map(|(words, _)| words.split(' ').next()).collect();
                write!(f, "there is no command \"{word}\" here: ")?;
                match nearest(word, known.iter().copied()) {
                    Some(meant) => write!(f, "did you mean :{}?", format!("{meant} {rest}").trim_end()),
                    None => write!(f, "{}", known.join(", ")),
                }
            }
            Self::Wrong(words) => {
                let what = ORDERS.iter().find(|(known, _)| known == words).map_or("", |(_, what)| *what);
                write!(f, "write {words}: {what}")
            }
        }
    }
}

impl std::str::FromStr for Order {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, OrderError> {
        let words: Vec<&str> = text.trim().trim_start_matches(':').split_whitespace().collect();
        let (word, rest) = match words.split_first() {
            Some((word, rest)) => (*word, rest),
            None => return Err(OrderError::Unknown(String::new(), String::new())),
        };
        let alone = |order: Self, words| if rest.is_empty() { Ok(order) } else { Err(OrderError::Wrong(words)) };
        let one = |words| match rest {
            [one] => Ok(*one),
            _ => Err(OrderError::Wrong(words)),
        };
        match word {
            "kill" => one("kill NAME").map(|name| Self::Kill(name.to_owned())),
            "revive" => one("revive NAME").map(|name| Self::Revive(name.to_owned())),
            "cut" => alone(Self::Cut, "cut"),
            "heal" => alone(Self::Heal, "heal"),
            "loss" => {
                let percent = one("loss PERCENT")?.trim_end_matches('%').parse().ok();
                percent.filter(|percent| *percent <= 100).map(Self::Loss).ok_or(OrderError::Wrong("loss PERCENT"))
            }
            "director" => match one("director N")? {
                "1" | "d1" => Ok(Self::Director(0)),
                "2" | "d2" => Ok(Self::Director(1)),
                _ => Err(OrderError::Wrong("director N")),
            },
            "load" => {
                let rate = one("load N")?.parse().ok().filter(|rate| *rate <= 10_000);
                rate.map(Self::Load).ok_or(OrderError::Wrong("load N"))
            }
            "skip" => alone(Self::Skip, "skip"),
            "again" => alone(Self::Again, "again"),
            other => Err(OrderError::Unknown(other.to_owned(), rest.join(" "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_with_or_without_their_colon() {
        for (text, order) in [
            (":kill web2", Order::Kill("web2".to_owned())),
            (" revive  web2 ", Order::Revive("web2".to_owned())),
            ("cut", Order::Cut),
            (":loss 20%", Order::Loss(20)),
            ("loss 0", Order::Loss(0)),
            ("director 2", Order::Director(1)),
            ("load 50", Order::Load(50)),
        ] {
            assert_eq!(text.parse(), Ok(order), "{text}");
        }
    }

    #[test]
    fn a_wrong_order_is_told_what_a_right_one_looks_like() {
        let says = |text: &str| text.parse::<Order>().unwrap_err().to_string();
        assert!(says("explode").contains("no command \"explode\"") && says("explode").contains("kill, revive"));
        assert!(says("kll web2").ends_with("did you mean :kill web2?"), "{}", says("kll web2"));
        assert!(says(":hael").ends_with("did you mean :heal?"), "{}", says(":hael"));
        assert_eq!(says("loss 120%"), "write loss PERCENT: so many of the directors' packets are lost (loss 20%)");
        for wrong in ["kill", "kill a b", "cut it", "director 3", "load many", ""] {
            assert!(wrong.parse::<Order>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_order_of_the_table_can_be_given() {
        for (words, _) in ORDERS {
            let given = words.replace("NAME", "web1").replace("PERCENT", "5").replace('N', "1");
            assert!(given.parse::<Order>().is_ok(), "{given}");
        }
    }
}
