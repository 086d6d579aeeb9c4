//! Every setting, once: parsing, `check`, `docs/settings.md` and `docs/schema/settings.json` come from this table.
//!
//! A new setting is a line here, a field of [`Settings`] and a field in `engine/reload/fields.rs`.

use crate::engine::model::{AddressRemovedPolicy, DriftPolicy, EVENT_KINDS, Settings, SplitBrainPolicy, TRUSTED};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One setting.
pub(super) struct Setting {
    /// The table of the file that it stands in: `[section]`.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it does, a sentence or some.
    pub meaning: &'static str,
}

/// What may be written as a value, and where it goes.
pub(super) enum Kind {
    /// One of these words.
    Word(&'static [Word], fn(&Settings) -> &'static str),
    /// A whole number in this range, of this unit.
    Number { least: i64, most: i64, unit: &'static str, set: fn(&mut Settings, i64), get: fn(&Settings) -> i64 },
    /// A text of this form; false where it is not.
    Text { form: &'static str, set: fn(&mut Settings, &str) -> bool, get: fn(&Settings) -> String },
    /// `true` or `false`.
    Switch { set: fn(&mut Settings, bool), get: fn(&Settings) -> bool },
}

/// A word that a setting may have: itself, what it means, what it sets.
pub(super) struct Word(pub &'static str, pub &'static str, pub fn(&mut Settings));

/// Sections in the order of the page, with what they are about.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("ipvs", "the kernel's table of services"),
    ("checks", "all health checks"),
    ("servers", "all real servers"),
    ("vrrp", "all virtual routers"),
    ("mail", "login to the mail server of keepalived.conf (`smtp_server`)"),
    ("webhook", "events as HTTP POST"),
];

/// What a setting of certificates may be.
const CERTIFICATES: &str = "\"none\", \"host\" or the path of a file, which begins with /";

/// Takes a setting of certificates; false where it has no such form.
fn certificates(place: &mut Option<PathBuf>, text: &str) -> bool {
    *place = match text {
        "none" => None,
        "host" => Some(PathBuf::from(TRUSTED)),
        file if file.starts_with('/') => Some(PathBuf::from(file)),
        _ => return false,
    };
    true
}

/// The same as it is written.
fn written(certificates: Option<&PathBuf>) -> String {
    match certificates {
        None => "none".to_owned(),
        Some(file) if file == Path::new(TRUSTED) => "host".to_owned(),
        Some(file) => file.display().to_string(),
    }
}

/// Takes a file that may be absent, `""`; false where it is no absolute path.
fn file(place: &mut Option<PathBuf>, text: &str) -> bool {
    *place = (!text.is_empty()).then(|| PathBuf::from(text));
    text.is_empty() || text.starts_with('/')
}

/// All settings, by section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        section: "ipvs",
        name: "drift",
        kind: Kind::Word(
            &[
                Word(
                    "repair",
                    "what lvsdeck made is brought back as it wants it; servers that others added to its services are reported",
                    |settings| settings.drift = DriftPolicy::Repair,
                ),
                Word("enforce", "as repair, and servers that others added to its services are removed", |settings| {
                    settings.drift = DriftPolicy::Enforce;
                }),
                Word(
                    "report",
                    "nothing is touched: each difference is an event and stands in `ctl diff` until it is gone; `ctl reload` brings \
                     everything back once",
                    |settings| settings.drift = DriftPolicy::Report,
                ),
            ],
            |settings| settings.drift.name(),
        ),
        meaning: "what lvsdeck does when another program (ipvsadm, a colleague) changed one of its services in the kernel. \
                  Its own changes (checks, drains, weights, reloads) are made under each policy; services of others are never touched",
    },
    Setting {
        section: "ipvs",
        name: "look_interval",
        kind: Kind::Number {
            least: 1,
            most: 60,
            unit: "seconds",
            set: |settings, seconds| settings.look_interval = Duration::from_secs(seconds.unsigned_abs()),
            get: |settings| i64::try_from(settings.look_interval.as_secs()).unwrap_or(i64::MAX),
        },
        meaning: "between two looks at the kernel's table: how soon drift is found, and how old numbers on screen may be. The kernel \
                  refreshes its counters every two seconds. After a look that took long (100,000 real servers) the next waits four times as \
                  long, ten seconds at most",
    },
    Setting {
        section: "checks",
        name: "tls_verify",
        kind: Kind::Text {
            form: CERTIFICATES,
            set: |settings, text| certificates(&mut settings.tls_verify, text),
            get: |settings| written(settings.tls_verify.as_ref()),
        },
        meaning: "which certificates SSL_GET takes: any, as in keepalived (none); those that the host trusts (host); those that are valid by \
                  the certificates of a file, where those of servers that sign for themselves may stand too",
    },
    Setting {
        section: "servers",
        name: "depool_threshold",
        kind: Kind::Number {
            least: 0,
            most: 100,
            unit: "percent",
            set: |settings, percent| settings.depool_threshold = u8::try_from(percent).unwrap_or(100),
            get: |settings| i64::from(settings.depool_threshold),
        },
        meaning: "the share of a service's servers that commands leave in service. A drain, a maintenance, a weight of 0 or a removal that \
                  would leave fewer is refused, unless it is said twice: by the token of its preview, which tells of it (the console has \
                  its word typed), or with --force. Servers that are down do not serve, but count among all. Checks and reloads are not \
                  held up; 0 is no floor",
    },
    Setting {
        section: "servers",
        name: "slow_start",
        kind: Kind::Number {
            least: 0,
            most: 3_600,
            unit: "seconds",
            set: |settings, seconds| settings.slow_start = Duration::from_secs(seconds.unsigned_abs()),
            get: |settings| i64::try_from(settings.slow_start.as_secs()).unwrap_or(i64::MAX),
        },
        meaning: "how long a server that comes back, after its checks failed or after maintenance, takes until it has its weight: a tenth at \
                  once, the other tenths in nine even steps. Tenths are rounded up, so that a weight of 1 comes back at once: write weights \
                  of 10 and more. The quorum counts the whole weight. It does not begin at the start of the engine, for new servers, or with the \
                  end of a drain alone; a weight that an operator gives counts at once. One that a restart interrupts goes on from \
                  the weight in the kernel. 0 is no slow start",
    },
    Setting {
        section: "vrrp",
        name: "split_brain",
        kind: Kind::Word(
            &[
                Word("alarm", "it is told, and the rules of RFC 9568 decide", |settings| {
                    settings.split_brain = SplitBrainPolicy::Alarm;
                }),
                Word(
                    "step-down-lower",
                    "and a master yields to one that ranks higher by priority, then by address, although it refuses its advertisements \
                     (another password, interval, version or destination)",
                    |settings| settings.split_brain = SplitBrainPolicy::StepDownLower,
                ),
            ],
            |settings| settings.split_brain.name(),
        ),
        meaning: "what a master does that sees another one (docs/split-brain.md)",
    },
    Setting {
        section: "vrrp",
        name: "address_removed",
        kind: Kind::Word(
            &[
                Word("restore", "it puts it back", |settings| settings.address_removed = AddressRemovedPolicy::Restore),
                Word("step-down", "it gives mastership up", |settings| {
                    settings.address_removed = AddressRemovedPolicy::StepDown;
                }),
            ],
            |settings| settings.address_removed.name(),
        ),
        meaning: "what a master does when another program removes its virtual address, or one of its `virtual_routes` or `virtual_rules`",
    },
    Setting {
        section: "vrrp",
        name: "swift_handover",
        kind: Kind::Switch {
            set: |settings, on| settings.swift_handover = on,
            get: |settings| settings.swift_handover,
        },
        meaning: "version 3: a planned hand-over is announced with an interval of 0.01 s, so that it is not felt; with a longer one or \
                  none where more than one other router is known (docs/split-brain.md)",
    },
    Setting {
        section: "vrrp",
        name: "routers",
        kind: Kind::Number {
            least: 0,
            most: 255,
            unit: "routers",
            set: |settings, number| settings.routers = u8::try_from(number).unwrap_or(0),
            get: |settings| i64::from(settings.routers),
        },
        meaning: "how many routers share each virtual router of multicast, this one included: a backup is silent, so nobody can hear how many \
                  there are. 0: as many as were ever heard, and two before. Write 3 or more where there are so many: then a planned hand-over \
                  is swift only once all of them were heard. 2: what earlier runs heard (a router that was replaced, say) counts no more",
    },
    Setting {
        section: "mail",
        name: "user",
        kind: Kind::Text {
            form: "a name, or \"\" for no login",
            set: |settings, text| {
                settings.mail.user = (!text.is_empty()).then(|| text.to_owned());
                !text.contains(|c: char| c.is_control())
            },
            get: |settings| settings.mail.user.clone().unwrap_or_default(),
        },
        meaning: "who logs in, where the server offers that; password_file belongs to it",
    },
    Setting {
        section: "mail",
        name: "password_file",
        kind: Kind::Text {
            form: "the path of a file, which begins with /, or \"\" for no login",
            set: |settings, text| file(&mut settings.mail.password_file, text),
            get: |settings| settings.mail.password_file.as_ref().map_or_else(String::new, |f| f.display().to_string()),
        },
        meaning: "the password is the first line of this file, which is read anew for each mail; let root alone read it",
    },
    Setting {
        section: "mail",
        name: "tls_verify",
        kind: Kind::Text {
            form: CERTIFICATES,
            set: |settings, text| certificates(&mut settings.mail.tls_verify, text),
            get: |settings| written(settings.mail.tls_verify.as_ref()),
        },
        meaning: "by which certificates the server's has to be valid before it gets the password: those that the host trusts (host), those of \
                  a file, or any will do (none). A server on this host gets it anyway, and without TLS too. Where nobody logs in, any \
                  certificate will do, and a server without TLS too",
    },
    Setting {
        section: "webhook",
        name: "url",
        kind: Kind::Text {
            form: "a URL that begins with http:// or https://, or \"\" for none",
            set: |settings, text| {
                settings.webhook.url = url(text);
                text.is_empty() || settings.webhook.url.is_some()
            },
            get: |settings| settings.webhook.url.clone().unwrap_or_default(),
        },
        meaning: "where each event is posted to, as the JSON that `ctl events --json` prints (docs/mail.md)",
    },
    Setting {
        section: "webhook",
        name: "events",
        kind: Kind::Text {
            form: "kinds of events as docs/api.md lists them, with commas between them, or \"\" for all",
            set: |settings, text| {
                let kinds = text.split(',').map(str::trim).filter(|kind| !kind.is_empty());
                settings.webhook.events = kinds.map(str::to_owned).collect();
                settings.webhook.events.iter().all(|kind| EVENT_KINDS.contains(&kind.as_str()))
            },
            get: |settings| settings.webhook.events.join(", "),
        },
        meaning: "which kinds of events are posted: `instance-state, quorum`, say",
    },
    Setting {
        section: "webhook",
        name: "severity",
        kind: Kind::Word(
            &[
                Word("info", "all", |settings| settings.webhook.severity = "info"),
                Word("notice", "all but progress", |settings| settings.webhook.severity = "notice"),
                Word("warning", "what is worse than before", |settings| settings.webhook.severity = "warning"),
                Word("error", "what loses service, or may", |settings| settings.webhook.severity = "error"),
            ],
            |settings| settings.webhook.severity,
        ),
        meaning: "events that matter less are not posted",
    },
    Setting {
        section: "webhook",
        name: "timeout",
        kind: Kind::Number {
            least: 1,
            most: 60,
            unit: "seconds",
            set: |settings, seconds| settings.webhook.timeout = Duration::from_secs(seconds.unsigned_abs()),
            get: |settings| i64::try_from(settings.webhook.timeout.as_secs()).unwrap_or(i64::MAX),
        },
        meaning: "how long a try may take",
    },
    Setting {
        section: "webhook",
        name: "tries",
        kind: Kind::Number {
            least: 1,
            most: 20,
            unit: "tries",
            set: |settings, tries| settings.webhook.tries = u32::try_from(tries).unwrap_or(1),
            get: |settings| i64::from(settings.webhook.tries),
        },
        meaning: "how often an event is tried that is not taken: again after 1 s, 5 s, 15 s, and then each minute. One that is answered with \
                  a code from 400 to 499 is given up at once, but for 408 and 429",
    },
    Setting {
        section: "webhook",
        name: "tls_verify",
        kind: Kind::Text {
            form: CERTIFICATES,
            set: |settings, text| certificates(&mut settings.webhook.tls_verify, text),
            get: |settings| written(settings.webhook.tls_verify.as_ref()),
        },
        meaning: "by which certificates that of an https URL has to be valid: those that the host trusts (host), those of a file, or any will do \
                  (none)",
    },
];

/// A URL of HTTP with a host and, where it names one, a port; its scheme in small letters.
fn url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, behind)) => (host, Some(behind.strip_prefix(':')?)),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let is_plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    (is_plain && is_port && !host.is_empty()).then(|| format!("{scheme}://{rest}"))
}
