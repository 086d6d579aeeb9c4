//! Why an instance changed its state, in words for operators.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Why an instance changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransitionReason {
    /// The engine started.
    Started,
    /// Started with priority 255.
    Owner,
    /// What kept it in FAULT is gone.
    Recovered,
    /// No advertisement came in time.
    Silence {
        /// From whom the last one came, if any did.
        master: Option<IpAddr>,
        /// How long it waited.
        after: Duration,
    },
    /// The master gave mastership up.
    Resigned {
        /// Who.
        by: IpAddr,
    },
    /// The master has a lower priority.
    Preempts {
        /// Who.
        whom: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// Another master wins.
    Outranked {
        /// Who.
        by: IpAddr,
        /// Its priority.
        priority: u8,
        /// Ours.
        own: u8,
    },
    /// It was master when an earlier run of the engine stopped, moments ago.
    Resumed,
    /// keepalived was master here until moments ago.
    Adopted,
    /// Somebody commanded it: who and why.
    Operator(String),
    /// It resigned by command, and nobody took over.
    NobodyTookOver {
        /// How long it waited.
        after: Duration,
    },
    /// It can't work: why, and what to do.
    Fault(String),
    /// Another program removed a virtual address: which.
    AddressRemoved(String),
    /// Its sync group moved: which group and which member.
    SyncGroup(String),
    /// The engine stops.
    Shutdown,
}

impl fmt::Display for TransitionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Resumed => f.write_str("resumed after a restart"),
            Self::Adopted => f.write_str("taken over from keepalived"),
            Self::Owner => f.write_str("leads as owner of the addresses (priority 255)"),
            Self::Recovered => f.write_str("the fault is over"),
            Self::Silence { master: Some(master), after } => {
                write!(f, "no advertisement from {master} for {}", Span(*after))
            }
            Self::Silence { master: None, after } => write!(f, "no master heard for {}", Span(*after)),
            Self::Resigned { by } => write!(f, "{by} resigned"),
            Self::Preempts { whom, priority } => write!(f, "preempts {whom}, whose priority is only {priority}"),
            Self::Outranked { by, priority, own } if priority > own => {
                write!(f, "outranked by {by}: priority {priority} > {own}")
            }
            Self::Outranked { by, priority, .. } => {
                write!(f, "outranked by {by}: equal priority {priority}, higher address")
            }
            Self::NobodyTookOver { after } => write!(f, "nobody took over within {}", Span(*after)),
            Self::AddressRemoved(address) => write!(f, "another program removed {address}"),
            Self::Operator(text) | Self::Fault(text) | Self::SyncGroup(text) => f.write_str(text),
            Self::Shutdown => f.write_str("the engine stops"),
        }
    }
}

/// A short span of time for people: `612 ms`, `3.609 s`.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis < 1000 { write!(f, "{millis} ms") } else { write!(f, "{}.{:03} s", millis / 1000, millis % 1000) }
    }
}
