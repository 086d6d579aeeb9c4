//! A connection that keeps what it read: keepalived and its genhash make the digest of a chunked answer over the chunks as
//! they came, sizes and all, and look for the `regex` in the head as well.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was read so far.
#[derive(Clone, Default)]
pub(super) struct Read(Arc<Mutex<Vec<u8>>>);

impl Read {
    /// All of it, the head first.
    pub fn whole(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// What came behind the head of the answer.
    pub fn body(&self) -> Vec<u8> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        bytes.get(end..).unwrap_or_default().to_vec()
    }
}

/// The connection; keeps nothing where nobody asks for it.
pub(super) struct Kept<S> {
    stream: S,
    read: Option<Read>,
}

impl<S> Kept<S> {
    pub const fn new(stream: S, read: Option<Read>) -> Self {
        Self { stream, read }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Kept<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut own.stream).poll_read(context, buffer))?;
        if let (Some(read), Some(new)) = (&own.read, buffer.filled().get(before..)) {
            read.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Kept<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
