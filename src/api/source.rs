//! The parts of an answer that goes on: made by a future that lives in the answer's body.

use hyper::body::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Where the parts of a stream come from. Runs only as part of the connection that the stream is written to, and goes with it.
pub(super) struct Source {
    made: mpsc::Receiver<Bytes>,
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Source {
    /// The parts that `work` sends to the other end of `made`.
    pub(super) fn new(made: mpsc::Receiver<Bytes>, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { made, work: Some(Box::pin(work)) }
    }
    /// The next part, when there is one.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.work.as_mut().is_some_and(|work| work.as_mut().poll(cx).is_ready()) {
            self.work = None;
        }
        self.made.poll_recv(cx)
    }
}
