//! The overview: everything at once, and rows before columns when the screen is small.
//!
//! ```text
//! 100x30 and more            60x15 and more          less            below 40x5
//! line 1 role                line 1 role             line 1 role     line 1 role
//! line 2 problems            line 2 problems         problems,
//! ┌ VRRP ──┐┌ Changes ┐      VRRP, a line each       a line each
//! └────────┘└─────────┘      -- Services --
//! ┌ Services ─────────┐      table                   message
//! │ table             │      -- Changes or details
//! ├ details ──────────┤
//! └───────────────────┘      message
//! message, keys              keys
//! ```

use crate::ui::format;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::widgets::{changes, detail, footer, header, pen::Pen, routers, services};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// How much of the overview fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Line 1.
    Line,
    /// Line 1 and the problems.
    List,
    /// Everything in lines.
    Small,
    /// Everything in boxes.
    Large,
}

/// Where everything stands. Empty areas are not drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Which layout.
    pub shape: Shape,
    /// Line 1.
    pub header: Rect,
    /// Line 2, or the list of problems.
    pub problems: Rect,
    /// VRRP.
    pub routers: Rect,
    /// Changes of the last minute.
    pub changes: Rect,
    /// The table with its title and column words.
    pub services: Rect,
    /// Details of the selected row.
    pub detail: Rect,
    /// Message and keys.
    pub footer: Rect,
    /// Lines of column words.
    pub heads: u16,
}

impl Plan {
    /// Rows of the table that are on screen.
    pub fn rows(&self) -> usize {
        usize::from(match self.shape {
            Shape::Line | Shape::List => 0,
            Shape::Small => self.services.height.saturating_sub(1 + self.heads),
            Shape::Large => self.services.height.saturating_sub(2 + self.heads + self.detail.height),
        })
    }
    /// Whether details of the selected row are on screen.
    pub const fn shows_detail(&self) -> bool {
        self.detail.height > 0
    }
}

/// Lines of the details, their title included.
const DETAIL: u16 = 7;

/// Plans the overview for the size of the terminal.
pub fn plan(state: &UiState) -> Plan {
    let (width, height) = state.size;
    let whole = Rect::new(0, 0, width, height);
    let instances = u16::try_from(state.routers().len()).unwrap_or(u16::MAX);
    let none = Rect::default();
    let line = |y: u16, lines: u16| Rect::new(0, y, width, lines).intersection(whole);
    let mut plan = Plan {
        shape: Shape::Line,
        header: line(0, 1),
        problems: none,
        routers: none,
        changes: none,
        services: none,
        detail: none,
        footer: none,
        heads: 0,
    };
    if width < 40 || height < 5 {
        return plan;
    }
    if width < 60 || height < 15 {
        plan.shape = Shape::List;
        plan.problems = line(1, height - 2);
        plan.footer = line(height - 1, 1);
        return plan;
    }
    plan.problems = line(1, 1);
    plan.footer = line(height - 2, 2);
    if width < 100 || height < 30 {
        small(&mut plan, state, instances);
    } else {
        large(&mut plan, width, height, instances);
    }
    plan
}

fn small(plan: &mut Plan, state: &UiState, instances: u16) {
    let (width, height) = state.size;
    plan.shape = Shape::Small;
    plan.heads = if height >= 24 { 2 } else { 1 };
    let routers = if height >= 20 { instances.clamp(1, 2) } else { 1 };
    plan.routers = Rect::new(0, 2, width, routers);
    let below = if state.detail_open {
        (DETAIL + 1).min(height.saturating_sub(10))
    } else if height >= 20 {
        (height / 6).min(8)
    } else {
        0
    };
    let area = Rect::new(0, height - 2 - below, width, below);
    if state.detail_open {
        plan.detail = area;
    } else {
        plan.changes = area;
    }
    plan.services = Rect::new(0, 2 + routers, width, height - 4 - routers - below);
}

fn large(plan: &mut Plan, width: u16, height: u16, instances: u16) {
    plan.shape = Shape::Large;
    plan.heads = 2;
    let panel = 5 + instances.clamp(1, (height / 8).max(1));
    let changes = (width / 3).clamp(38, 70);
    plan.routers = Rect::new(0, 2, width - changes, panel);
    plan.changes = Rect::new(width - changes, 2, changes, panel);
    plan.services = Rect::new(0, 2 + panel, width, height - 4 - panel);
    plan.detail = Rect::new(0, height - 3 - DETAIL, width, DETAIL);
}

/// Draws the overview.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState) {
    let plan = plan(state);
    header::line_one(buffer, theme, plan.header, state);
    match plan.shape {
        Shape::Line => {}
        Shape::List => problem_list(buffer, theme, plan.problems, state),
        Shape::Small | Shape::Large => {
            header::line_two(buffer, theme, plan.problems, state);
            routers::draw(buffer, theme, plan, state);
            services::draw(buffer, theme, plan, state);
            changes::draw(buffer, theme, plan, state);
            detail::draw(buffer, theme, plan, state);
        }
    }
    if state.lost.is_some() {
        // The last picture stays, greyed; line 1 greys the role itself and says since when.
        let below = Rect::new(0, 1, state.size.0, state.size.1.saturating_sub(3)).intersection(buffer.area);
        buffer.set_style(below, theme.style(Paint::Stale));
    }
    footer::draw(buffer, theme, plan.footer, state);
}

/// Line 2 and on where there is no room for tables: a line a problem, then a line an instance.
fn problem_list(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let Some(summary) = state.summary() else { return };
    let now = state.engine_now().unwrap_or(summary.now);
    let mut line = 0;
    if summary.problem_count == 0 {
        Pen::at(buffer, theme, area, 0).skip(1).put(Paint::Up, "no problems");
        line += 1;
    }
    for problem in &summary.problems {
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.skip(1).put(Paint::Bad, "! ").put(Paint::Down, &header::problem_text(problem, now));
        line += 1;
    }
    for router in state.routers() {
        let mut pen = Pen::at(buffer, theme, area, line);
        let (word, paint) = (router.state.name(), routers::state_paint(router.state));
        pen.skip(1).put(Paint::Text, &router.name).skip(1).put(paint, word);
        pen.skip(1).put(
            Paint::Dim,
            &format!("{} {}", router.effective_priority, format::age(format::since(now, router.since))),
        );
        line += 1;
    }
    if line < usize::from(area.height) {
        let (degraded, services) = summary.services_degraded;
        let rest = format!("{services} services, {degraded} degraded; a larger screen shows the table");
        Pen::at(buffer, theme, area, line).skip(1).put(Paint::Dim, &rest);
    }
}
