//! Where everything is, by the terminal's size alone: the same answer for whoever draws and whoever scrolls.

use ratatui::layout::Rect;

use super::state::Pane;

/// What fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A sentence.
    Tiny,
    /// The pane in focus.
    Single,
    /// Three panes, one above the other.
    Stacked,
    /// Tenants on the left, the others on the right.
    Wide,
}

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// What fits.
    pub shape: Shape,
    /// The first line.
    pub title: Rect,
    /// Between title and status.
    pub body: Rect,
    /// What was told last; over the footer's line where there is no room for both.
    pub status: Rect,
    /// The keys.
    pub footer: Rect,
}

/// The parts of a screen of that size.
pub fn areas((width, height): (u16, u16)) -> Areas {
    let shape = match (width, height) {
        (..30, _) | (_, ..7) => Shape::Tiny,
        (..64, _) | (_, ..16) => Shape::Single,
        (150.., 24..) => Shape::Wide,
        _ => Shape::Stacked,
    };
    if shape == Shape::Tiny {
        let all = Rect::new(0, 0, width, height);
        return Areas { shape, title: Rect::ZERO, body: all, status: Rect::ZERO, footer: Rect::ZERO };
    }
    let line = |y| Rect::new(0, y, width, 1);
    let own_status = height >= 22;
    let bottom = height - 1 - u16::from(own_status);
    Areas {
        shape,
        title: line(0),
        body: Rect::new(0, 1, width, bottom - 1),
        status: line(bottom),
        footer: line(height - 1),
    }
}

/// Where a pane is, its rule included; `None` when it is not shown.
pub fn pane(areas: &Areas, pane: Pane, focus: Pane) -> Option<Rect> {
    let Rect { x, y, width, height } = areas.body;
    match areas.shape {
        Shape::Tiny => None,
        Shape::Single => (pane == focus).then_some(areas.body),
        Shape::Stacked => {
            // A rule each; of the rows tenants get a bit less, jobs a bit more (one at work takes two).
            let tenants = (height / 7 * 2 + height % 7 * 2 / 7).max(4);
            let backups = (height / 7 * 2 + height % 7 * 2 / 7).max(4);
            Some(match pane {
                Pane::Tenants => Rect::new(x, y, width, tenants),
                Pane::Backups => Rect::new(x, y + tenants, width, backups),
                Pane::Jobs => Rect::new(x, y + tenants + backups, width, height - tenants - backups),
            })
        }
        Shape::Wide => {
            let left = (width / 20 * 9).clamp(60, 96);
            let right = width - left - 2;
            let upper = height / 2 + height / 20;
            Some(match pane {
                Pane::Tenants => Rect::new(x, y, left, height),
                Pane::Backups => Rect::new(x + left + 2, y, right, upper),
                Pane::Jobs => Rect::new(x + left + 2, y + upper, right, height - upper),
            })
        }
    }
}

/// Rows of a pane's list.
pub fn room(area: Rect) -> u16 {
    area.height.saturating_sub(1)
}

/// A box in the middle of the body for a dialog that wants so much, as much as there is.
pub fn dialog(areas: &Areas, width: u16, height: u16) -> Rect {
    let body = areas.body;
    let width = width.min(body.width);
    let height = height.min(body.height);
    Rect::new(body.x + (body.width - width) / 2, body.y + (body.height - height) / 2, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_are_inside_and_do_not_overlap_at_any_size() {
        for width in (0..=210).step_by(3).chain([30, 63, 64, 79, 80, 119, 120, u16::MAX]) {
            for height in (0..=60).chain([u16::MAX / 20]) {
                let areas = areas((width, height));
                let screen = Rect::new(0, 0, width, height);
                let panes: Vec<Rect> = [Pane::Tenants, Pane::Backups, Pane::Jobs]
                    .into_iter()
                    .filter_map(|p| pane(&areas, p, Pane::Tenants))
                    .collect();
                for (i, a) in panes.iter().enumerate() {
                    assert_eq!(a.intersection(areas.body), *a, "{width}x{height}");
                    assert!(a.height >= 3, "{width}x{height}: a pane without rows");
                    assert!(panes[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}x{height}");
                }
                for part in [areas.title, areas.status, areas.footer, areas.body, dialog(&areas, 70, 12)] {
                    assert_eq!(part.intersection(screen), part, "{width}x{height}");
                }
                assert!(areas.title.intersection(areas.body).is_empty());
                assert!(areas.footer.intersection(areas.body).is_empty());
            }
        }
    }
}
