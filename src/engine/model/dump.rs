//! How a configuration is written as JSON, where serde's own form is no good: times are seconds, bytes are hexadecimal
//! digits, and a password is `***`.

#![allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // serde hands over references

use super::{AdvertInterval, Password, VrrpVersion};
use serde::{Serialize, Serializer};
use std::fmt::Write;
use std::time::Duration;

/// Seconds, whole ones as a whole number.
pub(super) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    if time.subsec_nanos() == 0 {
        serializer.serialize_u64(time.as_secs())
    } else {
        serializer.serialize_f64(time.as_secs_f64())
    }
}

/// Seconds, or null.
pub(super) fn maybe_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// Seconds of an advertisement interval.
pub(super) fn interval<S: Serializer>(interval: &AdvertInterval, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&interval.duration(), serializer)
}

/// Bytes in hexadecimal digits.
pub(super) fn bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    serializer.serialize_str(&digits)
}

/// `***` for a secret that is there, or null.
pub(super) fn secret<S: Serializer>(secret: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => serializer.serialize_str("***"),
        None => serializer.serialize_none(),
    }
}

/// An MD5 in hexadecimal digits, or null.
pub(super) fn digest<S: Serializer>(digest: &Option<[u8; 16]>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => bytes(digest, serializer),
        None => serializer.serialize_none(),
    }
}

/// Bytes with the bits that count, in hexadecimal digits; `x` is half a byte that does not count. Null: there is none.
pub(super) fn pattern<S: Serializer>(pattern: &Option<Vec<(u8, u8)>>, serializer: S) -> Result<S::Ok, S::Error> {
    let half = |value: u8, mask: u8| if mask == 0 { "x".to_owned() } else { format!("{value:x}") };
    match pattern {
        Some(pattern) => serializer.collect_str(
            &pattern.iter().map(|(v, m)| half(v >> 4, m >> 4) + &half(v & 15, m & 15)).collect::<String>(),
        ),
        None => serializer.serialize_none(),
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl Serialize for VrrpVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::model::{Authentication, CheckTiming, Password, UdpCheck};

    #[test]
    fn a_password_stays_out_and_times_are_seconds() {
        let text = serde_json::to_string(&(Authentication::Pass(Password::new("hunter2")), CheckTiming::default()));
        assert_eq!(
            text.unwrap(),
            r#"[{"pass":"***"},{"interval":60,"timeout":5,"retry":1,"retry_delay":1,"warmup":60}]"#
        );
    }

    #[test]
    fn bytes_are_hexadecimal_and_what_does_not_count_is_an_x() {
        let reply = Some(vec![(0x10, 0xf0), (0x02, 0x0f), (0xab, 0xff)]);
        let udp = UdpCheck { payload: vec![0, 0x7f], reply, length: (0, 255) };
        let text = serde_json::to_string(&udp).unwrap();
        assert_eq!(text, r#"{"payload":"007f","reply":"1xx2ab","length":[0,255]}"#);
    }
}
