//! Cursors and scrolling: after every message each list's cursor is on its item and on the screen.

use crate::tui::keys::Action;
use crate::tui::layout::{self, Shape};
use crate::tui::message::Effect;
use crate::tui::state::layer::{Layer, PAGE, Rows, table_name};
use crate::tui::state::{Pane, Phase};
use crate::tui::view;

use super::Update;

/// The line that a move leads to.
fn target(action: Action, index: usize, len: usize, page: usize) -> usize {
    let last = len.saturating_sub(1);
    let page = page.max(1);
    match action {
        Action::Up => index.saturating_sub(1),
        Action::Down => (index + 1).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        Action::HalfPageUp => index.saturating_sub(page.div_ceil(2)),
        Action::HalfPageDown => (index + page.div_ceil(2)).min(last),
        Action::PageUp => index.saturating_sub(page),
        Action::PageDown => (index + page).min(last),
        _ => index,
    }
}

impl Update<'_> {
    fn pane_room(&self, pane: Pane) -> u16 {
        let areas = layout::areas(self.state.size);
        layout::pane(&areas, pane, self.state.focus).map_or(1, layout::room)
    }

    fn tenant_keys(&self) -> Vec<String> {
        self.state.shown_tenants().iter().map(|t| t.name.clone()).collect()
    }

    fn backup_keys(&self) -> Vec<(String, String)> {
        self.state.shown_backups().iter().map(|b| (b.backup.store.clone(), b.backup.file.clone())).collect()
    }

    pub(super) fn settle_tenants(&mut self) {
        let keys = self.tenant_keys();
        self.state.tenants.cursor.settle(&keys, false);
        let room = self.pane_room(Pane::Tenants);
        self.state.tenants.cursor.show(keys.len(), room, |_| 1);
    }

    pub(super) fn settle(&mut self) {
        self.settle_tenants();
        let keys = self.backup_keys();
        self.state.backups.cursor.settle(&keys, self.state.backups.filter.is_empty());
        let room = self.pane_room(Pane::Backups);
        self.state.backups.cursor.show(keys.len(), room, |_| 1);

        let (keys, heights): (Vec<_>, Vec<_>) = self.state.shown_jobs().iter().map(|j| (j.info.id, j.lines())).unzip();
        self.state.jobs.cursor.settle(&keys, self.state.jobs.filter.is_empty());
        let room = self.pane_room(Pane::Jobs);
        self.state.jobs.cursor.show(keys.len(), room, |n| heights.get(n).copied().unwrap_or(1));
        self.settle_layers();
    }

    fn settle_layers(&mut self) {
        let areas = layout::areas(self.state.size);
        if areas.shape == Shape::Tiny {
            return;
        }
        for at in 0..self.state.layers.len() {
            let lines = view::text_lines(self.state, at, self.now);
            let room = usize::from(view::text_room(&areas));
            match self.state.layers.get_mut(at) {
                Some(Layer::Details(view)) => {
                    let keys: Vec<_> = view.shown().into_iter().map(table_name).collect();
                    view.cursor.settle(&keys, false);
                    let room = view::table_room(&areas, view);
                    view.cursor.show(keys.len(), room, |_| 1);
                }
                Some(Layer::Rows(view)) => {
                    let room = u64::from(view::rows_room(&areas).max(1));
                    view.top = view.top.clamp(view.row.saturating_sub(room - 1), view.row);
                    view.top = view.top.min(view.known().saturating_sub(room));
                }
                Some(
                    Layer::Job(crate::tui::state::layer::JobView { scroll, .. })
                    | Layer::Record(crate::tui::state::layer::Record { scroll, .. })
                    | Layer::Messages { scroll }
                    | Layer::Help { scroll },
                ) => *scroll = (*scroll).min(lines.saturating_sub(room)),
                Some(Layer::Planned(view)) => view.scroll = view.scroll.min(lines.saturating_sub(room)),
                Some(Layer::Restore(dialog)) => {
                    dialog.settle();
                    let keys = dialog.pick_keys();
                    let room = view::pick_room(&areas);
                    if let Some(cursor) = dialog.pick_cursor() {
                        cursor.settle(&keys, false);
                        cursor.show(keys.len(), room, |_| 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// A key that moves, in whatever list is in focus.
    pub(super) fn go(&mut self, action: Action) {
        let areas = layout::areas(self.state.size);
        let text_room = usize::from(view::text_room(&areas));
        match self.state.layers.last_mut() {
            None => self.go_in_pane(action),
            Some(Layer::Details(view)) => {
                let keys: Vec<_> = view.shown().into_iter().map(table_name).collect();
                let page = usize::from(view::table_room(&areas, view));
                view.cursor.go(target(action, view.cursor.index(), keys.len(), page), &keys);
            }
            Some(Layer::Rows(_)) => self.go_in_rows(action),
            Some(Layer::Record(view)) => view.scroll = target(action, view.scroll, usize::MAX, text_room),
            Some(Layer::Job(view)) => view.scroll = target(action, view.scroll, usize::MAX, text_room),
            Some(Layer::Messages { scroll } | Layer::Help { scroll }) => {
                *scroll = target(action, *scroll, usize::MAX, text_room);
            }
            Some(Layer::Planned(view)) => view.scroll = target(action, view.scroll, usize::MAX, text_room),
            Some(Layer::Restore(dialog)) => {
                let keys = dialog.pick_keys();
                let page = usize::from(view::pick_room(&areas));
                if let Some(cursor) = dialog.pick_cursor() {
                    cursor.go(target(action, cursor.index(), keys.len(), page), &keys);
                }
            }
            Some(_) => {}
        }
    }

    fn go_in_pane(&mut self, action: Action) {
        let page = usize::from(self.pane_room(self.state.focus));
        match self.state.focus {
            Pane::Tenants => {
                let keys = self.tenant_keys();
                let cursor = &mut self.state.tenants.cursor;
                cursor.go(target(action, cursor.index(), keys.len(), page), &keys);
            }
            Pane::Backups => {
                let keys = self.backup_keys();
                let cursor = &mut self.state.backups.cursor;
                cursor.go(target(action, cursor.index(), keys.len(), page), &keys);
            }
            Pane::Jobs => {
                let keys: Vec<_> = self.state.shown_jobs().iter().map(|j| j.info.id).collect();
                let cursor = &mut self.state.jobs.cursor;
                cursor.go(target(action, cursor.index(), keys.len(), page), &keys);
            }
        }
    }

    fn go_in_rows(&mut self, action: Action) {
        let areas = layout::areas(self.state.size);
        let page = usize::from(view::rows_room(&areas));
        let ticket = self.state.ticket();
        let Some(Layer::Rows(view)) = self.state.layers.last_mut() else { return };
        match action {
            Action::Left => view.column = view.column.saturating_sub(1),
            Action::Right => {
                let columns = view.page.as_ref().map_or(0, |p| p.columns.len());
                view.column = (view.column + 1).min(columns.saturating_sub(1));
            }
            _ => {
                let known = usize::try_from(view.known()).unwrap_or(usize::MAX);
                let row = target(action, usize::try_from(view.row).unwrap_or(usize::MAX), known, page) as u64;
                view.row = row;
                if view.holds(row) || known == 0 {
                    return;
                }
                // The page begins where the row stands a little inside it, so that going back and forth over its
                // edge does not read twice.
                let offset = row.saturating_sub(if action == Action::Bottom { PAGE - 1 } else { PAGE / 4 });
                self.effects.push(load_rows(view, ticket, offset));
            }
        }
    }
}

/// Asks for rows from there on.
pub(super) fn load_rows(view: &mut Rows, ticket: crate::tui::message::Ticket, offset: u64) -> Effect {
    view.ticket = ticket;
    view.phase = Phase::Loading;
    Effect::LoadRows {
        ticket,
        source: view.source.clone(),
        table: table_name(&view.table),
        offset,
        limit: PAGE as usize,
    }
}
