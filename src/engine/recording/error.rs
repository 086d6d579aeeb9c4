//! Why a recording can't be read or written.

use super::VERSION;

/// Why a recording can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file can't be read.
    #[error("the recording can't be read: {0}")]
    Read(#[from] std::io::Error),
    /// The first line says something else.
    #[error("this is not a recording: its first line is not that of `lvsdeck ctl record`")]
    NotARecording,
    /// It was made by a newer program.
    #[error("the recording has format version {0}, this lvsdeck reads version {VERSION}: use the lvsdeck that made it")]
    Version(u32),
    /// It holds no status.
    #[error("the recording has no moment in it: it was cut off before the first status")]
    Empty,
    /// A status does not fit into JSON, or back.
    #[error("a status can't be converted: {0}")]
    Json(#[from] serde_json::Error),
}
