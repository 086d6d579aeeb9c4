//! The connection table, asked for when somebody opens it or asks again, and never otherwise: what was asked, what came, and
//! which part of it is looked at.

use super::Field;
use crate::engine::{ConnectionSort, ConnectionsPage, ConnectionsQuery, ServiceSelector};
use std::collections::BTreeSet;

/// How many connections one answer brings.
const WINDOW: usize = 200;
/// How many groups of each kind.
const GROUPS: usize = 200;

/// The states of `ip_vs_conn` (net/netfilter/ipvs, `ip_vs_proto_tcp.c`, `_udp.c`, `_sctp.c` less those that TCP has not, and
/// templates: NONE).
const STATES: [&str; 13] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "SYNACK",
    "UDP",
    "ICMP",
    "NONE",
];

/// Parts of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// How many are in which state.
    #[default]
    States,
    /// How many each real server has, and how long still.
    Servers,
    /// Who has the most.
    Clients,
    /// The connections themselves, a window of them.
    Rows,
}

impl Part {
    /// All of them, in the order of Tab.
    pub const ALL: [Self; 4] = [Self::States, Self::Servers, Self::Clients, Self::Rows];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::States => "states",
            Self::Servers => "servers",
            Self::Clients => "clients",
            Self::Rows => "connections",
        }
    }

    /// The next one, or the one before.
    #[must_use]
    pub fn step(self, is_back: bool) -> Self {
        let at = Self::ALL.iter().position(|part| *part == self).unwrap_or(0);
        let to = if is_back { at + Self::ALL.len() - 1 } else { at + 1 };
        Self::ALL.get(to % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// The browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// What is asked.
    pub query: ConnectionsQuery,
    /// What was asked before it was narrowed, the first question first.
    pub wider: Vec<ConnectionsQuery>,
    /// Number of the question under way; none when it is answered.
    pub asking: Option<u64>,
    /// The answer, or why there is none.
    pub answer: Option<Result<Box<ConnectionsPage>, String>>,
    /// Which part is looked at.
    pub part: Part,
    /// Which line of it.
    pub choice: usize,
    /// The words being typed.
    pub field: Option<Field>,
    /// What has to be known of such an answer.
    pub note: Option<&'static str>,
}

impl Browser {
    /// A browser of these connections, not asked for yet.
    pub fn of(service: Option<String>, server: Option<&str>) -> Self {
        let is_mark = service.as_deref().is_some_and(|service| service.starts_with("fwmark"));
        let server = server.and_then(|server| server.parse().ok());
        let (service, note) = match (is_mark, server.is_some()) {
            (false, _) => (service, None),
            (true, true) => (None, Some("the kernel does not say a connection's mark: all that go to this server")),
            (true, false) => {
                (service, Some("the kernel does not say a connection's mark, only a template's: look at a server"))
            }
        };
        let query = ConnectionsQuery {
            service: service.map(ServiceSelector),
            server,
            limit: WINDOW,
            top: GROUPS,
            ..ConnectionsQuery::default()
        };
        let (wider, part) = (Vec::new(), Part::default());
        Self { query, wider, asking: None, answer: None, part, choice: 0, field: None, note }
    }

    /// The answer, where there is one.
    pub fn page(&self) -> Option<&ConnectionsPage> {
        self.answer.as_ref()?.as_deref().ok()
    }

    /// How many lines the part has that is looked at.
    pub fn lines(&self) -> usize {
        self.lines_of(self.part)
    }

    /// How many lines a part has.
    pub fn lines_of(&self, part: Part) -> usize {
        self.page().map_or(0, |page| match part {
            Part::States => page.states.len(),
            Part::Servers => page.real_servers.len(),
            Part::Clients => page.clients.len(),
            Part::Rows => page.rows.len(),
        })
    }

    /// How many connections and templates match, whether they are in the window or not.
    pub fn matching(&self) -> usize {
        self.page().map_or(0, |page| usize::try_from(page.matching + page.templates).unwrap_or(usize::MAX))
    }

    /// Asks for less: only what belongs to the chosen line. None where it is all of that already.
    pub fn narrowed(&self) -> Option<ConnectionsQuery> {
        let page = self.page()?;
        let mut query = ConnectionsQuery { offset: 0, ..self.query.clone() };
        match self.part {
            Part::States => query.state = Some(page.states.get(self.choice)?.state.clone()),
            Part::Servers => {
                let count = page.real_servers.get(self.choice)?;
                query.service = Some(ServiceSelector(count.service.clone()));
                query.server = count.server.parse().ok();
            }
            Part::Clients => query.client = page.clients.get(self.choice)?.client.to_string().parse().ok(),
            Part::Rows => query.client = page.rows.get(self.choice)?.client.ip().to_string().parse().ok(),
        }
        (query != ConnectionsQuery { offset: 0, ..self.query.clone() }).then_some(query)
    }

    /// The words that ask the same, for the field.
    pub fn words(&self) -> String {
        let query = &self.query;
        let words = [
            query.service.as_ref().map(|service| format!("service:{}", service.0)),
            query.server.map(|server| format!("server:{server}")),
            query.client.map(|client| format!("client:{client}")),
            query.state.as_ref().map(|state| format!("state:{state}")),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What typed words ask: `service:`, `server:`, `client:` and `state:`; an address or a network alone is a client, another
    /// word a state.
    pub fn read(&self, words: &str) -> Result<ConnectionsQuery, String> {
        let mut query = ConnectionsQuery {
            service: None,
            server: None,
            client: None,
            state: None,
            offset: 0,
            ..self.query.clone()
        };
        for word in words.split_whitespace() {
            let (name, value) = match word.split_once(':') {
                Some((name @ ("service" | "server" | "client" | "state"), value)) => (name, value),
                _ if word.parse::<crate::engine::Prefix>().is_ok() => ("client", word),
                _ if word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => ("state", word),
                _ => {
                    return Err(format!(
                        "{word}: words are service:VS, server:RS, client:ADDRESS[/BITS] and state:WORD"
                    ));
                }
            };
            if value.is_empty() {
                return Err(format!("{name}: wants something behind it"));
            }
            match name {
                "service" => query.service = Some(ServiceSelector(value.to_owned())),
                "server" => {
                    let server = value.parse().map_err(|_| format!("{value} is no real server, like 10.0.0.71:80"))?;
                    query.server = Some(server);
                }
                "client" => query.client = Some(value.parse()?),
                _ => query.state = Some(self.state(value)?),
            }
        }
        Ok(query)
    }

    /// The state that a word is, or is the beginning of. Errors: there is none, or there are several.
    fn state(&self, word: &str) -> Result<String, String> {
        let word = word.to_uppercase();
        let seen = self.page().into_iter().flat_map(|page| &page.states).map(|count| count.state.as_str());
        let all: BTreeSet<&str> = STATES.iter().copied().chain(seen).collect();
        if all.contains(word.as_str()) {
            return Ok(word);
        }
        let meant: Vec<&str> = all.iter().copied().filter(|state| state.starts_with(&word)).collect();
        match meant.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => Err(format!("no state begins with {word}: {}", STATES.join(" "))),
            several => Err(format!("{word} may be {}", several.join(", "))),
        }
    }

    /// The next order of the connections.
    pub const fn next_sort(&self) -> ConnectionSort {
        match self.query.sort {
            ConnectionSort::Table => ConnectionSort::Expires,
            ConnectionSort::Expires => ConnectionSort::Client,
            ConnectionSort::Client => ConnectionSort::Table,
        }
    }

    /// The word of the order.
    pub const fn sort_word(&self) -> &'static str {
        match self.query.sort {
            ConnectionSort::Table => "as in the table",
            ConnectionSort::Expires => "longest first",
            ConnectionSort::Client => "by client",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_reads_back_from_its_words() {
        let mut browser = Browser::of(Some("tcp/192.0.2.10:443".to_owned()), Some("10.0.3.11:443"));
        browser.query.client = "10.9.0.0/16".parse().ok();
        browser.query.state = Some("SYN_RECV".to_owned());
        assert_eq!(browser.read(&browser.words()), Ok(browser.query.clone()));
        let read = browser.read("10.9.1.1 established").unwrap();
        assert_eq!((read.client, read.state.as_deref()), ("10.9.1.1".parse().ok(), Some("ESTABLISHED")));
        assert_eq!((read.service, read.server), (None, None));
        for (typed, state) in [("state:est", "ESTABLISHED"), ("close", "CLOSE"), ("udp", "UDP")] {
            assert_eq!(browser.read(typed).unwrap().state.as_deref(), Some(state));
        }
        for (wrong, named) in
            [("state:nonsense", "no state begins with NONSENSE: EST"), ("sy", "SYNACK, SYN_RECV, SYN")]
        {
            let why = browser.read(wrong).unwrap_err();
            assert!(why.contains(named), "{why}");
        }
        for (wrong, named) in [("server:web", "web"), ("client:x/y", "x/y"), ("size>3", "size>3"), ("state:", "state")]
        {
            let why = browser.read(wrong).unwrap_err();
            assert!(why.contains(named), "{why}");
        }
    }

    #[test]
    fn a_mark_is_asked_by_server_since_the_kernel_does_not_say_it() {
        let browser = Browser::of(Some("fwmark/7".to_owned()), Some("10.0.3.11:0"));
        assert_eq!((browser.query.service.as_ref(), browser.query.server.is_some()), (None, true));
        assert!(browser.note.is_some());
        let browser = Browser::of(Some("tcp/192.0.2.10:443".to_owned()), None);
        assert_eq!((browser.query.service.is_some(), browser.note), (true, None));
    }
}
