//! A list's cursor: it follows its item through refreshes and filters, and stays on the screen.

/// Where a list stands. `K` tells an item.
#[derive(Debug, Clone)]
pub struct Cursor<K> {
    key: Option<K>,
    index: usize,
    offset: usize,
    /// It stood at the top of a list that grows there.
    pinned: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { key: None, index: 0, offset: 0, pinned: false }
    }
}

impl<K: PartialEq + Clone> Cursor<K> {
    /// The chosen line.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The first line on the screen.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Finds its item again in a list that may have changed, and takes the line's next item when its own is gone.
    /// At the top of a list that `grows` there it stays at the top, so that what is new is seen.
    pub fn settle(&mut self, keys: &[K], grows: bool) {
        let stays = self.pinned && grows && self.index == 0;
        let found = self.key.as_ref().and_then(|key| keys.iter().position(|k| k == key));
        match found {
            Some(found) if !stays => self.index = found,
            _ => {
                self.index = self.index.min(keys.len().saturating_sub(1));
                self.key = keys.get(self.index).cloned();
            }
        }
        self.pinned = grows && self.index == 0;
    }

    /// Goes to a line.
    pub fn go(&mut self, index: usize, keys: &[K]) {
        self.index = index.min(keys.len().saturating_sub(1));
        self.key = keys.get(self.index).cloned();
    }

    /// Scrolls as little as needed to have the chosen line on a screen of `room` rows, where the n-th line takes
    /// `height(n)` rows. No room is wasted at the end.
    pub fn show(&mut self, len: usize, room: u16, height: impl Fn(usize) -> u16) {
        let room = u32::from(room);
        self.offset = self.offset.min(self.index);
        let rows = |from: usize, to: usize| (from..=to).map(|n| u32::from(height(n))).sum::<u32>();
        while self.offset < self.index && rows(self.offset, self.index) > room {
            self.offset += 1;
        }
        while self.offset > 0 && len > 0 && rows(self.offset - 1, len - 1) <= room {
            self.offset -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_its_item_and_takes_the_next_when_that_is_gone() {
        let mut cursor = Cursor::default();
        cursor.go(2, &["a", "b", "c"]);
        cursor.settle(&["x", "a", "b", "c"], true);
        assert_eq!(cursor.index(), 3);
        cursor.settle(&["x", "a", "b", "d"], true);
        assert_eq!(cursor.index(), 3);
        cursor.settle(&["x"], true);
        assert_eq!(cursor.index(), 0);
        cursor.settle(&[], true);
        assert_eq!(cursor.index(), 0);
    }

    #[test]
    fn at_the_top_of_a_growing_list_it_stays_at_the_top() {
        let mut cursor = Cursor::default();
        cursor.settle(&["a", "b"], true);
        cursor.settle(&["new", "a", "b"], true);
        assert_eq!(cursor.index(), 0);
        // A filter that is taken away is no growth: the item chosen under it stays chosen.
        cursor.go(2, &["new", "a", "b"]);
        cursor.settle(&["b"], false);
        assert_eq!(cursor.index(), 0);
        cursor.settle(&["new", "a", "b"], true);
        assert_eq!(cursor.index(), 2);
    }

    #[test]
    fn the_chosen_line_is_always_on_the_screen() {
        let keys: Vec<usize> = (0..50).collect();
        let mut cursor = Cursor::default();
        let height = |n: usize| 1 + u16::from(n.is_multiple_of(3));
        for index in [0, 10, 49, 20, 21, 5, 0, 49] {
            cursor.go(index, &keys);
            cursor.show(50, 7, height);
            assert!(cursor.offset() <= index);
            let rows: u16 = (cursor.offset()..=index).map(height).sum();
            assert!(rows <= 7, "line {index} is below the screen");
        }
        cursor.show(50, 500, height);
        assert_eq!(cursor.offset(), 0, "room is wasted");
    }
}
