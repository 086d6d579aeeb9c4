//! Answers: JSON, streams, and refusals that name the thing, the cause and the next step.

use super::source::Source;
use crate::engine::{HandleError, clean};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// An answer.
pub(super) type Reply = Response<Payload>;

/// The body of an answer.
pub(super) enum Payload {
    /// All there is.
    Whole(Option<Bytes>),
    /// What comes, until its source ends.
    Stream(Source),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Stream(source) => source.poll_next(cx),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ErrorBody {
    /// A stable word.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

/// Most characters of a message: what a client wrote may stand in it.
const MOST: usize = 2_000;

/// A request that gets no answer of the engine.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub allow: Option<&'static str>,
    pub body: ErrorBody,
}

impl Refusal {
    /// A refusal; `code` is listed in `docs/api.md`.
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        let body = ErrorBody { code: code.to_owned(), message: clean(&message.into(), MOST), next: next.into() };
        Self { status, allow: None, body }
    }
    /// Something is wrong with the request.
    pub(super) fn bad(code: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, next)
    }
    /// There is no room at the moment.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message, "close one, and ask again")
    }
    /// A request that did not come in time.
    pub(super) fn slow(what: &str, limit: Duration) -> Self {
        let message = format!("the {what} did not come within {} s", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow-request", message, "send it at once")
    }
    /// What was written can't be read as a request of HTTP/1.
    pub(super) fn no_http(error: &hyper::Error, limit: usize) -> Self {
        let why = error.to_string();
        if error.is_parse_too_large() {
            let message = format!("the header has more than 100 fields, or is larger than {} KiB", limit / 1024);
            return Self::header(message);
        }
        if why.contains("version") {
            return Self::bad(
                "bad-request",
                "this is no request of HTTP/1.1",
                "HTTP/2 is not spoken here: ask in HTTP/1.1",
            );
        }
        Self::bad("bad-request", format!("the request can't be read: {why}"), "look at that part of it (RFC 9112)")
    }
    /// A request that ends in its header: its sender closed its half.
    pub(super) fn cut_short() -> Self {
        Self::bad("bad-request", "the request ends within its header", "send all of it before you close your half")
    }
    /// A first line of `limit` bytes and more.
    pub(super) fn long_path(limit: usize) -> Self {
        let message = format!("the first line of the request has {} KiB or more", limit / 1024);
        Self::new(StatusCode::URI_TOO_LONG, "path-too-long", message, "ask for less in one call")
    }
    /// A request whose header fields take more than `limit` bytes.
    pub(super) fn large_header(limit: usize) -> Self {
        Self::header(format!("the header is larger than {} KiB", limit / 1024))
    }
    fn header(message: String) -> Self {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "header-too-large", message, "send what the call needs alone")
    }
    /// The whole answer as bytes, for a connection that is closed with it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.status,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
    /// As an answer.
    pub(super) fn reply(&self) -> Reply {
        let mut reply = json(serde_json::to_vec(&self.body).unwrap_or_default());
        *reply.status_mut() = self.status;
        if let Some(allow) = self.allow {
            set(&mut reply, ALLOW, allow);
        }
        reply
    }
}

/// What to do where the engine did not answer in time.
const TOO_LATE: &str = "a command may still be done: look at the status and the events before you give it again";

impl From<HandleError> for Refusal {
    fn from(error: HandleError) -> Self {
        let message = error.to_string();
        match error {
            HandleError::Rejected { status, code, message, next } => {
                Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &code, message, next)
            }
            HandleError::TimedOut(_) => Self::new(StatusCode::GATEWAY_TIMEOUT, "timed-out", message, TOO_LATE),
            HandleError::NoEngine { .. } | HandleError::NotPermitted { .. } | HandleError::Unreadable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-engine", message, "look at the engine's log")
            }
        }
    }
}

/// 200 with a JSON body.
pub(super) fn json(body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Payload::Whole(Some(body.into())));
    set(&mut reply, CONTENT_TYPE, "application/json");
    reply
}

/// Sets a header whose value is text without control characters; another is left out.
pub(super) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
