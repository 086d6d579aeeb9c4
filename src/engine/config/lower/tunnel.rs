//! The words behind `TUN`: what is around the packets.

use super::super::argument::number;
use super::super::diagnostic::quoted;
use super::super::suggest::nearest;
use super::super::unfit::shown;
use crate::engine::model::{Checksum, Tunnel};

/// What is wrong with the words behind `TUN`.
pub(super) struct Mistake {
    /// Which word.
    pub at: usize,
    pub what: String,
    pub help: String,
}

impl Mistake {
    fn new(at: usize, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, what: what.into(), help: help.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ipip,
    Gue,
    Gre,
}

const KINDS: [&str; 3] = ["ipip", "gue", "gre"];
const GUE: &str = "write type gue port PORT, the UDP port that the real servers take the packets on";

/// `type ipip|gue|gre`, `port N` and `csum`, `nocsum` or `remcsum`, in any order; the last of each counts.
pub(super) fn tunnel(words: &[String]) -> Result<Tunnel, Mistake> {
    let (mut kind, mut port, mut sum) = ((Kind::Ipip, 1), None, (Checksum::Off, 1));
    let mut at = 2;
    while let Some(word) = words.get(at) {
        let value = words.get(at + 1).map(String::as_str);
        match word.as_str() {
            "type" => {
                kind = (read_kind(value, at)?, at + 1);
                at += 1;
            }
            "port" => {
                port = Some((read_port(value, at)?, at));
                at += 1;
            }
            "csum" => sum = (Checksum::On, at),
            "nocsum" => sum = (Checksum::Off, at),
            "remcsum" => sum = (Checksum::Remote, at),
            other => {
                let is_kind = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(other));
                let meant = nearest(other, ["type", "port", "csum", "nocsum", "remcsum"]);
                let help = match (is_kind, meant) {
                    (Some(kind), _) => format!("write type {kind}"),
                    (None, Some(meant)) => format!("did you mean {meant}?"),
                    (None, None) => "behind TUN stand type, port, csum, nocsum and remcsum".to_owned(),
                };
                return Err(Mistake::new(at, format!("{} is no word of a tunnel", quoted(other)), help));
            }
        }
        at += 1;
    }
    match (kind.0, port, sum.0) {
        (Kind::Gue, Some((port, _)), checksum) => Ok(Tunnel::Gue { port, checksum }),
        (Kind::Gue, None, _) => Err(Mistake::new(kind.1, "a tunnel of type gue needs a port", GUE)),
        (Kind::Gre | Kind::Ipip, Some((_, at)), _) => {
            let name = if kind.0 == Kind::Gre { "gre" } else { "ipip" };
            Err(Mistake::new(at, format!("a tunnel of type {name} has no port"), format!("remove the port, or {GUE}")))
        }
        (Kind::Gre, None, Checksum::Remote) => {
            Err(Mistake::new(sum.1, "a tunnel of type gre has no remcsum", "write csum or nocsum"))
        }
        (Kind::Gre, None, checksum) => Ok(Tunnel::Gre { checksum }),
        (Kind::Ipip, None, Checksum::Off) => Ok(Tunnel::Ipip),
        (Kind::Ipip, None, Checksum::On | Checksum::Remote) => {
            let what = "a tunnel of type ipip has no checksum of its own";
            Err(Mistake::new(sum.1, what, "remove the word, or write type gre or type gue before it"))
        }
    }
}

fn read_kind(word: Option<&str>, at: usize) -> Result<Kind, Mistake> {
    match word {
        Some("ipip") => Ok(Kind::Ipip),
        Some("gue") => Ok(Kind::Gue),
        Some("gre") => Ok(Kind::Gre),
        Some(other) => {
            let lower = other.to_ascii_lowercase();
            let meant = nearest(&lower, KINDS).or_else(|| KINDS.into_iter().find(|kind| *kind == lower));
            let help = meant.map_or_else(
                || "the kernel's tunnels are of type ipip, gue or gre".to_owned(),
                |meant| format!("did you mean {meant}?"),
            );
            Err(Mistake::new(at + 1, format!("{} is no type of tunnel", quoted(other)), help))
        }
        None => Err(Mistake::new(at, "nothing stands behind type", "write type ipip, type gue port PORT or type gre")),
    }
}

fn read_port(word: Option<&str>, at: usize) -> Result<u16, Mistake> {
    let Some(word) = word else { return Err(Mistake::new(at, "nothing stands behind port", GUE)) };
    let port = number(word, 1, 65_535).map(u16::try_from);
    match port {
        Ok(Ok(port)) => Ok(port),
        Ok(Err(_)) => Err(Mistake::new(at + 1, format!("{} is no port", shown(word)), GUE)),
        Err(unfit) => Err(Mistake::new(at + 1, format!("port {} {}", shown(word), unfit.what), GUE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tunnel of a line, or what is wrong with it.
    fn read(line: &str) -> Result<Tunnel, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        tunnel(&words).map_err(|mistake| format!("{}: {}", words[mistake.at], mistake.what))
    }

    #[test]
    fn words_behind_tun_stand_in_any_order_and_the_last_counts() {
        let gue = |port, checksum| Ok(Tunnel::Gue { port, checksum });
        let gre = |checksum| Ok(Tunnel::Gre { checksum });
        for (line, tunnel) in [
            ("lb_kind TUN", Ok(Tunnel::Ipip)),
            ("lb_kind TUN type ipip csum nocsum", Ok(Tunnel::Ipip)),
            ("lb_kind TUN type gue port 6080", gue(6080, Checksum::Off)),
            ("lb_kind TUN remcsum port +7 type gue", gue(7, Checksum::Remote)),
            ("lb_kind TUN type gue port 1 csum remcsum port 2", gue(2, Checksum::Remote)),
            ("lb_kind TUN type gre type gue port 65535 csum", gue(65_535, Checksum::On)),
            ("lb_kind TUN type gre", gre(Checksum::Off)),
            ("lb_kind TUN type gre remcsum csum", gre(Checksum::On)),
        ] {
            assert_eq!(read(line), tunnel, "{line}");
        }
    }

    #[test]
    fn a_mistake_behind_tun_is_told_where_it_stands() {
        for (line, told) in [
            ("lb_kind TUN type gue", "gue: a tunnel of type gue needs a port"),
            ("lb_kind TUN type gue port", "port: nothing stands behind port"),
            ("lb_kind TUN type gue port 0", "0: port 0 is out of range: 1 to 65535 is allowed"),
            ("lb_kind TUN type gue port x", "x: port \"x\" is not a whole number"),
            ("lb_kind TUN port 7", "port: a tunnel of type ipip has no port"),
            ("lb_kind TUN type gre port 7", "port: a tunnel of type gre has no port"),
            ("lb_kind TUN type gre remcsum", "remcsum: a tunnel of type gre has no remcsum"),
            ("lb_kind TUN csum", "csum: a tunnel of type ipip has no checksum of its own"),
            ("lb_kind TUN type", "type: nothing stands behind type"),
            ("lb_kind TUN type vxlan", "vxlan: \"vxlan\" is no type of tunnel"),
            ("lb_kind TUN gre", "gre: \"gre\" is no word of a tunnel"),
        ] {
            assert_eq!(read(line), Err(told.to_owned()), "{line}");
        }
    }
}
