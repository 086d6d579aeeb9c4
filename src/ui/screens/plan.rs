//! Where everything stands at each size, on each screen.

use super::Screen;
use crate::ui::state::UiState;
use ratatui::layout::Rect;

/// How much fits.
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
    /// Everything between line 2 and the footer.
    pub body: Rect,
    /// How the selected row went.
    pub charts: Rect,
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
    /// Lines of a list that takes the whole screen, below its title and its column words.
    pub const fn list_rows(&self) -> usize {
        (match self.shape {
            Shape::Line | Shape::List => 0,
            Shape::Small => self.body.height.saturating_sub(2),
            Shape::Large => self.body.height.saturating_sub(3),
        }) as usize
    }
    /// Whether details of the selected row are on screen.
    pub const fn shows_detail(&self) -> bool {
        self.detail.height > 0
    }
}

/// Lines of the details, their title included.
const DETAIL: u16 = 7;

/// Plans the screen that is shown for the size of the terminal.
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
        body: none,
        charts: none,
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
    let is_small = width < 100 || height < 30;
    plan.shape = if is_small { Shape::Small } else { Shape::Large };
    plan.heads = if height >= 24 { 2 } else { 1 };
    let footer = if is_small { 2 } else { 3 };
    plan.problems = line(1, 1);
    plan.footer = line(height - footer, footer);
    plan.body = line(2, height - 2 - footer);
    match (state.screen, is_small) {
        (Screen::Overview, true) => small(&mut plan, state, instances),
        (Screen::Overview, false) => large(&mut plan, state, instances),
        (Screen::Services, _) => services(&mut plan, state),
        (Screen::Counters, _) => counters(&mut plan),
        (Screen::Vrrp | Screen::Timeline | Screen::Log, _) => {}
    }
    plan
}

/// The table alone; details where they are wanted, or where there is room for them beside a table worth the name.
fn services(plan: &mut Plan, state: &UiState) {
    plan.services = plan.body;
    if plan.shape == Shape::Large {
        plan.detail = Rect { y: plan.body.bottom() - 1 - DETAIL, height: DETAIL, ..plan.body };
        return;
    }
    let rows = state.page().map_or(usize::MAX, |page| page.total);
    let free = usize::from(plan.body.height).saturating_sub(rows.saturating_add(usize::from(1 + plan.heads)));
    if state.detail_open || free > usize::from(DETAIL) {
        let below = (DETAIL + 1).min(plan.body.height.saturating_sub(6));
        plan.services.height -= below;
        plan.detail = Rect { y: plan.body.bottom() - below, height: below, ..plan.body };
    }
}

/// The table, and charts below it.
fn counters(plan: &mut Plan) {
    let below = match plan.shape {
        Shape::Large => (plan.body.height / 2).clamp(12, 17),
        Shape::Line | Shape::List | Shape::Small => (plan.body.height / 3).min(6),
    };
    plan.services = Rect { height: plan.body.height - below, ..plan.body };
    plan.charts = Rect { y: plan.body.bottom() - below, height: below, ..plan.body };
}

fn small(plan: &mut Plan, state: &UiState, instances: u16) {
    let (width, height) = state.size;
    let below = if state.detail_open {
        (DETAIL + 1).min(height.saturating_sub(10))
    } else if height >= 20 {
        (height / 6).min(8)
    } else {
        0
    };
    let most = if height >= 20 { 2 } else { 1 };
    let free = free(state, height - 4 - most - below - 1 - plan.heads);
    // A line for each; where there are more than lines, several in one.
    let most = most + free;
    let routers = if instances <= most { instances.max(1) } else { most.min(instances.div_ceil(3)) };
    plan.routers = Rect::new(0, 2, width, routers);
    let area = Rect::new(0, height - 2 - below, width, below);
    if state.detail_open {
        plan.detail = area;
    } else {
        plan.changes = area;
    }
    plan.services = Rect::new(0, 2 + routers, width, height - 4 - routers - below);
}

/// Lines that the table leaves empty with every service unfolded and nothing filtered, so that nothing moves when that changes.
fn free(state: &UiState, lines: u16) -> u16 {
    let rows = state.summary().map_or(0, |summary| summary.services_degraded.1 + summary.totals.real_servers);
    lines.saturating_sub(u16::try_from(rows).unwrap_or(u16::MAX))
}

fn large(plan: &mut Plan, state: &UiState, instances: u16) {
    let (width, end, height) = (plan.body.width, plan.body.bottom(), state.size.1);
    // As high as the instances need, where the table leaves room; on a high screen more, for the changes beside them.
    let most = (height / 8).max(1);
    let free = free(state, end.saturating_sub(2 + (5 + most).max(height / 5) + 2 + plan.heads + DETAIL));
    let panel = (5 + instances.clamp(1, most + free)).max(height / 5);
    let changes = (width / 3).clamp(38, 70);
    plan.routers = Rect::new(0, 2, width - changes, panel);
    plan.changes = Rect::new(width - changes, 2, changes, panel);
    plan.services = Rect::new(0, 2 + panel, width, end - 2 - panel);
    plan.detail = Rect::new(0, end - 1 - DETAIL, width, DETAIL);
}
