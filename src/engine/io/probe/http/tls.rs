//! TLS of `SSL_GET`. Any certificate will do, as in keepalived, unless `tls_verify` asks for a valid one; what is wrong with it
//! then has a name. An end of the connection without TLS's own is an end, as in keepalived: whether the answer is whole by then, HTTP
//! says.

use super::super::origin;
use crate::engine::health::{Hindrance, Verdict};
use crate::engine::io::tls::{TlsError, client, reason};
use crate::engine::model::{CheckSpec, Tls, UrlCheck};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// Speaks TLS over a connection.
pub(super) async fn shake_hands(
    check: &CheckSpec,
    words: &Tls,
    url: &UrlCheck,
    stream: TcpStream,
) -> Result<Talk, Verdict> {
    let config = config(words)?;
    let name = words.sni_name.as_deref().or(url.host.as_deref());
    let name = name.and_then(|name| ServerName::try_from(name.split(':').next().unwrap_or(name).to_owned()).ok());
    let name = name.unwrap_or_else(|| ServerName::from(check.target.ip()));
    let talk = TlsConnector::from(config).connect(name, stream).await.map_err(|error| match reason(&error) {
        Some(why) => Verdict::Failed(why),
        None => origin::judge(check, &error),
    })?;
    Ok(Talk(talk))
}

/// A connection over TLS that takes every end of the other side for one (RFC 8446 §6.1 asks for `close_notify`; many servers leave it
/// out).
pub(super) struct Talk(TlsStream<TcpStream>);

impl AsyncRead for Talk {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(context, into) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            other => other,
        }
    }
}

impl AsyncWrite for Talk {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Kept configurations: by whether the name is told, and the file of certificates with its age.
type Kept = HashMap<(bool, Option<(PathBuf, Option<SystemTime>)>), Arc<ClientConfig>>;

fn config(words: &Tls) -> Result<Arc<ClientConfig>, Verdict> {
    static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    let key = (words.sni, words.verify.as_ref().map(|path| (path.clone(), changed(path))));
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(&key) {
        return Ok(Arc::clone(known));
    }
    let config = Arc::new(build(words)?);
    kept.retain(|(_, verify), _| verify.as_ref().map(|v| &v.0) != words.verify.as_ref() || verify.is_none());
    kept.insert(key, Arc::clone(&config));
    Ok(config)
}

fn build(words: &Tls) -> Result<ClientConfig, Verdict> {
    let mut config = client(words.verify.as_deref()).map_err(|error| {
        let next = match error {
            TlsError::Library(_) => "report the engine's log",
            TlsError::Certificates(_) => {
                "give checks.tls_verify of lvsdeck.toml a file of certificates that the engine can read"
            }
        };
        Verdict::Unable(Hindrance { reason: error.to_string(), next })
    })?;
    config.enable_sni = words.sni;
    Ok(config)
}
