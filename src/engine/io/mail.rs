//! A letter is handed over to a mail server: SMTP (RFC 5321), with STARTTLS (RFC 3207) and login (RFC 4954) where the server
//! offers them, TLS from the first byte on port 465 (RFC 8314).
//!
//! Every answer has a time limit, and the whole conversation too, however slowly the server speaks. A password goes over TLS
//! with a certificate that is valid, or to this host itself, and nowhere else.

use super::tls;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The longest line, and the most lines of an answer, that are read (RFC 5321 §4.5.3.1.5 asks for 512 octets).
const LONGEST: u64 = 2_048;
const MOST: usize = 128;
/// How many time limits a whole conversation may take.
const PATIENCE: u32 = 4;
/// Where TLS begins with the first byte.
const SUBMISSIONS: u16 = 465;
/// Characters of an answer that are kept.
const SAID: usize = 200;

/// The server, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What this node calls itself.
    pub helo: String,
    /// For the connection, and for each answer.
    pub timeout: Duration,
    /// Who logs in, and the file that has the password in its first line.
    pub login: Option<(String, PathBuf)>,
    /// The certificates by which the server's has to be valid before it gets the password.
    pub verify: Option<PathBuf>,
}

/// Why a letter is not handed over.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The name has no address.
    #[error("{0} has no address: {1}")]
    Name(String, #[source] io::Error),
    /// No connection, or it broke.
    #[error("{0}: {1}")]
    Connection(&'static str, #[source] io::Error),
    /// Nothing came in time.
    #[error("no answer to {0} in time")]
    Silent(&'static str),
    /// What came is no SMTP.
    #[error("the answer to {0} is no SMTP")]
    Nonsense(&'static str),
    /// The server says no.
    #[error("{code} to {to}: {said}")]
    Refused {
        /// The step.
        to: &'static str,
        /// 400 to 599.
        code: u16,
        /// Its words.
        said: String,
    },
    /// TLS failed.
    #[error("STARTTLS: {0}")]
    Tls(String),
    /// The password is not given away.
    #[error("{0}")]
    Login(String),
}

impl MailError {
    /// Whether another try would end the same way: what is wrong is in the letter or its addresses.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { code: 500.., to, .. } if ["MAIL FROM", "RCPT TO", "the letter"].contains(to))
    }
}

/// Any stream.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A conversation.
struct Talk<'a> {
    relay: &'a Relay,
    server: BufReader<Box<dyn Wire>>,
    /// The connection is encrypted.
    is_secret: bool,
    /// The peer is this host.
    is_local: bool,
    /// What the server offers, in capitals.
    offers: Vec<String>,
}

/// A recipient that the server refused, and how.
pub type Refused = (String, MailError);

/// Hands a letter over. Gives the recipients that the server refused; an error when those were all.
pub async fn deliver(relay: &Relay, from: &str, to: &[String], letter: &str) -> Result<Vec<Refused>, MailError> {
    let conversation = async {
        match converse(relay, true, from, to, letter).await {
            // Better in clear than not at all, where no password is at stake.
            Err(MailError::Tls(_)) if relay.login.is_none() && relay.port != SUBMISSIONS => {
                converse(relay, false, from, to, letter).await
            }
            other => other,
        }
    };
    timeout(relay.timeout * PATIENCE, conversation).await.unwrap_or(Err(MailError::Silent("the whole letter")))
}

async fn converse(
    relay: &Relay,
    encrypts: bool,
    from: &str,
    to: &[String],
    letter: &str,
) -> Result<Vec<Refused>, MailError> {
    let mut talk = Talk::begin(relay).await?;
    talk.hello().await?;
    if encrypts && !talk.is_secret && talk.offers("STARTTLS").is_some() {
        talk = talk.encrypt().await?;
        talk.hello().await?;
    }
    talk.log_in().await?;
    talk.ask(&format!("MAIL FROM:<{from}>"), "MAIL FROM").await?;
    let mut refused = Vec::new();
    for recipient in to {
        match talk.ask(&format!("RCPT TO:<{recipient}>"), "RCPT TO").await {
            Ok(_) => {}
            Err(error @ MailError::Refused { .. }) => refused.push((recipient.clone(), error)),
            Err(other) => return Err(other),
        }
    }
    if refused.len() == to.len() && !refused.is_empty() {
        let for_now = refused.iter().position(|(_, error)| !error.is_final());
        return Err(refused.swap_remove(for_now.unwrap_or(0)).1);
    }
    talk.ask("DATA", "DATA").await?;
    talk.ask(&format!("{}.", stuffed(letter)), "the letter").await?;
    // It is handed over, whatever the answer to this is.
    _ = talk.ask("QUIT", "QUIT").await;
    Ok(refused)
}

/// A line that begins with a dot has one more, and the last one has its end.
fn stuffed(letter: &str) -> String {
    letter
        .lines()
        .map(|line| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") })
        .collect()
}

impl<'a> Talk<'a> {
    /// Connects to the first address that answers, and is greeted.
    async fn begin(relay: &'a Relay) -> Result<Self, MailError> {
        let connection = async {
            let found = lookup_host((relay.host.as_str(), relay.port)).await;
            let found = found.map_err(|error| MailError::Name(relay.host.clone(), error))?;
            let mut last = MailError::Name(relay.host.clone(), io::ErrorKind::NotFound.into());
            for address in found {
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok((stream, address.ip())),
                    Err(error) => last = MailError::Connection("no connection", error),
                }
            }
            Err(last)
        };
        let connected = timeout(relay.timeout, connection).await;
        let (stream, peer) = connected.unwrap_or(Err(MailError::Silent("the connection")))?;
        let is_local = stream.local_addr().is_ok_and(|own| own.ip() == peer) || peer.is_loopback();
        let server = BufReader::new(Box::new(stream) as Box<dyn Wire>);
        let mut talk = Self { relay, server, is_secret: false, is_local, offers: Vec::new() };
        if relay.port == SUBMISSIONS {
            talk = talk.encrypt_now().await?;
        }
        talk.listen("the connection").await?;
        Ok(talk)
    }

    /// `EHLO`, or `HELO` to a server that does not know it.
    async fn hello(&mut self) -> Result<(), MailError> {
        self.offers = match self.ask(&format!("EHLO {}", self.relay.helo), "EHLO").await {
            Ok(lines) => lines.into_iter().skip(1).map(|line| line.to_ascii_uppercase()).collect(),
            Err(MailError::Refused { code: 500.., .. }) => {
                self.ask(&format!("HELO {}", self.relay.helo), "HELO").await?;
                Vec::new()
            }
            Err(other) => return Err(other),
        };
        Ok(())
    }

    /// What stands behind `word` where the server offers it.
    fn offers(&self, word: &str) -> Option<&str> {
        self.offers.iter().find_map(|line| {
            let rest = line.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with([' ', '='])).then_some(rest)
        })
    }

    async fn encrypt(mut self) -> Result<Self, MailError> {
        self.ask("STARTTLS", "STARTTLS").await.map_err(|error| MailError::Tls(error.to_string()))?;
        if !self.server.buffer().is_empty() {
            return Err(MailError::Nonsense("STARTTLS"));
        }
        self.encrypt_now().await
    }

    async fn encrypt_now(self) -> Result<Self, MailError> {
        let verify = self.relay.verify.as_deref().filter(|_| self.relay.login.is_some() && !self.is_local);
        let config = tls::client(verify).map_err(|error| MailError::Tls(error.to_string()))?;
        let host = self.relay.host.clone();
        let name = ServerName::try_from(host).map_err(|error| MailError::Tls(error.to_string()))?;
        let shaken = TlsConnector::from(std::sync::Arc::new(config)).connect(name, self.server.into_inner());
        let shaken =
            timeout(self.relay.timeout, shaken).await.map_err(|_| MailError::Tls("no answer in time".to_owned()))?;
        let stream =
            shaken.map_err(|error| MailError::Tls(tls::reason(&error).unwrap_or_else(|| error.to_string())))?;
        let server = BufReader::new(Box::new(stream) as Box<dyn Wire>);
        Ok(Self { server, is_secret: true, ..self })
    }

    async fn log_in(&mut self) -> Result<(), MailError> {
        let Some((user, file)) = &self.relay.login else { return Ok(()) };
        let Some(offered) = self.offers("AUTH").map(str::to_owned) else { return Ok(()) };
        if !self.is_secret && !self.is_local {
            let why = format!("{} offers no STARTTLS: the password is not told in clear", self.relay.host);
            return Err(MailError::Login(why));
        }
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| MailError::Login(format!("mail.password_file {}: {error}", file.display())))?;
        let password = text.lines().next().unwrap_or_default();
        if offered.split([' ', '=']).any(|mechanism| mechanism == "PLAIN") {
            let secret = STANDARD.encode(format!("\0{user}\0{password}"));
            self.ask(&format!("AUTH PLAIN {secret}"), "AUTH").await?;
        } else {
            self.ask("AUTH LOGIN", "AUTH").await?;
            self.ask(&STANDARD.encode(user), "AUTH").await?;
            self.ask(&STANDARD.encode(password), "AUTH").await?;
        }
        Ok(())
    }

    /// Says a line, or several, and hears the answer, one line an item.
    async fn ask(&mut self, line: &str, step: &'static str) -> Result<Vec<String>, MailError> {
        let said = async {
            self.server.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.server.flush().await
        };
        let said = timeout(self.relay.timeout, said).await.map_err(|_| MailError::Silent(step))?;
        said.map_err(|error| MailError::Connection(step, error))?;
        self.listen(step).await
    }

    async fn listen(&mut self, step: &'static str) -> Result<Vec<String>, MailError> {
        timeout(self.relay.timeout, answer(&mut self.server, step)).await.unwrap_or(Err(MailError::Silent(step)))
    }
}

/// Reads an answer, of one line or more; the codes left out.
async fn answer(server: &mut BufReader<Box<dyn Wire>>, step: &'static str) -> Result<Vec<String>, MailError> {
    let mut lines = Vec::new();
    while lines.len() < MOST {
        let mut line = Vec::new();
        let read = server.take(LONGEST).read_until(b'\n', &mut line).await;
        read.map_err(|error| MailError::Connection(step, error))?;
        if line.is_empty() {
            return Err(MailError::Connection(step, io::ErrorKind::UnexpectedEof.into()));
        }
        let text = String::from_utf8_lossy(&line);
        let code = text.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
        let Some(code) = code.filter(|_| line.last() == Some(&b'\n')) else { return Err(MailError::Nonsense(step)) };
        let rest = text.get(4..).unwrap_or_default();
        lines.push(rest.chars().filter(|c| !c.is_control()).take(SAID).collect::<String>().trim_end().to_owned());
        if text.get(3..4) != Some("-") {
            return match code {
                400.. => Err(MailError::Refused { to: step, code, said: lines.join(" ") }),
                _ => Ok(lines),
            };
        }
    }
    Err(MailError::Nonsense(step))
}

#[cfg(test)]
mod tests {
    use super::{BufReader, Duration, MailError, Relay, Talk, stuffed};

    #[test]
    fn a_dot_at_the_beginning_of_a_line_ends_no_letter() {
        assert_eq!(stuffed("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n");
    }

    #[tokio::test]
    async fn a_server_elsewhere_does_not_get_the_password_in_clear() {
        let relay = Relay {
            host: "mail.example.org".to_owned(),
            port: 25,
            helo: "lb1".to_owned(),
            timeout: Duration::from_secs(1),
            login: Some(("lvsdeck".to_owned(), "/etc/hostname".into())),
            verify: None,
        };
        let (near, _far) = tokio::io::duplex(64);
        let server = BufReader::new(Box::new(near) as Box<dyn super::Wire>);
        let offers = vec!["AUTH PLAIN LOGIN".to_owned()];
        let mut talk = Talk { relay: &relay, server, is_secret: false, is_local: false, offers };
        let said = talk.log_in().await;
        assert!(matches!(&said, Err(MailError::Login(why)) if why.contains("offers no STARTTLS")), "{said:?}");
    }
}
