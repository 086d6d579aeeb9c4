//! A server over real sockets, and a client of few words.

use super::FakeEngine;
use lvsdeck::api::{Bound, bind, read_only_path, serve};
use lvsdeck::engine::Status;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A server in a thread of its own.
pub struct Running {
    _dir: TempDir,
    pub socket: PathBuf,
    pub engine: Arc<FakeEngine>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn new(status: Status) -> Self {
        Self::with(status, |_| {})
    }
    /// The same after `prepare` had its way with the sockets.
    pub fn with(status: Status, prepare: impl FnOnce(&mut Bound)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap(); // other users come in tests
        let socket = dir.path().join("run/lvsdeck.sock");
        let (engine, mut bound) = (FakeEngine::new(status), bind(&socket).unwrap());
        prepare(&mut bound);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&engine);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(&bound, served, async { drop(stopped.await) })).unwrap();
        });
        Self { _dir: dir, socket, engine, stop: Some(stop), thread: Some(thread) }
    }
    pub fn read_only(&self) -> PathBuf {
        read_only_path(&self.socket)
    }
    pub fn stop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
    pub fn get(&self, path: &str) -> Reply {
        exchange(&self.socket, &format!("GET {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"))
    }
    pub fn post(&self, body: &str) -> Reply {
        post_to(&self.socket, body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.into() }
    }
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
    /// Status and code of a refusal, which has a message and a next step.
    pub fn refusal(&self) -> (u16, String) {
        let json = self.json();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["code", "message", "next"]);
        assert!(keys.iter().all(|key| json[key].as_str().is_some_and(|text| !text.is_empty())), "{json}");
        (self.status, json["code"].as_str().unwrap().to_owned())
    }
}

pub fn exchange(socket: &Path, request: &str) -> Reply {
    let mut stream = UnixStream::connect(socket).unwrap();
    let _ = stream.write_all(request.as_bytes()); // the server may have answered and closed already
    Reply::parse(&read_all(stream))
}

pub fn read_all(mut stream: UnixStream) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        text.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8(text).unwrap()
}

pub fn post_to(socket: &Path, body: &str) -> Reply {
    let head = format!("POST /v1/commands HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: {}", body.len());
    exchange(socket, &format!("{head}\r\n\r\n{body}"))
}
