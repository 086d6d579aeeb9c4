//! Who asked, in words that the journal keeps.

use std::fmt;
use std::net::IpAddr;

/// Who gave a command: what the kernel says of the other end of the socket, and what that end says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// User name, or the number where there is none (`SO_PEERCRED`).
    pub user: String,
    /// Who logged in before `sudo` or `su` (the kernel's login uid); none where that is `user`, or nobody logged in.
    pub login: Option<String>,
    /// Process (`SO_PEERCRED`).
    pub pid: Option<u32>,
    /// Where the client says that its user came from (`SSH_CONNECTION`). A claim: nothing proves it.
    pub origin: Option<IpAddr>,
}

impl fmt::Display for Who {
    /// `root, logged in as anna, pid 812, from 10.0.0.5 (claimed)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user.fmt(f)?;
        if let Some(login) = &self.login {
            write!(f, ", logged in as {login}")?;
        }
        if let Some(pid) = self.pid {
            write!(f, ", pid {pid}")?;
        }
        if let Some(origin) = self.origin {
            write!(f, ", from {origin} (claimed)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut who = Who { user: "root".into(), ..Who::default() };
        assert_eq!(who.to_string(), "root");
        who.pid = Some(812);
        assert_eq!(who.to_string(), "root, pid 812");
        who.login = Some("anna".into());
        who.origin = "10.0.0.5".parse().ok();
        assert_eq!(who.to_string(), "root, logged in as anna, pid 812, from 10.0.0.5 (claimed)");
    }
}
