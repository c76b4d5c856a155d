//! A line being typed.

/// Text and cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// In characters.
    cursor: usize,
}

impl Input {
    /// With text in it, the cursor at its end.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.chars().count();
        Self { text, cursor }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cursor, in characters from the start.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn byte(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at)
    }

    /// Types a character. Control characters are no text.
    pub fn insert(&mut self, c: char) {
        if c.is_control() || self.text.len() > 4096 {
            return;
        }
        let at = self.byte(self.cursor);
        self.text.insert(at, c);
        self.cursor += 1;
    }

    /// Pastes: the first line, without control characters.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_start().chars().take_while(|c| !matches!(c, '\n' | '\r')) {
            self.insert(c);
        }
    }

    /// Removes the character before the cursor.
    pub fn backspace(&mut self) {
        if self.cursor > 0 {
            self.cursor -= 1;
            self.delete();
        }
    }

    /// Removes the character at the cursor.
    pub fn delete(&mut self) {
        let at = self.byte(self.cursor);
        if at < self.text.len() {
            self.text.remove(at);
        }
    }

    /// Removes the word before the cursor.
    pub fn delete_word(&mut self) {
        let word = |c: char| c.is_alphanumeric();
        while self.cursor > 0 && !self.text[..self.byte(self.cursor)].ends_with(word) {
            self.backspace();
        }
        while self.cursor > 0 && self.text[..self.byte(self.cursor)].ends_with(word) {
            self.backspace();
        }
    }

    /// One to the left.
    pub fn left(&mut self) {
        self.cursor = self.cursor.saturating_sub(1);
    }

    /// One to the right.
    pub fn right(&mut self) {
        self.cursor = (self.cursor + 1).min(self.text.chars().count());
    }

    /// To the start.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// To the end.
    pub fn end(&mut self) {
        self.cursor = self.text.chars().count();
    }

    /// As a filter: every word is in one of the texts, whatever the case.
    pub fn finds(&self, texts: &[&str]) -> bool {
        self.text.is_empty()
            || self.text.split_whitespace().all(|word| {
                let word = word.to_lowercase();
                texts.iter().any(|text| text.to_lowercase().contains(&word))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_and_removing_goes_by_characters() {
        let mut input = Input::with("Söhne");
        input.left();
        input.left();
        input.left();
        input.backspace();
        input.insert('ü');
        assert_eq!(input.text(), "Sühne");
        input.end();
        input.paste("  _x\x1b[0m\nsecond line");
        assert_eq!(input.text(), "Sühne_x[0m");
        input.delete_word();
        assert_eq!(input.text(), "Sühne_x[");
        input.delete_word();
        input.delete_word();
        input.delete_word();
        assert_eq!((input.text(), input.cursor()), ("", 0));
        input.delete();
        input.backspace();
    }

    #[test]
    fn every_word_of_a_filter_counts() {
        assert!(Input::with("BAK mün").finds(&["bakery", "München"]));
        assert!(!Input::with("bak clinic").finds(&["bakery", "x"]));
        assert!(Input::with("").finds(&[]));
    }
}
