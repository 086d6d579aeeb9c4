//! Numbers, ages and names as the console writes them: short, of known width, and never with a control character.

pub use crate::engine::age;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A rate or a number in at most five columns: `0.4`, `912`, `88.1k`, `513M`, `1.2G`.
pub fn compact(value: f64) -> String {
    let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
    if value < 9.95 {
        let text = format!("{value:.1}");
        return text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned);
    }
    if value < 999.5 {
        return format!("{value:.0}");
    }
    let mut scaled = value;
    for unit in ["k", "M", "G", "T", "P"] {
        scaled /= 1000.0;
        if scaled < 99.95 {
            return format!("{scaled:.1}{unit}");
        }
        if scaled < 999.5 {
            return format!("{scaled:.0}{unit}");
        }
    }
    "999P+".to_owned()
}

/// A counter, exact below 100,000 and [`compact`] above.
#[allow(clippy::cast_precision_loss)] // three digits of it are shown
pub fn count(value: u64) -> String {
    if value < 100_000 { value.to_string() } else { compact(value as f64) }
}

/// A counter in full, with a space between groups of three digits.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// An age that moves by the minute once it is one, for long lists: `12s`, `4m`, `3h07m`, `3d04h`.
pub fn age_by_minute(ago: Duration) -> String {
    if ago < Duration::from_hours(1) { age_in_a_unit(ago) } else { age(ago) }
}

/// An age in its largest unit alone, for narrow places: `12s`, `4m`, `3h`, `12d`.
pub fn age_in_a_unit(ago: Duration) -> String {
    let text = age(ago);
    let end = text.find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| at + 1);
    text.get(..end).unwrap_or_default().to_owned()
}

/// The age of a moment, `now` and the moment being on the same clock; a moment to come has age 0.
pub fn since(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

/// Milliseconds left, in seconds with a tenth: `0.4s`, `12.0s`.
pub fn seconds(ms: u64) -> String {
    format!("{}.{}s", ms / 1000, ms % 1000 / 100)
}

/// `14:02:11Z`, in UTC like every time of the engine.
pub fn clock(time: SystemTime) -> String {
    let day = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}Z", day / 3_600, day % 3_600 / 60, day % 60)
}

/// The same with milliseconds: `14:02:11.042`.
pub fn clock_ms(time: SystemTime) -> String {
    let ms = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_millis();
    format!("{}.{ms:03}", clock(time).trim_end_matches('Z'))
}

/// Month and day, `11-21` (civil-from-days, proleptic Gregorian).
pub fn day(time: SystemTime) -> String {
    let days = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    // Days since 0000-03-01, in cycles of 400 years of 146,097 days.
    let day_of_cycle = (days + 719_468) % 146_097;
    let year = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    format!("{:02}-{day:02}", if month < 10 { month + 3 } else { month - 9 })
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Whether a character may move the cursor, turn the line round or hide something.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with every character that could do something to the terminal shown as `?`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(text.chars().map(|c| if is_unsafe(c) { '?' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The text for a terminal that shows ASCII alone: another character is as many `?` as it takes columns.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if c.is_ascii() { (c, 1) } else { ('?', c.width().unwrap_or(0)) };
    Cow::Owned(text.chars().map(shown).flat_map(|(c, columns)| std::iter::repeat_n(c, columns)).collect())
}

/// The beginning of a text that fits `columns`, with `mark` (one column) at its end when something is missing.
pub fn cut(text: &str, columns: usize, mark: char) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    kept.push(mark);
    Cow::Owned(kept)
}

/// The end of a text that fits `columns`, with `mark` (one column) before it when something is missing.
pub fn cut_front(text: &str, columns: usize, mark: char) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let kept: Vec<char> = text.chars().rev().take_while(fits).collect();
    Cow::Owned(std::iter::once(mark).chain(kept.into_iter().rev()).collect())
}

/// Beginning and end of a name that fit `columns`, with `mark` (one column) between them when something is missing: what tells
/// long names apart stands at either.
pub fn cut_middle(text: &str, columns: usize, mark: char) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let mut fits = |c: &char, room: usize| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let end: Vec<char> = text.chars().rev().take_while(|c| fits(c, room / 2)).collect();
    let end: String = end.into_iter().rev().collect();
    Cow::Owned(format!("{}{end}", cut(text, columns - width(&end), mark)))
}

/// Breaks a text where `between` stands into lines of at most so many columns; what has no place to break is left long.
pub fn wrap(text: &str, between: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in clean(text).split(between).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + between.len() + width(part) <= columns => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_kept_by_columns() {
        assert_eq!(cut_front("10.0.0.71:80", 12, '<'), "10.0.0.71:80");
        assert_eq!(cut_front("10.0.0.71:80", 8, '<'), "<0.71:80");
        assert_eq!((cut_front("a日本", 4, '<'), cut_front("日本", 0, '<')), ("<本".into(), "".into()));
    }

    #[test]
    fn numbers_keep_three_digits_and_five_columns() {
        for (value, text) in [
            (0.0, "0"),
            (0.44, "0.4"),
            (9.96, "10"),
            (912.4, "912"),
            (999.6, "1.0k"),
            (88_123.0, "88.1k"),
            (41_230_000.0, "41.2M"),
            (512_900_000.0, "513M"),
            (1.2e9, "1.2G"),
            (f64::NAN, "0"),
            (-1.0, "0"),
        ] {
            assert_eq!(compact(value), text);
        }
        assert_eq!(count(99_999), "99999");
        assert_eq!(count(u64::MAX), "999P+");
        assert_eq!(grouped(1_234_567), "1 234 567");
    }

    #[test]
    fn ages_grow_by_unit() {
        for (s, text) in
            [(0, "0s"), (59, "59s"), (245, "4m05s"), (11_220, "3h07m"), (273_600, "3d04h"), (70_156_800, "812d")]
        {
            assert_eq!(age(Duration::from_secs(s)), text);
            let by_minute = if s == 245 { "4m" } else { text };
            assert_eq!(
                age_by_minute(Duration::from_secs(s)),
                by_minute,
                "a second moves nothing behind the first minute"
            );
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // `date -u -d @N +%m-%d`
        for (second, text) in [
            (0, "01-01"),
            (951_782_400, "02-29"),
            (1_795_269_731, "11-21"),
            (1_798_761_599, "12-31"),
            (4_107_542_400, "03-01"),
        ] {
            assert_eq!(day(SystemTime::UNIX_EPOCH + Duration::from_secs(second)), text);
        }
        assert_eq!(clock_ms(SystemTime::UNIX_EPOCH + Duration::from_millis(3_723_042)), "01:02:03.042");
    }

    #[test]
    fn no_control_character_and_no_direction_change_gets_through() {
        assert_eq!(clean("a\x1b[2Jb\u{202e}c\nd"), "a?[2Jb?c?d");
        assert!(matches!(clean("plain 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn ascii_keeps_the_width_of_every_character() {
        for (text, shown) in [("web-1", "web-1"), ("日本-1", "????-1"), ("e\u{301}te\u{301}", "ete"), ("Ü", "?")] {
            assert_eq!((ascii(text).as_ref(), width(&ascii(text))), (shown, width(text)));
        }
    }

    #[test]
    fn a_long_text_breaks_between_its_parts() {
        assert_eq!(wrap("one two  three", " ", 8), ["one two", "three"]);
        assert_eq!(wrap("Conns 1 234  InPkts 5", "  ", 12), ["Conns 1 234", "InPkts 5"]);
        assert!(wrap("", " ", 8).is_empty());
    }

    #[test]
    fn a_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut_middle("VI_frontend_1", 13, '…'), "VI_frontend_1");
        assert_eq!(
            (cut_middle("VI_frontend_1", 8, '…'), cut_middle("VI_frontend_1", 7, '~')),
            ("VI_f…d_1".into(), "VI_~d_1".into())
        );
        for columns in 0..12 {
            assert!(width(&cut_middle("a日b本c語d", columns, '…')) <= columns);
        }
    }

    #[test]
    fn a_cut_text_never_takes_more_columns_than_it_may() {
        assert_eq!(cut("web-443", 7, '…'), "web-443");
        assert_eq!(cut("web-443", 4, '…'), "web…");
        assert_eq!(cut("日本語", 4, '…'), "日…");
        assert_eq!(cut("日本語", 0, '…'), "");
        for columns in 0..12 {
            assert!(width(&cut("a日b本c語d", columns, '…')) <= columns);
        }
    }
}
