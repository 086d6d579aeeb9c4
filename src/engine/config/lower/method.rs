//! `lb_kind`, `lvs_method` and `sorry_server_lvs_method`: how packets reach a server.

use super::super::argument::number;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::METHODS;
use super::super::schema::{Context, Entry};
use super::super::suggest::nearest;
use super::super::unfit::shown;
use crate::engine::model::{Checksum, Forwarding, Tunnel};

/// How packets reach a server, and what is around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub forwarding: Forwarding,
    pub tunnel: Tunnel,
}

impl Default for Method {
    fn default() -> Self {
        Self { forwarding: Forwarding::Nat, tunnel: Tunnel::Ipip }
    }
}

impl Method {
    pub fn is_tunnel(self) -> bool {
        self.forwarding == Forwarding::Tun
    }
}

/// What operators write for a method.
const MEANT: &[(&str, &str)] = &[
    ("direct", "DR"),
    ("direct_route", "DR"),
    ("route", "DR"),
    ("gate", "DR"),
    ("masq", "NAT"),
    ("masquerade", "NAT"),
    ("tunnel", "TUN"),
    ("ipip", "TUN"),
    ("gre", "TUN type gre"),
    ("gue", "TUN type gue port PORT"),
];

/// `NAT`, `DR` or `TUN`, with further words on the kind of tunnel. `before` is what counts without the line: the kind of it counts
/// where that of the line can't be had.
pub(super) fn lower(cx: &mut Context, text: &str, entry: &Entry, before: Option<Method>) -> Option<Method> {
    let (method, rest) = text.split_once(' ').unwrap_or((text, ""));
    let forwarding = match method {
        "NAT" => Forwarding::Nat,
        "DR" => Forwarding::Dr,
        "TUN" => Forwarding::Tun,
        _ => {
            let message = format!(
                "{} {} is not one of {}; it is ignored, as keepalived does",
                entry.keyword.word,
                quoted(method),
                METHODS.join(", ")
            );
            let usual = MEANT.iter().find(|(wrong, _)| wrong.eq_ignore_ascii_case(method));
            let meant = usual.map(|(_, meant)| *meant).or_else(|| nearest(method, METHODS.iter().copied()));
            let help = meant.map(|meant| format!("did you mean {meant}?"));
            cx.report.add(Problem::warning(entry.value_at(1), "unknown-value", message).help_if(help));
            return None;
        }
    };
    if forwarding != Forwarding::Tun {
        if !rest.is_empty() {
            let message = format!("{} is not used: {method} takes nothing behind it", quoted(rest));
            let help = "a comment begins with # or !";
            cx.report.add(Problem::warning(entry.value_at(2), "too-many-values", message).help(help));
        }
        return Some(Method { forwarding, tunnel: Tunnel::Ipip });
    }
    let words = cx.words(entry.statement);
    let tunnel = tunnel(&words).unwrap_or_else(|Mistake { at, what, help }| {
        let kind = before.filter(|before| before.is_tunnel()).unwrap_or_default().tunnel;
        let what = format!("{what}; the tunnel is {kind}, as with keepalived");
        cx.report.add(Problem::warning(entry.value_at(at), "bad-tunnel", what).help(help));
        kind
    });
    Some(Method { forwarding, tunnel })
}

/// What is wrong with the words behind `TUN`.
struct Mistake {
    /// Which word.
    at: usize,
    what: String,
    help: String,
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
fn tunnel(words: &[String]) -> Result<Tunnel, Mistake> {
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
