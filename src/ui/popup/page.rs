//! A page over the screen: everything that is known of one thing, in lines that scroll.

/// What a page is about. The selection says which one: a page follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The selected service or real server.
    Row,
    /// The selected instance.
    Router,
}

/// A page and how far it is scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// What it is about.
    pub about: About,
    /// Lines that are scrolled out above.
    pub scroll: usize,
}

impl Page {
    /// A page at its beginning.
    pub const fn of(about: About) -> Self {
        Self { about, scroll: 0 }
    }
}
