//! An event goes out as an HTTP POST: one connection each, over before its time limit, however slowly the other side answers.

use super::tls;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The longest head of an answer, bytes; its body is not read.
const HEAD: usize = 16 << 10;

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The URL can't be used.
    #[error("webhook.url: {0}")]
    Url(&'static str),
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(#[source] io::Error),
    /// TLS failed.
    #[error("{0}")]
    Tls(String),
    /// No HTTP came.
    #[error("{0}")]
    Http(#[source] hyper::Error),
    /// The answer says no.
    #[error("HTTP {}", .0.as_u16())]
    Refused(StatusCode),
    /// Nothing came in time.
    #[error("no answer in time")]
    Silent,
}

impl WebhookError {
    /// Whether another try would end the same way (RFC 9110 §15.5; 408 and 429 ask for another one).
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(status) => {
                status.is_client_error()
                    && ![StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(status)
            }
            Self::Url(_) => true,
            Self::Connection(_) | Self::Tls(_) | Self::Http(_) | Self::Silent => false,
        }
    }
}

/// Posts a JSON text, from the node of this name.
pub async fn post(
    url: &str,
    verify: Option<&Path>,
    limit: Duration,
    node: &str,
    json: String,
) -> Result<(), WebhookError> {
    timeout(limit, send(url, verify, node, json)).await.unwrap_or(Err(WebhookError::Silent))
}

async fn send(url: &str, verify: Option<&Path>, node: &str, json: String) -> Result<(), WebhookError> {
    let uri: Uri = url.parse().map_err(|_| WebhookError::Url("this is no URL"))?;
    let host = uri.host().ok_or(WebhookError::Url("it names no host"))?.trim_matches(['[', ']']).to_owned();
    let is_secret = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_secret { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(WebhookError::Connection)?;
    if !is_secret {
        return exchange(stream, &uri, node, json).await;
    }
    let config = tls::client(verify).map_err(|error| WebhookError::Tls(error.to_string()))?;
    let name = ServerName::try_from(host).map_err(|error| WebhookError::Tls(error.to_string()))?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = shaken.map_err(|error| match tls::reason(&error) {
        Some(why) => WebhookError::Tls(why),
        None => WebhookError::Connection(error),
    })?;
    exchange(stream, &uri, node, json).await
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    uri: &Uri,
    node: &str,
    json: String,
) -> Result<(), WebhookError> {
    let authority = uri.authority().ok_or(WebhookError::Url("it names no host"))?;
    let place = authority.as_str().rsplit('@').next().unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, place)
        .header(USER_AGENT, concat!("lvsdeck/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json");
    if let Ok(node) = HeaderValue::from_str(node) {
        request = request.header("X-Lvsdeck-Node", node);
    }
    let request = request.body(Full::new(Bytes::from(json))).map_err(|_| WebhookError::Url("this is no URL"))?;
    let builder = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = builder.map_err(WebhookError::Http)?;
    let mut asked = pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut asked => answer,
        _ended = connection => asked.await,
    };
    let status = answer.map_err(WebhookError::Http)?.status();
    if status.is_success() { Ok(()) } else { Err(WebhookError::Refused(status)) }
}
