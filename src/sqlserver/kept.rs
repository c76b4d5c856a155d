//! What a server keeps of texts that it converts itself: texts of double-byte code pages travel as UTF-16, and a
//! character that the page does not have would become a question mark, or another that looks like it, without a word.
//!
//! So what was sent and what the table holds afterwards are summed up, value by value and without regard to the order
//! of rows, and the sums are compared, whatever the tables of either side say. A value's digest is SHA-256, cut to 128
//! bits; the sum of a column is that of its values.

use sha2::{Digest as _, Sha256};

use super::code_page;
use crate::bacpac::bcp::{BcpError, Cell, LobKind, RowSink};
use crate::bacpac::plan::{BcpType, TablePlan};

/// The values of the columns that a server converts.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    columns: Vec<Column>,
    /// Whether a character was seen that is not the same in every code page.
    pub foreign: bool,
}

#[derive(Debug, Clone)]
struct Column {
    /// Its place in the plan that is read.
    index: usize,
    code_page: u16,
    /// Blanks at the end are the column's, not the value's.
    trim: bool,
    sum: u128,
    values: u64,
    open: Sha256,
    /// Blanks that may be at the end.
    blanks: u64,
    /// The first character that the page surely lacks: where, and which.
    stranger: Option<(u64, u32)>,
}

impl Kept {
    /// Of the columns at these places of a plan, with their code pages; nothing where there are none.
    pub(super) fn new(plan: &TablePlan, converted: &[(usize, u16)]) -> Option<Self> {
        let columns: Vec<Column> = converted
            .iter()
            .filter_map(|(index, code_page)| {
                let trim = plan.columns.get(*index)?.ty == BcpType::Char;
                let (open, blanks) = (Sha256::new(), 0);
                let (index, code_page) = (*index, *code_page);
                Some(Column { index, code_page, trim, sum: 0, values: 0, open, blanks, stranger: None })
            })
            .collect();
        (!columns.is_empty()).then_some(Self { columns, foreign: false })
    }

    /// A plan of these columns alone, and the same sums for it, empty.
    pub(super) fn of_columns(&self, plan: &TablePlan) -> (TablePlan, Self) {
        let columns = self.columns.iter().filter_map(|c| plan.columns.get(c.index).cloned()).collect();
        let plan = TablePlan::new(plan.schema.clone(), plan.table.clone(), columns);
        let converted: Vec<(usize, u16)> = self.columns.iter().enumerate().map(|(n, c)| (n, c.code_page)).collect();
        let empty = Self::new(&plan, &converted).unwrap_or(Self { columns: Vec::new(), foreign: false });
        (plan, empty)
    }

    /// The next bytes of a value, UTF-16LE, in whole units. `row` counts from 1.
    pub(super) fn piece(&mut self, index: usize, row: u64, utf16: &[u8]) {
        let Some(column) = self.columns.iter_mut().find(|c| c.index == index) else { return };
        if utf16.chunks_exact(2).any(|unit| unit[1] != 0 || unit[0] >= 0x80) {
            self.foreign = true;
            if column.stranger.is_none() {
                column.stranger = code_page::stranger(column.code_page, utf16).map(|c| (row, c));
            }
        }
        if !column.trim {
            column.open.update(utf16);
            return;
        }
        let mut kept = utf16;
        while let Some(shorter) = kept.strip_suffix(b" \0") {
            kept = shorter;
        }
        if !kept.is_empty() {
            for _ in 0..std::mem::take(&mut column.blanks) {
                column.open.update(b" \0");
            }
            column.open.update(kept);
        }
        column.blanks += (utf16.len() - kept.len()) as u64 / 2;
    }

    /// The value is complete.
    pub(super) fn end(&mut self, index: usize) {
        let Some(column) = self.columns.iter_mut().find(|c| c.index == index) else { return };
        let mut half = [0; 16];
        half.copy_from_slice(&column.open.finalize_reset()[..16]);
        column.sum = column.sum.wrapping_add(u128::from_le_bytes(half));
        column.values += 1;
        column.blanks = 0;
    }

    /// What differs in a table that held `before`, was sent `self` and holds `after`: place of the column, and why.
    pub(super) fn differs(&self, before: Option<&Self>, after: &Self) -> Option<(usize, String)> {
        for (n, (sent, after)) in self.columns.iter().zip(&after.columns).enumerate() {
            let (sum, values) = before.and_then(|b| b.columns.get(n)).map_or((0, 0), |b| (b.sum, b.values));
            if sum.wrapping_add(sent.sum) == after.sum && values + sent.values == after.values {
                continue;
            }
            let mut reason =
                format!("the server keeps other characters than it was given: code page {} ", sent.code_page);
            match sent.stranger {
                Some((row, c)) => reason += &format!("does not have U+{c:04X} of row {row}"),
                None => reason += "does not have them all",
            }
            return Some((sent.index, reason));
        }
        None
    }
}

impl RowSink for Kept {
    type Error = BcpError;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        if let Cell::Text(bytes) = cell {
            self.piece(column, 0, bytes);
            self.end(column);
        }
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, _kind: LobKind, _length: Option<u64>) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), BcpError> {
        self.piece(column, 0, piece);
        Ok(())
    }

    fn lob_end(&mut self, column: usize) -> Result<(), BcpError> {
        self.end(column);
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), BcpError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bacpac::plan::ColumnPlan;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn kept(values: &[[&str; 2]]) -> Kept {
        let columns = vec![
            ColumnPlan::new("id", BcpType::Int, false),
            ColumnPlan::new("c", BcpType::Char, true).with_length(8),
            ColumnPlan::new("v", BcpType::VarChar, true).with_length(8),
        ];
        let plan = TablePlan::new("dbo", "t", columns);
        let mut kept = Kept::new(&plan, &[(1, 932), (2, 932)]).unwrap();
        for (row, [c, v]) in values.iter().enumerate() {
            for (index, value) in [(1, c), (2, v)] {
                // In pieces: it makes no difference where a value is cut.
                for piece in utf16(value).chunks(2 + 2 * (row % 3)) {
                    kept.piece(index, row as u64 + 1, piece);
                }
                kept.end(index);
            }
        }
        kept
    }

    #[test]
    fn rows_in_another_order_are_the_same_and_blanks_count_where_they_are_the_values() {
        let sent = kept(&[["漢  ", "字 "], ["a b ", ""], ["x", "y"]]);
        assert!(sent.foreign);
        assert_eq!(sent.differs(None, &kept(&[["x ", "y"], ["漢", "字 "], ["a b", ""]])), None);
        let (column, reason) = sent.differs(None, &kept(&[["漢", "字"], ["a b", ""], ["x", "y"]])).unwrap();
        assert_eq!((column, reason.contains("does not have them all")), (2, true), "{reason}");
        assert!(!kept(&[["plain", "too"]]).foreign);
    }

    #[test]
    fn a_question_mark_in_the_place_of_a_character_is_found_and_named() {
        let sent = kept(&[["漢", "字"], ["ok", "ก"]]);
        let (column, reason) = sent.differs(None, &kept(&[["漢", "字"], ["ok", "?"]])).unwrap();
        assert_eq!(column, 2);
        assert!(reason.ends_with("code page 932 does not have U+0E01 of row 2"), "{reason}");
        // A value more or less is one too.
        assert!(sent.differs(None, &kept(&[["漢", "字"], ["ok", "ก"], ["", ""]])).is_some());
        // What the table had before is not the load's.
        let before = kept(&[["old", "older"]]);
        assert_eq!(sent.differs(Some(&before), &kept(&[["old", "older"], ["漢", "字"], ["ok", "ก"]])), None);
    }
}
