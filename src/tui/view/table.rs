//! The one table of all lists: columns with widths and importance, headings in the pane's rule.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece};
use crate::tui::theme::Tone;

/// Where a cell's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Align {
    Left,
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Over it; may be empty.
    pub heading: &'static str,
    /// Columns of the terminal it needs.
    pub width: u16,
    /// Share of the room that is left over; 0: none.
    pub grow: u16,
    /// Most it grows to.
    pub most: u16,
    /// Numbers stand right.
    pub align: Align,
    /// Where there is no room for all, the highest number goes first.
    pub rank: u8,
}

impl Column {
    /// A column of a fixed width.
    pub const fn fixed(heading: &'static str, width: u16, align: Align, rank: u8) -> Self {
        Self { heading, width, grow: 0, most: width, align, rank }
    }

    /// A column that takes what is left, up to `most`.
    pub const fn growing(heading: &'static str, width: u16, most: u16, rank: u8) -> Self {
        Self { heading, width, grow: 1, most, align: Align::Left, rank }
    }
}

/// Places of the columns in an area: x and width, `None` for those without room. The first column of the area is the
/// marker's.
pub fn places(columns: &[Column], area: Rect) -> Vec<Option<(u16, u16)>> {
    let room = area.width.saturating_sub(1);
    let mut shown: Vec<bool> = vec![true; columns.len()];
    let need = |shown: &[bool]| {
        let widths = columns.iter().zip(shown).filter(|(_, s)| **s).map(|(c, _)| c.width + 1);
        widths.sum::<u16>().saturating_sub(1)
    };
    while need(&shown) > room {
        let least = (0..columns.len()).filter(|i| shown[*i]).max_by_key(|i| columns[*i].rank);
        match least {
            Some(least) if shown.iter().filter(|s| **s).count() > 1 => shown[least] = false,
            _ => break,
        }
    }
    let mut widths: Vec<u16> = columns.iter().map(|c| c.width).collect();
    let mut left = room.saturating_sub(need(&shown));
    // What is left over goes round by one, so that growing columns grow evenly up to their most.
    while left > 0 {
        let before = left;
        for (i, column) in columns.iter().enumerate() {
            if left > 0 && shown[i] && column.grow > 0 && widths[i] < column.most {
                widths[i] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    let mut x = area.x + 1.min(area.width);
    columns
        .iter()
        .enumerate()
        .map(|(i, _)| {
            if !shown[i] {
                return None;
            }
            let width = widths[i].min(area.right().saturating_sub(x));
            let place = (x, width);
            x = (x + widths[i] + 1).min(area.right());
            Some(place)
        })
        .collect()
}

/// The headings in the rule at `y`, where the title (it ends before `free`) leaves room.
pub fn headings(canvas: &mut Canvas<'_>, columns: &[Column], places: &[Option<(u16, u16)>], y: u16, free: u16) {
    for (column, place) in columns.iter().zip(places) {
        let Some((x, width)) = *place else { continue };
        let text = column.heading;
        let len = text.chars().count() as u16;
        if text.is_empty() || len > width {
            continue;
        }
        let start = if column.align == Align::Right { x + width - len } else { x };
        // A blank on both sides, inside the column's own gap.
        if start <= free {
            continue;
        }
        canvas.text(start.saturating_sub(1), y, 1, Tone::Plain, " ");
        canvas.text(start, y, len, Tone::Dim, text);
        if start + len < canvas.area().right() {
            canvas.text(start + len, y, 1, Tone::Plain, " ");
        }
    }
}

/// A cell.
pub fn cell(canvas: &mut Canvas<'_>, column: &Column, place: Option<(u16, u16)>, y: u16, piece: &Piece) {
    let Some((x, width)) = place else { return };
    match column.align {
        Align::Left => {
            canvas.text(x, y, width, piece.0, &piece.1);
        }
        Align::Right => canvas.text_right(x, y, width, piece.0, &piece.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::fixed("A", 10, Align::Left, 0),
        Column::growing("B", 8, 30, 1),
        Column::fixed("C", 6, Align::Right, 3),
        Column::fixed("D", 6, Align::Right, 2),
    ];

    #[test]
    fn the_least_important_column_goes_first_and_nothing_leaves_the_area() {
        for width in 0..120 {
            let places = places(COLUMNS, Rect::new(5, 0, width, 1));
            let mut end = 5;
            for (x, w) in places.iter().flatten() {
                assert!(*x >= end && x + w <= 5 + width, "{width}: {places:?}");
                end = x + w;
            }
        }
        let kept = |width| places(COLUMNS, Rect::new(0, 0, width, 1)).iter().map(Option::is_some).collect::<Vec<_>>();
        assert_eq!(kept(40), [true, true, true, true]);
        assert_eq!(kept(33), [true, true, false, true]);
        assert_eq!(kept(25), [true, true, false, false]);
        assert_eq!(kept(12), [true, false, false, false]);
    }

    #[test]
    fn what_is_left_over_goes_to_the_growing_columns() {
        assert_eq!(places(COLUMNS, Rect::new(0, 0, 44, 1))[1], Some((12, 18)));
        assert_eq!(places(COLUMNS, Rect::new(0, 0, 100, 1))[1], Some((12, 30)));
    }
}
