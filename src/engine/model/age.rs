//! A span of time as people say it.

use std::time::Duration;

/// How long ago, in at most six columns: `12s`, `4m05s`, `3h07m`, `3d04h`, `812d`.
pub fn age(ago: Duration) -> String {
    let s = ago.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h{:02}m", s / 3_600, s % 3_600 / 60),
        86_400..8_640_000 => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3_600),
        _ => format!("{}d", s / 86_400),
    }
}
