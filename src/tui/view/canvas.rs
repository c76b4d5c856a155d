//! Drawing: everything that reaches the buffer goes through here, cleaned and cut to its width.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::state::job::Completion;
use crate::tui::text;
use crate::tui::theme::{Glyph, Theme, Tone};

/// A piece of a line and how it is meant.
pub type Piece = (Tone, String);
/// A line of text.
pub type Line = Vec<Piece>;

/// A piece.
pub fn piece(tone: Tone, text: impl Into<String>) -> Piece {
    (tone, text.into())
}

/// The buffer of a frame and the theme that it is drawn in.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    /// What the terminal can show.
    pub theme: Theme,
}

impl<'a> Canvas<'a> {
    /// On that buffer.
    pub fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Self { buffer, theme }
    }

    /// The whole screen.
    pub fn area(&self) -> Rect {
        *self.buffer.area()
    }

    /// Text in at most `max` columns; the column after it.
    pub fn text(&mut self, x: u16, y: u16, max: u16, tone: Tone, content: &str) -> u16 {
        let shown = text::fit(content, usize::from(max), self.theme.unicode);
        self.put(x, y, max, tone, &shown)
    }

    fn put(&mut self, x: u16, y: u16, max: u16, tone: Tone, shown: &str) -> u16 {
        let area = *self.buffer.area();
        if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
            return x;
        }
        // Nothing of what was there before shines through.
        let style = Style::reset().patch(self.theme.style(tone));
        self.buffer.set_stringn(x, y, shown, usize::from(max), style).0
    }

    /// Text at the right end of a field.
    pub fn text_right(&mut self, x: u16, y: u16, field: u16, tone: Tone, content: &str) {
        let shown = text::fit(content, usize::from(field), self.theme.unicode);
        let width = text::width(&shown) as u16;
        self.put(x + field.saturating_sub(width), y, width, tone, &shown);
    }

    /// A file's name: cut in the middle when it is too long.
    pub fn file_name(&mut self, x: u16, y: u16, max: u16, tone: Tone, name: &str) {
        let shown = text::fit_middle(name, usize::from(max), self.theme.unicode);
        self.put(x, y, max, tone, &shown);
    }

    /// Pieces one after the other; the column after them.
    pub fn line(&mut self, x: u16, y: u16, max: u16, pieces: &[Piece]) -> u16 {
        let end = x.saturating_add(max);
        let mut at = x;
        for (tone, content) in pieces {
            if at >= end {
                break;
            }
            at = self.text(at, y, end - at, *tone, content);
        }
        at
    }

    /// A glyph.
    pub fn glyph(&mut self, x: u16, y: u16, tone: Tone, glyph: Glyph) {
        let sign = self.theme.glyph(glyph);
        self.put(x, y, 2, tone, sign);
    }

    /// The same glyph `width` times.
    pub fn repeat(&mut self, x: u16, y: u16, width: u16, tone: Tone, glyph: Glyph) {
        let signs = self.theme.glyph(glyph).repeat(usize::from(width));
        self.put(x, y, width, tone, &signs);
    }

    /// The rule above a pane: heavy and bold for the one in focus.
    pub fn rule(&mut self, area: Rect, focus: bool, title: &[Piece]) -> u16 {
        let (tone, glyph) = if focus { (Tone::Focus, Glyph::HeavyRule) } else { (Tone::Dim, Glyph::Rule) };
        self.repeat(area.x, area.y, area.width, tone, glyph);
        let mut at = area.x + 1.min(area.width);
        let end = area.right();
        if at + 2 < end {
            at = self.put(at, area.y, 1, Tone::Plain, " ");
            at = self.line(at, area.y, end - at - 1, title);
            at = self.put(at, area.y, 1, Tone::Plain, " ");
        }
        at
    }

    /// Lays the choice over a row of the list in focus, or marks it in a list that is not.
    pub fn choose(&mut self, row: Rect, focus: bool) {
        if focus {
            let style = self.theme.chosen();
            self.buffer.set_style(row.intersection(*self.buffer.area()), style);
        } else {
            self.glyph(row.x, row.y, Tone::Accent, Glyph::Marker);
        }
    }

    /// A bar. What is not known has no filled part.
    pub fn bar(&mut self, x: u16, y: u16, width: u16, completion: Completion, tone: Tone) {
        match completion {
            Completion::Unknown => self.repeat(x, y, width, Tone::Dim, Glyph::BarUnknown),
            Completion::Whole => self.repeat(x, y, width, tone, Glyph::BarFull),
            Completion::Part(part) => {
                let full = ((f64::from(width) * part) as u16).min(width);
                self.repeat(x, y, full, tone, Glyph::BarFull);
                self.repeat(x + full, y, width - full, Tone::Dim, Glyph::BarEmpty);
            }
        }
    }

    /// An empty box with a title; its inside.
    pub fn frame(&mut self, area: Rect, title: &[Piece], tone: Tone) -> Rect {
        self.erase(area);
        if area.width < 4 || area.height < 3 {
            return area;
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in [area.y, bottom] {
            self.repeat(area.x, y, area.width, tone, Glyph::Rule);
        }
        for y in area.y + 1..bottom {
            self.glyph(area.x, y, tone, Glyph::Vertical);
            self.glyph(right, y, tone, Glyph::Vertical);
        }
        self.glyph(area.x, area.y, tone, Glyph::TopLeft);
        self.glyph(right, area.y, tone, Glyph::TopRight);
        self.glyph(area.x, bottom, tone, Glyph::BottomLeft);
        self.glyph(right, bottom, tone, Glyph::BottomRight);
        let at = self.put(area.x + 2, area.y, 1, Tone::Plain, " ");
        let at = self.line(at, area.y, area.width.saturating_sub(6), title);
        self.put(at, area.y, 1, Tone::Plain, " ");
        Rect::new(area.x + 2, area.y + 1, area.width - 4, area.height - 2)
    }

    /// Empties an area, the halves of wide characters at its edges included.
    pub fn erase(&mut self, area: Rect) {
        let area = area.intersection(*self.buffer.area());
        for y in area.y..area.bottom() {
            if area.x > 0
                && let Some(cell) = self.buffer.cell_mut((area.x - 1, y))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in area.x..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}
