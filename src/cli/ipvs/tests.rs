//! The dialect on a simulated kernel: what no oracle tells, since ipvsadm does not have it.

use super::*;
use crate::engine::io::simulated::SimulatedIpvs;
use crate::engine::{Refusal, RefusalKind};

/// What a command line came to.
struct Done {
    code: u8,
    out: String,
    err: String,
}

/// Does one line with this standard input, as `lvsdeck ipvs` or as `ipvsadm`.
fn line_as(kernel: &SimulatedIpvs, by_name: bool, line: &str, input: &str) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let mut kernel = kernel.clone();
    let console = Console { by_name, err: &mut err };
    let mut session = Session::new(&mut kernel, &mut out, console);
    let input = &mut input.as_bytes();
    let result = match request::parse(&words) {
        Ok(Request::Restore { atomic: false }) => restore::restore(&mut session, input),
        Ok(Request::Restore { atomic: true }) => atomic::restore(&mut session, input),
        Ok(request) => session.perform(&request),
        Err(fault) => Err(fault),
    };
    let code = result.unwrap_or_else(|fault| session.console.fault(&fault));
    Done { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn line(kernel: &SimulatedIpvs, line: &str) -> Done {
    line_as(kernel, false, line, "")
}

fn restore(kernel: &SimulatedIpvs, options: &str, input: &str) -> Done {
    line_as(kernel, false, options, input)
}

fn filled() -> SimulatedIpvs {
    let kernel = SimulatedIpvs::default();
    let lines = "-A -t 10.0.0.1:80 -s wrr -p 60 -M 255.255.255.0\n\
                 -a -t 10.0.0.1:80 -r 10.0.0.71:8080 -m -w 3 -x 100 -y 80\n\
                 -a -t 10.0.0.1:80 -r 10.0.0.72 -i --tun-type gue --tun-port 6080 --tun-remcsum\n";
    assert_eq!(restore(&kernel, "-R", lines).code, 0);
    kernel
}

fn saved(kernel: &SimulatedIpvs) -> String {
    line(kernel, "-S -n --thresholds").out
}

#[test]
fn what_is_saved_with_thresholds_restores_to_the_same_table() {
    let kernel = filled();
    let text = saved(&kernel);
    assert!(text.contains("-r 10.0.0.71:8080 -m -w 3 -x 100 -y 80"), "{text}");
    let other = SimulatedIpvs::default();
    assert_eq!(restore(&other, "-R --atomic", &text).code, 0);
    assert_eq!(kernel.edit(|table| table.clone()), other.edit(|table| table.clone()));
    assert!(!line(&kernel, "-Sn").out.contains("-x"), "without it the lines are ipvsadm's");
}

#[test]
fn a_restore_goes_on_after_a_refusal_and_ends_with_the_last_lines_code() {
    let kernel = SimulatedIpvs::default();
    let done = restore(&kernel, "-R", "-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n-A -t 10.0.0.2:80\n");
    assert_eq!((done.code, kernel.edit(|table| table.services.len())), (0, 2));
    assert!(done.err.contains("line 2: can't add service tcp/10.0.0.1:80"), "{}", done.err);
    assert_eq!(restore(&kernel, "-R", "-A -t 10.0.0.3:80\n-A -t 10.0.0.1:80\n").code, 255);
}

#[test]
fn wrong_use_ends_a_restore_after_the_lines_before_it() {
    let kernel = SimulatedIpvs::default();
    let done = restore(&kernel, "-R", "-A -t 10.0.0.1:80\n-A -t 10.0.0.2:80 -w 1\n-A -t 10.0.0.3:80\n");
    assert_eq!((done.code, kernel.edit(|table| table.services.len())), (2, 1));
}

#[test]
fn an_atomic_restore_changes_nothing_when_a_line_is_wrong() {
    for bad in ["-A -t 10.0.0.1:80", "-A -t 10.0.0.9:80 -w 1", "--nosuch", "--set 1 2 3", "-D -t 10.9.9.9:9"] {
        let kernel = filled();
        let before = kernel.edit(|table| table.clone());
        kernel.take_history();
        let done = restore(&kernel, "-R --atomic", &format!("-A -t 10.0.0.2:80\n{bad}\n"));
        assert!(
            done.code != 0 && done.err.contains("line 2") && done.err.contains("nothing was changed"),
            "{}",
            done.err
        );
        assert_eq!((kernel.edit(|table| table.clone()), kernel.take_history().len()), (before, 0), "{bad}");
    }
}

#[test]
fn an_atomic_restore_that_the_kernel_refuses_midway_is_undone() {
    let kernel = filled();
    let before = kernel.edit(|table| table.clone());
    let refused =
        crate::engine::IpvsOp::DelDestination("tcp/10.0.0.1:80".parse().unwrap(), "10.0.0.71:8080".parse().unwrap());
    kernel.refuse(refused, Refusal { kind: RefusalKind::Other, message: "busy".to_owned() });
    let lines = "-A -t 10.0.0.2:80\n-e -t 10.0.0.1:80 -r 10.0.0.72 -i -w 9\n-d -t 10.0.0.1:80 -r 10.0.0.71:8080\n";
    let done = restore(&kernel, "-R --atomic", lines);
    assert_eq!(done.code, 255);
    assert!(done.err.contains("busy") && done.err.contains("were undone"), "{}", done.err);
    assert_eq!(kernel.edit(|table| table.clone()), before);
}

#[test]
fn an_atomic_restore_writes_only_what_differs() {
    let kernel = filled();
    kernel.take_history();
    assert_eq!(restore(&kernel, "-R --atomic", &format!("-C\n{}", saved(&kernel))).code, 0);
    assert_eq!(kernel.take_history(), []);
}

#[test]
fn an_edit_with_keep_changes_what_it_names_and_nothing_else() {
    let kernel = filled();
    assert_eq!(line(&kernel, "-e -t 10.0.0.1:80 -r 10.0.0.71:8080 -w 7 --keep").code, 0);
    assert_eq!(line(&kernel, "-e -t 10.0.0.1:80 -r 10.0.0.72 -w 8 --keep").code, 0);
    assert_eq!(line(&kernel, "-E -t 10.0.0.1:80 -s rr --keep").code, 0);
    assert_eq!(
        saved(&kernel),
        "-A -t 10.0.0.1:80 -s rr -p 60 -M 255.255.255.0\n\
         -a -t 10.0.0.1:80 -r 10.0.0.71:8080 -m -w 7 -x 100 -y 80\n\
         -a -t 10.0.0.1:80 -r 10.0.0.72:80 -i -w 8 --tun-type gue --tun-port 6080 --tun-remcsum\n"
    );
    assert_eq!(line(&kernel, "-e -t 10.0.0.1:80 -r 10.0.0.99 -w 1 --keep").code, 255);
    assert_eq!(line(&kernel, "-E -t 10.0.0.9:80 --keep").code, 255);
}

#[test]
fn an_edit_without_keep_resets_what_it_does_not_name_as_ipvsadm_does() {
    let kernel = filled();
    assert_eq!(line(&kernel, "-e -t 10.0.0.1:80 -r 10.0.0.72 -w 8").code, 0);
    assert!(saved(&kernel).contains("-r 10.0.0.72:80 -g -w 8\n"));
}

#[test]
fn a_port_that_direct_routing_cannot_have_is_told_but_not_under_the_name_ipvsadm() {
    let kernel = filled();
    let told = line(&kernel, "-a -t 10.0.0.1:80 -r 10.0.0.73:8080");
    assert_eq!(told.code, 0);
    assert!(told.err.contains("8080 became 80"), "{}", told.err);
    assert_eq!(line_as(&kernel, true, "-a -t 10.0.0.1:80 -r 10.0.0.74:8080", "").err, "");
}

#[test]
fn every_listing_of_the_table_is_json_on_request() {
    let kernel = filled();
    for line_of in ["-L --json", "-L -t 10.0.0.1:80 --json", "-L --stats --json", "-S --json"] {
        let value: serde_json::Value = serde_json::from_str(&line(&kernel, line_of).out).unwrap();
        let service = &value["services"][0];
        assert_eq!(
            (service["key"].as_str(), service["persistence"]["timeout_s"].as_u64()),
            (Some("tcp/10.0.0.1:80"), Some(60))
        );
        assert_eq!(service["real_servers"][0]["upper_threshold"], 100);
        assert_eq!(service["real_servers"][1]["tunnel"]["checksum"], "remote");
    }
}

#[test]
fn an_error_names_the_thing_the_cause_and_the_next_step() {
    let kernel = filled();
    for (wrong, words) in [
        ("-A -t 10.0.0.1:80", ["tcp/10.0.0.1:80", "there already"]),
        ("-d -t 10.0.0.1:80 -r 10.0.0.99", ["10.0.0.99:80", "no such real server"]),
        ("-L -t 10.0.0.9:80", ["tcp/10.0.0.9:80", "no such service"]),
        ("-A -t 10.0.0.3", ["port 0", "-p"]),
        ("-A -t 10.0.0.3:80 -b sh-port", ["sh-port", "wlc"]),
        ("-a -t 10.0.0.1:80 -r 10.0.0.75 -w 1 -x 1 -y 2", ["lower connection threshold", "raise the upper"]),
        ("-A -f 0", ["-f", "4294967295"]),
    ] {
        let done = line(&kernel, wrong);
        assert!(done.code != 0 && words.iter().all(|word| done.err.contains(word)), "{wrong}: {}", done.err);
    }
}

#[test]
fn the_name_of_the_program_decides() {
    for (name, expected) in [("ipvsadm", true), ("/sbin/ipvsadm", true), ("lvsdeck", false), ("ipvsadm.old", false)] {
        assert_eq!(is_called_ipvsadm(Some(&name.into())), expected, "{name}");
    }
}
