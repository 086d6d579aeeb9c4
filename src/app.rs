//! The composition root: which engine, which front, in which order they stop.
