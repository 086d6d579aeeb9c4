//! `HTTP_GET` and `SSL_GET`: every URL answers with the status, the body's digest and the text that are wanted.
//!
//! One connection a URL. Heads over 64 KiB and bodies over 8 MiB are cut off and fail, and so are interim answers (1xx) over 128 KiB
//! without an answer behind them; nothing is ever decompressed. A server that
//! answers byte by byte has no more time than one that does not answer at all.

mod pattern;
mod raw;
mod tls;

use super::{failed, origin, within};
use crate::engine::health::Verdict;
use crate::engine::io::tls::reason;
use crate::engine::model::{CheckSpec, HttpCheck, HttpVersion, UrlCheck};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, TRANSFER_ENCODING, USER_AGENT};
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use md5::{Digest, Md5};
use std::error::Error;
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite};

/// The longest head of an answer, bytes.
const HEAD: usize = 64 << 10;
/// The most lines of a head.
const LINES: usize = 4_096;
/// The longest body, bytes.
const BODY: usize = 8 << 20;

/// What checks call themselves: keepalived's name, because logs and filters of real servers know it.
const AGENT: &str = "KeepAliveClient";

/// Asks every URL, one after the other.
pub(super) async fn ask(check: &CheckSpec, http: &HttpCheck) -> Result<(), Verdict> {
    for url in &http.urls {
        let answered = within(check.timing.timeout, pin!(ask_one(check, http, url)), failed("timeout")).await;
        answered.map_err(|verdict| match verdict {
            Verdict::Failed(why) if http.urls.len() > 1 => Verdict::Failed(format!("{}: {why}", url.path)),
            other => other,
        })?;
    }
    Ok(())
}

async fn ask_one(check: &CheckSpec, http: &HttpCheck, url: &UrlCheck) -> Result<(), Verdict> {
    let stream = origin::connect(check).await?;
    match &http.tls {
        None => exchange(check, http, url, stream).await,
        Some(words) => exchange(check, http, url, tls::shake_hands(check, words, url, stream).await?).await,
    }
}

async fn exchange<S>(check: &CheckSpec, http: &HttpCheck, url: &UrlCheck, stream: S) -> Result<(), Verdict>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request =
        request(check, http, url).or_else(|error| failed(format!("{} can't be asked for: {error}", url.path)))?;
    let read = (url.digest.is_some() || url.pattern.is_some()).then(raw::Read::default);
    let answered = raw::Answered::default();
    let stream = TokioIo::new(raw::Kept::new(stream, read.clone(), answered.clone(), 2 * HEAD));
    // Lines of a head that are no HTTP say nothing of whether the server serves: browsers and keepalived pass over them.
    let connected = http1::Builder::new()
        .max_buf_size(HEAD)
        .max_headers(LINES)
        .ignore_invalid_headers_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .title_case_headers(true)
        .handshake(stream)
        .await;
    let (mut sender, connection) = connected.map_err(|error| Verdict::Failed(words(&error)))?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(|error| Verdict::Failed(words(&error)))?;
        answered.set();
        judge(url, answer, read.as_ref()).await
    };
    let (mut asked, mut connection) = (pin!(asked), pin!(connection));
    tokio::select! {
        verdict = &mut asked => return verdict,
        _ended = &mut connection => {}
    }
    // What came before the end is still to be judged; the error, if there was one, is in it.
    asked.await
}

fn request(check: &CheckSpec, http: &HttpCheck, url: &UrlCheck) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let plain = if http.tls.is_some() { 443 } else { 80 };
    let host = match (&url.host, check.target) {
        (Some(host), _) => host.clone(),
        (None, target) if target.port() != plain => target.to_string(),
        (None, target) if target.is_ipv6() => format!("[{}]", target.ip()),
        (None, target) => target.ip().to_string(),
    };
    let mut request = Request::get(&url.path).header(USER_AGENT, AGENT).header(HOST, host);
    request = match http.version {
        HttpVersion::V10 => request.version(Version::HTTP_10),
        HttpVersion::V10Close => request.version(Version::HTTP_10).header(CONNECTION, "close"),
        HttpVersion::V11 => request.header(CONNECTION, "close"),
    };
    request.body(Empty::new())
}

/// Status, then the body as it comes. Where a digest or a text is wanted, `read` is what came over the connection.
async fn judge<B>(url: &UrlCheck, answer: hyper::Response<B>, read: Option<&raw::Read>) -> Result<(), Verdict>
where
    B: Body<Data = Bytes, Error = hyper::Error>,
{
    let status = answer.status().as_u16();
    if !url.status.iter().any(|(first, last)| (*first..=*last).contains(&status)) {
        return failed(format!("HTTP {status} ({} is wanted)", ranges(&url.status)));
    }
    let is_chunked = answer.headers().contains_key(TRANSFER_ENCODING);
    let mut body = pin!(answer.into_body());
    let (mut digest, mut text, mut length) = (Md5::new(), Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Verdict::Failed(words(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length > BODY {
            return failed(format!("an answer of more than {} MiB", BODY >> 20));
        }
        if url.digest.is_some() && !is_chunked {
            digest.update(data);
        }
        if url.pattern.is_some() {
            text.extend_from_slice(data);
        }
    }
    if let Some(wanted) = url.digest {
        if let Some(read) = read.filter(|_| is_chunked) {
            digest.update(read.body());
        }
        let found: [u8; 16] = digest.finalize().into();
        if found != wanted {
            return failed(format!("digest {} ({} is wanted)", hex(found), hex(wanted)));
        }
    }
    let whole = read.map(raw::Read::whole).unwrap_or_default();
    url.pattern.as_ref().map_or(Ok(()), |wanted| pattern::judge(&[&text, &whole], wanted))
}

fn ranges(status: &[(u16, u16)]) -> String {
    let range = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    status.iter().map(range).collect::<Vec<_>>().join(" ")
}

fn hex(digest: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}

/// An error of the conversation as operators say it.
fn words(error: &hyper::Error) -> String {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(io) = found.downcast_ref::<std::io::Error>() {
            return reason(io).unwrap_or_else(|| origin::words(io));
        }
        cause = found.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "connection closed before the answer's end".to_owned()
    } else if error.is_parse_too_large() {
        format!("a head of more than {} KiB or {LINES} lines", HEAD >> 10)
    } else if error.is_parse() || error.is_parse_status() {
        // `invalid HTTP version parsed`.
        format!("an answer that is no HTTP: {}", error.to_string().trim_end_matches(" parsed"))
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests;
