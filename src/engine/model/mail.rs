//! The words on mail in `global_defs`.

use serde::Serialize;
use std::time::Duration;

/// Who is mailed, by whom, through which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailWords {
    /// `notification_email`: recipients, in file order. None: no mail is sent.
    pub recipients: Vec<String>,
    /// `notification_email_from`; `keepalived@` and the host's name when absent.
    pub from: Option<String>,
    /// `smtp_server`: a name or an address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// `smtp_helo_name`; the host's name when absent.
    pub helo: Option<String>,
    /// `smtp_connect_timeout`: for a connection, and for each answer.
    #[serde(serialize_with = "super::dump::seconds")]
    pub timeout: Duration,
    /// `no_checker_emails`: a check that does not change the state of its server is no reason for a mail.
    pub servers_only: bool,
}

impl Default for MailWords {
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            from: None,
            server: "127.0.0.1".to_owned(),
            port: 25,
            helo: None,
            timeout: Duration::from_secs(30),
            servers_only: false,
        }
    }
}
