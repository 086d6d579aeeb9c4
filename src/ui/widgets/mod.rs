//! What is on the screen, each a function of state, theme and an area of the buffer.

pub mod changes;
pub mod chart;
pub mod charts;
pub mod columns;
pub mod connections;
pub mod detail;
pub mod engine_log;
pub mod footer;
pub mod frame;
pub mod guide;
pub mod header;
pub mod help;
pub mod host;
pub mod instance;
pub mod instances;
pub mod moments;
pub mod page;
pub mod palette;
pub mod pen;
pub mod popups;
pub mod preview;
pub mod problems;
pub mod routers;
pub mod services;
pub mod undo;
