//! What keepalived makes of a number that does not fit its word, so that the same file runs the same way: it leaves the line
//! out, or takes the nearest number, or reads the digits and stops there. Measured with keepalived 2.2.7.

use super::argument::{Argument, Unfit, parse};
use super::diagnostic::Problem;
use super::keywords::{Block, Keyword, Value, ignored};
use super::source::Span;
use super::unfit::shown;
use std::time::Duration;

/// Words that are read as a whole or not at all.
const STRICT: &[&str] = &[
    "priority",
    "unicast_ttl",
    "kernel_rx_buf_size",
    "persistence_timeout",
    "retry",
    "min_reply_length",
    "max_reply_length",
];
/// Words for which keepalived takes 1 where 0 is written.
const AT_LEAST_ONE: &[&str] = &[
    "vrrp_garp_master_repeat",
    "garp_master_repeat",
    "vrrp_garp_master_refresh_repeat",
    "garp_master_refresh_repeat",
    "interval",
    "timeout",
    "smtp_connect_timeout",
];
/// Words for which the nearest number counts.
const NEAREST: &[(Block, &str)] =
    &[(Block::Global, "vrrp_rt_priority"), (Block::Global, "checker_rt_priority"), (Block::Script, "weight")];
/// Words of which something else counts than where the line is missing.
const INSTEAD: &[(Block, &str, u64)] = &[(Block::Instance, "priority", 100), (Block::Instance, "preempt_delay", 0)];
/// Words whose seconds keepalived reads as a whole number, so that digits before a unit count.
const WHOLE_SECONDS: &[&str] = &[
    "vrrp_garp_master_delay",
    "vrrp_garp_lower_prio_delay",
    "vrrp_garp_master_refresh",
    "garp_master_delay",
    "garp_lower_prio_delay",
    "garp_master_refresh",
];

/// Words that keepalived 2.2.7 passes over where they stand without a value; without that of others it does not run.
const WITHOUT_VALUE: &[(Block, &[&str])] = &[
    (
        Block::Global,
        &[
            "router_id",
            "notification_email_from",
            "default_interface",
            "smtp_helo_name",
            "lvs_timeouts",
            "lvs_sync_daemon",
            "vrrp_priority",
            "vrrp_rt_priority",
            "vrrp_cpu_affinity",
            "checker_priority",
            "checker_rt_priority",
            "checker_cpu_affinity",
            "notify_fifo",
            "notify_fifo_script",
            "vrrp_notify_fifo",
            "vrrp_notify_fifo_script",
            "lvs_notify_fifo",
            "lvs_notify_fifo_script",
            "script_user",
        ],
    ),
    (Block::Process, &["param_match", "weight"]),
    (Block::File, &["file", "weight"]),
    (Block::VirtualServer, &["virtualhost", "sorry_server_lvs_method"]),
    (Block::RealServer, &["virtualhost"]),
    (Block::MiscCheck, &["misc_path", "user"]),
    (Block::SmtpCheck, &["helo_name"]),
    (Block::UdpCheck, &["payload"]),
    (Block::HttpGet, &["virtualhost", "http_protocol", "sni_name"]),
    (
        Block::Url,
        &[
            "status_code",
            "virtualhost",
            "regex",
            "regex_options",
            "regex_min_offset",
            "regex_max_offset",
            "regex_stack",
        ],
    ),
    (Block::FileCheck, &["weight"]),
    (Block::OtherCheck, &["name"]),
];

/// Words that are only read, and without whose value keepalived does not run.
const NEEDS_VALUE: &[(Block, &[&str])] = &[
    (Block::Top, &["child_wait_time"]),
    (
        Block::Global,
        &[
            "process_name",
            "vrrp_process_name",
            "checker_process_name",
            "lvs_process_name",
            "bfd_process_name",
            "nftables_priority",
            "nftables_ipvs_priority",
            "nftables_ipvs_start_fwmark",
            "bfd_rlimit_rttime",
            "bfd_rlimit_rtime",
            "umask",
            "random_seed",
            "config_save_dir",
        ],
    ),
    (Block::Instance, &["debug", "vrf", "mcast_dst_ip"]),
    (Block::Bfd, &["source_ip", "min_rx", "min_tx", "idle_tx", "multiplier", "ttl", "hoplimit", "max_hops", "weight"]),
];

/// Whether keepalived does not run without the value of a word that may stand alone otherwise.
pub(super) fn needs_value(block: Block, word: &str) -> bool {
    NEEDS_VALUE.iter().any(|(known, words)| *known == block && words.contains(&word))
}

/// Whether keepalived goes on without a word that has no value.
pub(super) fn ignored_without_value(block: Block, word: &str) -> bool {
    WITHOUT_VALUE.iter().any(|(known, words)| *known == block && words.contains(&word))
}

/// What counts instead of a value that does not fit, and what is said of it.
pub(super) struct Tolerated {
    /// None: the line is left out.
    pub argument: Option<Argument>,
    pub problem: Problem,
}

/// None where such a line can't be run with.
pub(super) fn tolerated(
    block: Block,
    keyword: &Keyword,
    words: &[String],
    unfit: &Unfit,
    at: Span,
) -> Option<Tolerated> {
    let is_number = matches!(
        keyword.value,
        Value::Number(..) | Value::NumberOr(..) | Value::Signed(..) | Value::Weight(..) | Value::Seconds(..)
    );
    if !is_number || block == Block::Url || keyword.word == "virtual_router_id" {
        return None;
    }
    let word = words.first().map_or("", |word| word.trim_ascii_start());
    let help = meant(keyword, words).map_or_else(
        || format!("it takes {}", keyword.value.wanted()),
        |meant| format!("write {} {meant}", keyword.word),
    );
    let warn = |code, what: String| {
        Problem::warning(at, code, format!("{} {} {what}", keyword.word, shown(word))).help(help.clone())
    };
    let instead = |code, argument: Option<Argument>| {
        let fixed = INSTEAD.iter().find(|(b, w, _)| *b == block && *w == keyword.word).map(|(.., number)| *number);
        let what = match (&argument, fixed) {
            (Some(taken), _) => format!("counts as {}, as with keepalived", told(taken)),
            (None, Some(number)) => format!("is ignored, as keepalived does: {number} counts"),
            (None, None) => "is ignored, as keepalived does".to_owned(),
        };
        let of_kind = |number| match keyword.value {
            Value::Seconds(..) => Argument::Time(Duration::from_secs(number)),
            _ => Argument::Number(number),
        };
        Some(Tolerated { argument: argument.or(fixed.map(of_kind)), problem: warn(code, what) })
    };
    if unfit.code == "out-of-range" {
        let taken = near(block, keyword, word);
        if (block, keyword.word) != (Block::Script, "weight") {
            return instead("out-of-range", taken);
        }
        // keepalived says that it has to be in these bounds, and takes it all the same.
        let what = taken.as_ref().map_or_else(|| "is ignored".to_owned(), |taken| format!("counts as {}", told(taken)));
        let what = format!("{what}: no weight of a script is above 253");
        return Some(Tolerated { argument: taken, problem: warn("script-weight", what) });
    }
    let digits = leading(word);
    if STRICT.contains(&keyword.word) {
        return instead("not-a-number", None);
    }
    let read = |text: &str| parse(keyword.value, &[text.to_owned()]);
    if !matches!(keyword.value, Value::Seconds(..)) || WHOLE_SECONDS.contains(&keyword.word) {
        let digits = if digits.is_empty() { "0" } else { digits };
        let taken = read(digits).ok().filter(|taken| ignored(block, keyword.word, taken).is_none());
        return instead("not-a-number", taken.or_else(|| near(block, keyword, digits)));
    }
    // Decimals with something behind them keepalived takes for so many millionths, which its bounds may refuse.
    let micros = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let fits = parse(keyword.value, &[super::keywords::decimal(micros)]).ok();
    let written = in_seconds(keyword, word.trim_end_matches([';', ',']), None);
    let read = read(written.as_deref().unwrap_or(digits));
    match (fits.filter(|taken| ignored(block, keyword.word, taken).is_none()), read) {
        (None, _) => instead("not-a-number", None),
        (Some(_), Ok(taken)) => {
            let what = format!("counts as {}; keepalived takes it for {}", told(&taken), told(&seconds(micros)));
            Some(Tolerated { argument: Some(taken), problem: warn("unit", what) })
        }
        (taken, Err(_)) => instead("not-a-number", taken),
    }
}

const fn seconds(micros: u64) -> Argument {
    Argument::Time(Duration::from_micros(micros))
}

/// The number that counts instead of one that is out of range; none where the line is left out.
fn near(block: Block, keyword: &Keyword, word: &str) -> Option<Argument> {
    let number: i64 = word.parse::<i32>().ok()?.into();
    if number == 0 && AT_LEAST_ONE.contains(&keyword.word) {
        return Some(Argument::Number(1));
    }
    let is_near = NEAREST.iter().any(|(b, w)| *b == block && *w == keyword.word);
    match keyword.value {
        Value::Number(low, high) if is_near => {
            Some(Argument::Number(u64::try_from(number).unwrap_or(0).clamp(low, high)))
        }
        Value::Weight(low, high) if is_near => Some(Argument::Signed(number.clamp(low, high))),
        _ => None,
    }
}

/// The digits that a word begins with behind blanks, and a sign before them.
pub(super) fn leading(word: &str) -> &str {
    let word = word.trim_ascii_start();
    let sign = usize::from(word.starts_with(['-', '+']));
    let digits = word.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    if digits == 0 { "" } else { word.get(..sign + digits).unwrap_or("") }
}

/// A value as it is written.
fn told(argument: &Argument) -> String {
    match argument {
        Argument::Number(number) => number.to_string(),
        Argument::Signed(number) => number.to_string(),
        Argument::Time(time) => {
            format!("{} s", super::keywords::decimal(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
        }
        _ => String::new(),
    }
}

/// Units that operators write, in thousandths of a second.
const UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("msec", 1),
    ("s", 1_000),
    ("sec", 1_000),
    ("secs", 1_000),
    ("second", 1_000),
    ("seconds", 1_000),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
];

/// The value that is meant by one with a sign or a unit that does not belong to it.
fn meant(keyword: &Keyword, words: &[String]) -> Option<String> {
    let fits = |text: &str| parse(keyword.value, &[text.to_owned()]).is_ok().then(|| text.to_owned());
    let word = words.first()?;
    let signs = ['=', ':', ';', ',', '.', '"', '\''];
    let plain = word.trim_matches(signs);
    if plain.is_empty() {
        return fits(words.get(1)?.trim_matches(signs)).map(|found| format!("{found}, without the {word}"));
    }
    if plain != word {
        let (before, behind) = word.split_once(plain).unwrap_or_default();
        let sign = if behind.is_empty() { before } else { behind };
        if let Some(found) = fits(plain) {
            return Some(format!("{found}, without the {sign}"));
        }
    }
    in_seconds(keyword, plain, words.get(1)).map(|found| format!("{found}: the unit is seconds"))
}

/// The seconds that a time with a unit stands for.
fn in_seconds(keyword: &Keyword, plain: &str, next: Option<&String>) -> Option<String> {
    let (digits, unit) = plain.split_at(plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len()));
    let unit = if unit.is_empty() { next.map_or("", String::as_str) } else { unit };
    let is_time = matches!(keyword.value, Value::Seconds(..)) || keyword.meaning.starts_with("seconds");
    let (_, thousandths) = UNITS.iter().find(|(name, _)| is_time && name.eq_ignore_ascii_case(unit))?;
    let millis = super::argument::micros(digits)?.checked_mul(*thousandths)? / 1_000_000;
    let found = super::keywords::decimal(millis.checked_mul(1_000)?);
    parse(keyword.value, std::slice::from_ref(&found)).is_ok().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::super::keywords::Status;
    use super::*;

    /// What counts, and what is said, of a line in a block.
    fn told_of(block: Block, line: &str) -> (Option<Argument>, String) {
        let mut words = line.split(' ').map(str::to_owned);
        let keyword = block.find(&words.next().unwrap()).unwrap();
        let words: Vec<_> = words.collect();
        let unfit = parse(keyword.value, &words).unwrap_err();
        let at = Span { source: 0, start: 0, length: 0 };
        let Tolerated { argument, problem } = tolerated(block, keyword, &words, &unfit, at).unwrap();
        let told = problem.rendered(&super::super::source::Sources::default());
        (argument, format!("{}; {}", told.message, told.help.unwrap()))
    }

    #[test]
    fn a_number_that_does_not_fit_counts_as_it_does_for_keepalived() {
        let number = |n| Some(Argument::Number(n));
        for (block, line, counts) in [
            (Block::Instance, "priority 100;", number(100)),
            (Block::Instance, "priority 300", number(100)),
            (Block::Instance, "advert_int 1s", None),
            (Block::Instance, "advert_int 256", None),
            (Block::Instance, "garp_master_repeat 0", number(1)),
            (Block::Instance, "garp_master_repeat 7;", number(7)),
            (Block::Instance, "garp_master_delay 7s", Some(seconds(7_000_000))),
            (Block::Instance, "garp_master_delay -1", None),
            (Block::Instance, "preempt_delay 7s", Some(seconds(7_000_000))),
            (Block::Instance, "preempt_delay x", Some(seconds(0))),
            (Block::Instance, "preempt_delay ++4", Some(seconds(0))),
            (Block::Instance, "garp_master_repeat +0", number(1)),
            (Block::Script, "interval 0", number(1)),
            (Block::Script, "interval x", number(1)),
            (Block::Script, "interval 2s", number(2)),
            (Block::Script, "rise 0", None),
            (Block::Script, "weight 300", Some(Argument::Signed(253))),
            (Block::Script, "weight -5,", Some(Argument::Signed(-5))),
            (Block::VirtualServer, "delay_loop 0", None),
            (Block::VirtualServer, "delay_loop x", None),
            (Block::VirtualServer, "persistence_timeout 50;", None),
            (Block::Global, "vrrp_rt_priority 300", number(99)),
            (Block::Global, "vrrp_rt_priority 99999999999", None),
        ] {
            assert_eq!(told_of(block, line).0, counts, "{line}");
        }
    }

    #[test]
    fn what_was_meant_is_said() {
        for (block, line, told) in [
            (
                Block::Instance,
                "priority 150;",
                "priority \"150;\" is ignored, as keepalived does: 100 counts; write priority 150, without the ;",
            ),
            (
                Block::Instance,
                "priority = 150",
                "priority \"=\" is ignored, as keepalived does: 100 counts; write priority 150, without the =",
            ),
            (
                Block::Instance,
                "advert_int 1s",
                "advert_int \"1s\" is ignored, as keepalived does; write advert_int 1: the unit is seconds",
            ),
            (
                Block::Instance,
                "preempt_delay 2m",
                "preempt_delay \"2m\" counts as 120 s; keepalived takes it for 0.000002 s; write preempt_delay 120: the unit is seconds",
            ),
            (
                Block::VirtualServer,
                "delay_loop 500ms",
                "delay_loop \"500ms\" counts as 0.5 s; keepalived takes it for 0.0005 s; write delay_loop 0.5: the unit is seconds",
            ),
            (
                Block::Script,
                "interval 0",
                "interval 0 counts as 1, as with keepalived; it takes a whole number from 1 to 4294",
            ),
        ] {
            assert_eq!(told_of(block, line).1, told, "{line}");
        }
    }

    #[test]
    fn every_word_of_the_tables_is_one_of_the_language() {
        let known = |word: &&str| Block::ALL.into_iter().filter_map(|b| b.find(word)).any(|k| k.status != Status::Part);
        for word in [STRICT, AT_LEAST_ONE, WHOLE_SECONDS].concat() {
            assert!(known(&word), "{word}");
        }
        assert!(NEAREST.iter().all(|(block, word)| block.knows(word)));
        assert!(INSTEAD.iter().all(|(block, word, _)| block.knows(word)));
        assert!(WITHOUT_VALUE.iter().all(|(block, words)| words.iter().all(|word| block.knows(word))));
    }
}
