//! The one place that knows glyphs and colours, and what the terminal can show of them.
//!
//! Views name a [`Tone`] or a [`Glyph`]; whether that becomes a colour or only bold, `✓` or `+`, is decided here.

use ratatui::style::{Color, Modifier, Style};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours are wanted.
    pub colour: bool,
    /// The locale is UTF-8.
    pub unicode: bool,
}

/// How something is meant, not how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tone {
    Plain,
    Dim,
    Strong,
    Accent,
    Good,
    Warn,
    Bad,
    /// Must not be overlooked.
    Alarm,
    /// A key in the footer or the help.
    Key,
    /// The rule above the focused pane.
    Focus,
}

/// A sign of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Glyph {
    Ok,
    Failed,
    Warning,
    Running,
    Queued,
    Stopped,
    Cleaning,
    Never,
    Marker,
    Ellipsis,
    Rule,
    HeavyRule,
    Vertical,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    BarFull,
    BarEmpty,
    BarUnknown,
    Arrow,
    Dot,
    MoreLeft,
    MoreRight,
}

impl Theme {
    /// What the environment says: `NO_COLOR`, then `LC_ALL`, `LC_CTYPE`, `LANG` (the first that is set decides), `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Self {
            colour: set("NO_COLOR").is_none() && term != "dumb",
            // The kernel's console decodes UTF-8 but its fonts hold 512 glyphs, ours mostly not among them.
            unicode: (locale.contains("utf-8") || locale.contains("utf8")) && term != "linux" && term != "dumb",
        }
    }

    /// The sign, in UTF-8 or ASCII. Each is one column wide, `Arrow` in ASCII two.
    pub fn glyph(self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = match glyph {
            Glyph::Ok => ("✓", "+"),
            Glyph::Failed => ("✗", "X"),
            Glyph::Warning => ("!", "!"),
            Glyph::Running => ("●", "*"),
            Glyph::Queued => ("○", "o"),
            Glyph::Stopped => ("■", "#"),
            Glyph::Cleaning => ("◌", "~"),
            Glyph::Never => ("–", "-"),
            Glyph::Marker => ("▌", ">"),
            Glyph::Ellipsis => ("…", "~"),
            Glyph::Rule => ("─", "-"),
            Glyph::HeavyRule => ("━", "="),
            Glyph::Vertical => ("│", "|"),
            Glyph::TopLeft => ("┌", "+"),
            Glyph::TopRight => ("┐", "+"),
            Glyph::BottomLeft => ("└", "+"),
            Glyph::BottomRight => ("┘", "+"),
            Glyph::BarFull => ("█", "#"),
            Glyph::BarEmpty => ("░", "."),
            Glyph::BarUnknown => ("·", "."),
            Glyph::Arrow => ("→", "->"),
            Glyph::Dot => ("·", "-"),
            Glyph::MoreLeft => ("‹", "<"),
            Glyph::MoreRight => ("›", ">"),
        };
        if self.unicode { unicode } else { ascii }
    }

    /// The style. Without colour, loudness is bold, dim and reversed only.
    pub fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let coloured = |colour: Color| if self.colour { plain.fg(colour) } else { plain };
        match tone {
            Tone::Plain => plain,
            Tone::Dim => plain.add_modifier(Modifier::DIM),
            Tone::Strong => plain.add_modifier(Modifier::BOLD),
            Tone::Accent => coloured(Color::Cyan),
            Tone::Good => coloured(Color::Green),
            Tone::Warn => coloured(Color::Yellow),
            Tone::Bad => coloured(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Alarm => coloured(Color::Red).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Tone::Key => coloured(Color::Cyan).add_modifier(Modifier::BOLD),
            Tone::Focus => coloured(Color::Cyan).add_modifier(Modifier::BOLD),
        }
    }

    /// What is laid over the chosen row of the focused list.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> Theme {
        Theme::detect(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        assert!(detect(&[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(detect(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]).unicode);
        assert!(!detect(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(detect(&[("LC_ALL", ""), ("LANG", "de_DE.UTF-8")]).unicode, "empty counts as unset");
        assert!(!detect(&[]).unicode);
        assert!(!detect(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]).unicode);
    }

    #[test]
    fn no_color_takes_every_colour_away() {
        let theme = detect(&[("NO_COLOR", "1"), ("TERM", "xterm-256color")]);
        for tone in [Tone::Accent, Tone::Good, Tone::Warn, Tone::Bad, Tone::Alarm, Tone::Key, Tone::Focus] {
            let style = theme.style(tone);
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert!(detect(&[("NO_COLOR", "")]).colour, "empty NO_COLOR does not count, as its convention says");
    }
}
