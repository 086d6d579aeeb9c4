//! Screens: where each widget stands at each size.

pub mod overview;
