//! Which processes count for a `vrrp_track_process`, and when enough of them run. Pure values; by keepalived's manual page.

use crate::engine::model::{ParameterMatch, TrackedProcess};
use std::time::Instant;

/// Characters of a process's own name (`TASK_COMM_LEN`, less its end).
const NAME: usize = 15;

/// Whether the command line is looked at, not the name alone.
pub const fn needs_arguments(wanted: &TrackedProcess) -> bool {
    wanted.full_command || wanted.parameter_match.is_some() || !wanted.parameters.is_empty()
}

/// Whether a process counts: its name (`/proc/PID/comm`), and its command line, the command first. The command line is
/// asked for only where it is looked at.
pub fn matches(wanted: &TrackedProcess, name: &str, arguments: impl FnOnce() -> Vec<String>) -> bool {
    if !needs_arguments(wanted) {
        return name == wanted.command.get(..NAME).unwrap_or(&wanted.command);
    }
    let arguments = arguments();
    let Some((command, given)) = arguments.split_first() else { return false };
    if *command != wanted.command {
        return false;
    }
    match wanted.parameter_match {
        None if wanted.parameters.is_empty() => true,
        None | Some(ParameterMatch::Exact) => *given == wanted.parameters,
        // Without parameters there are to be none.
        Some(_) if wanted.parameters.is_empty() => given.is_empty(),
        Some(ParameterMatch::Partial) => given.starts_with(&wanted.parameters),
        Some(ParameterMatch::Initial) => {
            let last = wanted.parameters.len() - 1;
            given.len() == wanted.parameters.len()
                && given.get(..last) == wanted.parameters.get(..last)
                && given.last().zip(wanted.parameters.last()).is_some_and(|(given, wanted)| given.starts_with(wanted))
        }
    }
}

/// How many run, against how many should.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quorum {
    count: u32,
    enough: Option<bool>,
    /// The other way is so, and counts from then on.
    turns_at: Option<Instant>,
}

impl Quorum {
    /// So many run. Gives whether they are enough where that is new.
    pub fn see(&mut self, now: Instant, wanted: &TrackedProcess, count: u32) -> Option<bool> {
        self.count = count;
        let enough = wanted.quorum <= count && wanted.quorum_max.is_none_or(|most| count <= most);
        match self.enough {
            None => return self.turn(enough),
            Some(before) if before == enough => {
                self.turns_at = None;
                return None;
            }
            Some(_) => {}
        }
        let delay = if enough { wanted.fork_delay } else { wanted.terminate_delay };
        let at = *self.turns_at.get_or_insert(now + delay);
        if at <= now { self.turn(enough) } else { None }
    }

    fn turn(&mut self, enough: bool) -> Option<bool> {
        (self.enough, self.turns_at) = (Some(enough), None);
        self.enough
    }

    /// When to look again, whatever happens.
    pub const fn due_at(&self) -> Option<Instant> {
        self.turns_at
    }

    /// For people: `1 runs, 2 are needed`.
    pub fn said(&self, wanted: &TrackedProcess) -> String {
        let run = if self.count == 1 { "runs" } else { "run" };
        match (wanted.quorum, wanted.quorum_max) {
            (need, None) => format!("{} {run}, {need} needed", self.count),
            (0, Some(most)) => format!("{} {run}, {most} at most", self.count),
            (need, Some(most)) => format!("{} {run}, {need} to {most} needed", self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const S: Duration = Duration::from_secs(1);

    fn wanted(command: &str, parameters: &[&str], parameter_match: Option<ParameterMatch>) -> TrackedProcess {
        TrackedProcess {
            name: "p".into(),
            command: command.into(),
            parameters: parameters.iter().map(|word| (*word).to_owned()).collect(),
            parameter_match,
            full_command: false,
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            fork_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
        }
    }

    fn line(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_name_alone_is_compared_with_the_process_s_own_name_whole() {
        let is = |command: &str, name: &str| matches(&wanted(command, &[], None), name, || panic!("not asked for"));
        assert!(is("nginx", "nginx"));
        assert!(!is("ssh", "sshd") && !is("sshd", "ssh") && !is("/usr/sbin/nginx", "nginx"));
        assert!(is("a-very-long-process-name", "a-very-long-pro"), "the kernel cuts it");
    }

    #[test]
    fn a_full_command_is_what_the_process_was_called_as() {
        let full = TrackedProcess { full_command: true, ..wanted("/usr/sbin/nginx", &[], None) };
        assert!(matches(&full, "nginx", || line("/usr/sbin/nginx -g daemon")));
        assert!(!matches(&full, "nginx", || line("nginx")));
        assert!(!matches(&full, "kthreadd", Vec::new), "a thread of the kernel has no command line");
    }

    #[test]
    fn parameters_are_compared_exactly_from_the_front_or_by_their_beginning() {
        use ParameterMatch::{Initial, Partial};
        let is = |parameters: &[&str], how, given: &str| matches(&wanted("h", parameters, how), "h", || line(given));
        assert!(is(&["-f", "a"], None, "h -f a"));
        assert!(!is(&["-f", "a"], None, "h -f a b") && !is(&["-f", "a"], None, "h -f") && !is(&["-f"], None, "x -f"));
        assert!(is(&["-f"], Some(Partial), "h -f a b") && !is(&["a"], Some(Partial), "h -f a"));
        assert!(is(&["-f", "/etc/"], Some(Initial), "h -f /etc/h.conf"));
        assert!(!is(&["-f", "/etc/"], Some(Initial), "h -f /etc/h.conf -d"));
        assert!(!is(&["-f", "/etc/"], Some(Initial), "h -fx /etc/h.conf"));
        for none in [Partial, Initial] {
            assert!(is(&[], Some(none), "h") && !is(&[], Some(none), "h -f"), "there are to be none");
        }
    }

    #[test]
    fn the_first_look_counts_at_once_and_later_ones_after_their_delay() {
        let start = Instant::now();
        let wanted = TrackedProcess { fork_delay: S, terminate_delay: S * 2, ..wanted("h", &[], None) };
        let mut quorum = Quorum::default();
        assert_eq!(quorum.see(start, &wanted, 1), Some(true));
        assert_eq!(quorum.see(start, &wanted, 0), None);
        assert_eq!(quorum.due_at(), Some(start + S * 2));
        assert_eq!(quorum.see(start + S, &wanted, 1), None, "a restart within the delay is not told");
        assert_eq!(quorum.due_at(), None);
        assert_eq!(quorum.see(start + S * 3, &wanted, 0), None);
        assert_eq!(quorum.see(start + S * 5, &wanted, 0), Some(false));
        assert_eq!(quorum.see(start + S * 6, &wanted, 2), None);
        assert_eq!(quorum.see(start + S * 7, &wanted, 1), Some(true));
    }

    #[test]
    fn there_may_be_too_many_as_well() {
        let now = Instant::now();
        let see = |quorum, quorum_max, count| {
            let wanted = TrackedProcess { quorum, quorum_max, ..wanted("h", &[], None) };
            let mut seen = Quorum::default();
            (seen.see(now, &wanted, count).unwrap(), seen.said(&wanted))
        };
        assert_eq!(see(2, None, 1), (false, "1 runs, 2 needed".into()));
        assert_eq!(see(1, Some(1), 2), (false, "2 run, 1 to 1 needed".into()));
        assert_eq!(see(0, Some(0), 0), (true, "0 run, 0 at most".into()));
        assert!(!see(0, Some(0), 1).0);
    }
}
