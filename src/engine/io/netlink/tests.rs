use super::*;
use proptest::prelude::*;

#[test]
fn a_frame_is_read_back() {
    let bytes = [frame(20, NlmF::REQUEST, 7, &[1, 2, 3, 4]), frame(3, NlmF::MULTI, 8, &[])].concat();
    let read: Vec<_> = Messages(&bytes).map(|m| (m.kind, m.flags, m.seq, m.payload.to_vec())).collect();
    assert_eq!(read, [(20, NlmF::REQUEST, 7, vec![1, 2, 3, 4]), (3, NlmF::MULTI, 8, vec![])]);
}

#[test]
fn an_error_is_a_positive_errno_and_an_acknowledgement_is_zero() {
    let code = |kind, code: i32| {
        let bytes = frame(kind, NlmF::empty(), 1, &code.to_ne_bytes());
        Messages(&bytes).next().unwrap().code()
    };
    assert_eq!((code(2, -17), code(2, 0), code(3, 0), code(16, -17)), (Some(17), Some(0), Some(0), None));
}

/// What an answer to request 7 that comes in these messages gives: the payloads, and how it ends.
fn read(messages: &[(u16, NlmF, u32, i32)]) -> (usize, Option<Result<(), RequestError>>) {
    let bytes: Vec<_> =
        messages.iter().flat_map(|(kind, flags, seq, n)| frame(*kind, *flags, *seq, &n.to_ne_bytes())).collect();
    let (mut answer, mut count) = (Answer { seq: 7, interrupted: false }, 0);
    let end = answer.read(&bytes, &mut |_| count += 1);
    (count, end)
}

#[test]
fn a_list_ends_with_done_and_not_before() {
    let (item, done) = ((16, NlmF::MULTI, 7, 0), (3, NlmF::MULTI, 7, 0));
    assert!(matches!(read(&[item, item]), (2, None)));
    assert!(matches!(read(&[item, done]), (1, Some(Ok(())))));
}

#[test]
fn a_list_that_changed_while_it_was_read_is_of_no_use() {
    let (item, done) = ((16, NlmF::MULTI | NlmF::DUMP_INTR, 7, 0), (3, NlmF::MULTI, 7, 0));
    assert!(matches!(read(&[item, done]), (1, Some(Err(RequestError::Interrupted)))));
}

#[test]
fn answers_to_other_requests_are_not_taken() {
    assert!(matches!(read(&[(16, NlmF::MULTI, 6, 0), (2, NlmF::empty(), 6, -1)]), (0, None)));
    assert!(matches!(read(&[(2, NlmF::empty(), 7, -1)]), (0, Some(Err(RequestError::Refused(1))))));
}

/// A kernel that answers as it is told to, once for each receive, and counts what is sent.
struct Script {
    answers: std::collections::VecDeque<io::Result<Vec<u8>>>,
    sent: usize,
}

impl Carrier for Script {
    fn send(&mut self, _: Vec<u8>) -> io::Result<()> {
        self.sent += 1;
        Ok(())
    }
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A socket whose time is over says WouldBlock.
        let answer = self.answers.pop_front().unwrap_or(Err(io::ErrorKind::WouldBlock.into()))?;
        buffer[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }
}

fn script(answers: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> Requests<Script> {
    Requests::over(Script { answers: answers.into_iter().collect(), sent: 0 })
}

fn control(kind: u16, seq: u32, code: i32) -> Vec<u8> {
    frame(kind, NlmF::empty(), seq, &(-code).to_ne_bytes())
}

#[test]
fn an_answer_that_never_comes_ends_as_a_socket_error() {
    let result = script([]).request(20, NlmF::empty(), &[], |_| {});
    assert!(matches!(result, Err(RequestError::Socket(error)) if error.kind() == io::ErrorKind::WouldBlock));
    let half = script([Ok(frame(16, NlmF::MULTI, 1, &[]))]).request(20, NlmF::DUMP, &[], |_| {});
    assert!(matches!(half, Err(RequestError::Socket(_))), "a list without its end is no list");
}

#[test]
fn a_signal_does_not_end_the_waiting() {
    let signal = || Err(io::ErrorKind::Interrupted.into());
    let mut requests = script([signal(), signal(), Ok(control(2, 1, 0))]);
    assert!(requests.request(20, NlmF::empty(), &[], |_| {}).is_ok());
    assert_eq!(requests.socket.sent, 1, "nothing is asked twice");
}

#[test]
fn lost_answers_are_an_error_and_never_a_short_list() {
    let enobufs = Err(io::Error::from_raw_os_error(libc::ENOBUFS));
    let mut requests = script([Ok(frame(16, NlmF::MULTI, 1, &[])), enobufs, Ok(control(3, 1, 0))]);
    assert!(matches!(requests.request(20, NlmF::DUMP, &[], |_| {}), Err(RequestError::Socket(_))));
}

#[test]
fn a_list_that_could_not_be_finished_is_refused_with_its_error() {
    // The kernel ends a dump that fails midway with DONE and an error number.
    let mut requests = script([Ok([frame(16, NlmF::MULTI, 1, &[]), control(3, 1, libc::EBUSY)].concat())]);
    let result = requests.request(20, NlmF::DUMP, &[], |_| {});
    assert!(matches!(result, Err(RequestError::Refused(libc::EBUSY))));
}

#[test]
fn a_batch_tells_which_requests_were_refused() {
    let payloads = vec![vec![1, 2, 3], vec![], vec![4]];
    let all_done = script([Ok(control(2, 3, 0))]).batch(20, &payloads).unwrap();
    assert_eq!(all_done, [None, None, None]);
    let mut requests = script([Ok(control(2, 1, 17)), Ok(control(2, 3, 3))]);
    assert_eq!(requests.batch(20, &payloads).unwrap(), [Some(17), None, Some(3)]);
    assert_eq!(requests.socket.sent, 1);
    assert_eq!(requests.batch(20, &[]).unwrap(), [], "nothing asked, nothing waited for");
    assert!(matches!(requests.batch(20, &payloads), Err(RequestError::Socket(_))));
}

#[test]
fn a_late_answer_to_an_earlier_request_does_not_count_for_a_batch() {
    let mut requests = script([Ok(control(2, 1, 0)), Ok(control(2, 1, 5)), Ok(control(2, 3, 0))]);
    requests.request(20, NlmF::empty(), &[], |_| {}).unwrap();
    assert_eq!(requests.batch(20, &[vec![], vec![]]).unwrap(), [None, None]);
}

proptest! {
    #[test]
    fn any_answer_ends_a_request_or_is_waited_past(answers: Vec<Vec<u8>>) {
        let _ = script(answers.iter().cloned().map(Ok)).request(20, NlmF::DUMP, &[], |_| {});
        let _ = script(answers.into_iter().map(Ok)).batch(20, &[vec![], vec![]]);
    }

    #[test]
    fn reading_anything_ends(bytes: Vec<u8>) {
        prop_assert!(Messages(&bytes).count() <= bytes.len() / HEADER);
    }
}
