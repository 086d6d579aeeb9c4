use super::*;
use std::time::Duration;

fn envelope(node: &str, to: &[&str]) -> Envelope {
    let to = to.iter().map(|to| (*to).to_owned()).collect();
    Envelope { node: node.into(), host: "lb1.example.org".into(), from: "keepalived@lb1.example.org".into(), to }
}

fn mail(subject: &str, text: &str) -> Mail {
    Mail { subject: subject.into(), text: text.into() }
}

/// Saturday, 28 November 2026, 21:41:48 UTC.
fn moment() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_902_108)
}

fn headers(letter: &str) -> Vec<&str> {
    letter.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
}

#[test]
fn a_letter_has_its_headers_an_empty_line_and_the_text() {
    let mail = mail("VRRP Instance VI_1 - Entering MASTER state", "VI_1 is MASTER.\nWhy: 10.0.0.2 resigned");
    let letter = mail.letter(&envelope("LVS_MAIN", &["a@example.com", "b@example.com"]), moment(), 7);
    assert_eq!(
        letter,
        format!(
            "Date: Sat, 28 Nov 2026 21:41:48 +0000\r\n\
             From: keepalived@lb1.example.org\r\n\
             Subject: [LVS_MAIN] VRRP Instance VI_1 - Entering MASTER state\r\n\
             To: a@example.com,\r\n b@example.com\r\n\
             Message-ID: <1795902108000000000.7@lb1.example.org>\r\n\
             X-Mailer: lvsdeck {}\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             \r\n\
             VI_1 is MASTER.\r\nWhy: 10.0.0.2 resigned\r\n\r\n\
             Node: LVS_MAIN (lb1.example.org)\r\nTime: Sat, 28 Nov 2026 21:41:48 +0000\r\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn nothing_in_a_name_becomes_a_header() {
    let bad = "x\r\nBcc: all@example.com\r\n\r\nhello";
    let envelope = Envelope { host: bad.into(), from: bad.into(), ..envelope(bad, &[bad]) };
    let letter = mail(bad, "text").letter(&envelope, moment(), 1);
    let names: Vec<&str> = headers(&letter)
        .into_iter()
        .filter(|line| !line.starts_with(' '))
        .map(|l| l.split(':').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Date",
            "From",
            "Subject",
            "To",
            "Message-ID",
            "X-Mailer",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding"
        ]
    );
}

#[test]
fn a_long_subject_stays_on_its_line_and_one_without_end_is_cut() {
    let subject = "Realserver [fd00:1234:5678::aaaa]:tcp:8080 of virtual server [fd00:1234:5678::bbbb]:tcp:80 - DOWN";
    let letter = mail(subject, "").letter(&envelope("LVS_MAIN", &["a@example.com"]), moment(), 1);
    assert!(headers(&letter).contains(&&*format!("Subject: [LVS_MAIN] {subject}")));
    for endless in ["x ", "ü"] {
        let letter = mail(&endless.repeat(10_000), "").letter(&envelope("n", &["a@example.com"]), moment(), 1);
        assert!(headers(&letter).iter().all(|line| line.len() <= 998));
    }
}

#[test]
fn what_is_no_ascii_is_encoded() {
    let letter = mail("VRRP Instance Süd - Entering MASTER state", "Süd\nmore").letter(
        &envelope("Köln", &["a@example.com"]),
        moment(),
        1,
    );
    assert!(letter.is_ascii());
    let subject: String = headers(&letter)
        .into_iter()
        .skip_while(|line| !line.starts_with("Subject"))
        .take_while(|line| !line.starts_with("To"))
        .map(|line| line.trim_start_matches("Subject: ").trim())
        .map(|word| STANDARD.decode(word.trim_start_matches("=?utf-8?B?").trim_end_matches("?=")).unwrap())
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect();
    assert_eq!(subject, "[Köln] VRRP Instance Süd - Entering MASTER state");
    let (_, body) = letter.split_once("\r\n\r\n").unwrap();
    let text = STANDARD.decode(body.replace("\r\n", "")).unwrap();
    assert!(String::from_utf8(text).unwrap().starts_with("Süd\r\nmore\r\n"));
    assert!(letter.contains("Content-Transfer-Encoding: base64\r\n"));
}

#[test]
fn a_line_that_no_server_has_to_take_is_encoded_and_a_text_without_end_is_cut() {
    let long = "x".repeat(1_000_000);
    let letter = mail("s", &long).letter(&envelope("n", &["a@example.com"]), moment(), 1);
    assert!(letter.len() < 10_000 && letter.lines().all(|line| line.len() <= 998));
}
