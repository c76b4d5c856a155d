//! Text from servers and files made safe to show, and cut to a width that is right.
//!
//! Names and cells are hostile: escape sequences would reach the terminal, an override of the writing direction would
//! turn a line round, joiners make widths that no two terminals agree on. What is drawn went through [`clean`].

use unicode_width::UnicodeWidthChar;

/// More marks on one letter than this are not shown: real languages use up to three.
const MARKS: usize = 3;

/// Columns that cleaned text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns that a character takes.
fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Text without anything that moves the cursor, hides or turns text round. Whatever is invisible becomes visible.
pub fn clean(text: &str, unicode: bool) -> String {
    clean_until(text, unicode, usize::MAX)
}

/// [`clean`], but stops once the result is wider than `limit`: a cell may hold gigabytes.
fn clean_until(text: &str, unicode: bool, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit.saturating_mul(4)));
    let mut taken = 0;
    let mut marks = 0;
    let mut seen = 0usize;
    for c in text.chars() {
        seen += 1;
        // Marks alone have no width; without a bound on them the loop would read the whole cell.
        if taken > limit || seen > limit.saturating_mul(8).saturating_add(64) {
            break;
        }
        if c.is_ascii_graphic() || c == ' ' {
            out.push(c);
            taken += 1;
            marks = 0;
            continue;
        }
        let shown = if unicode { in_unicode(c) } else { in_ascii(c) };
        let Some(shown) = shown else { continue };
        match columns(shown) {
            0 if marks >= MARKS => continue,
            0 => {
                if taken == 0 {
                    // A mark with nothing before it would sit on whatever is drawn to its left.
                    out.push(' ');
                    taken += 1;
                }
                out.push(shown);
                marks += 1;
            }
            w => {
                out.push(shown);
                taken += w;
                marks = 0;
            }
        }
    }
    out
}

/// The character to show for one that is not plain ASCII; `None` where nothing is lost by showing nothing.
fn in_unicode(c: char) -> Option<char> {
    Some(match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('?'),
        '\u{7f}' => '␡',
        // Variation selectors, skin tones and tags change a width or a colour, never a name's letters.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e007f}' => {
            return None;
        }
        // Two regional indicators join to a flag in some terminals and not in others; the letters say the same.
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(c as u32 - 0x1f1e6 + u32::from('A')).unwrap_or('?'),
        // C1 controls, directions, joiners, separators, soft hyphen, fillers, byte order mark, annotations.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' => '\u{fffd}',
        // Letters that conjoin: their width depends on the terminal.
        '\u{1161}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7ff}' => '\u{fffd}',
        // The keycap and other enclosing marks make emoji of digits.
        '\u{20dd}'..='\u{20e4}' => return None,
        // The halfwidth voiced marks of Japanese: what draws here and Unicode's tables do not agree on their width.
        '\u{ff9e}' => '\u{309b}',
        '\u{ff9f}' => '\u{309c}',
        _ if c.is_whitespace() => ' ',
        _ => c,
    })
}

fn in_ascii(c: char) -> Option<char> {
    match in_unicode(c)? {
        mark if columns(mark) == 0 => None,
        ' ' => Some(' '),
        letter if letter.is_ascii() => Some(letter),
        _ => Some('?'),
    }
}

/// Cleaned text in at most `max` columns, its end cut visibly.
pub fn fit(text: &str, max: usize, unicode: bool) -> String {
    let cleaned = clean_until(text, unicode, max);
    if width(&cleaned) <= max { cleaned } else { head(&cleaned, max, mark(unicode)) }
}

/// Cleaned text in at most `max` columns, cut visibly in the middle: names of files end in their date.
pub fn fit_middle(text: &str, max: usize, unicode: bool) -> String {
    let cleaned = clean_until(text, unicode, 4096);
    let all = width(&cleaned);
    if all <= max {
        return cleaned;
    }
    if max < 8 {
        return head(&cleaned, max, mark(unicode));
    }
    // The name of a backup ends in its moment, and that is not cut where something of the tenant fits before it.
    let moment = cleaned.rfind('_').map_or(0, |at| width(&cleaned[at..]));
    let tail_room = if moment + 4 <= max { moment.max(max * 2 / 3) } else { max * 2 / 3 }.min(max - 2);
    let mut tail_start = cleaned.len();
    let mut tail = 0;
    for (at, c) in cleaned.char_indices().rev() {
        let w = columns(c);
        if tail + w > tail_room {
            break;
        }
        tail += w;
        tail_start = at;
    }
    // A mark must not lose the letter it belongs to.
    let tail_text = cleaned[tail_start..].trim_start_matches(|c: char| c.width() == Some(0));
    format!("{}{}", head(&cleaned, max - width(tail_text), mark(unicode)), tail_text)
}

fn mark(unicode: bool) -> char {
    if unicode { '…' } else { '~' }
}

fn head(cleaned: &str, max: usize, mark: char) -> String {
    if max == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut taken = 0;
    for c in cleaned.chars() {
        let w = columns(c);
        if taken + w > max - 1 {
            break;
        }
        out.push(c);
        taken += w;
    }
    out.push(mark);
    out
}

/// Cleaned text in lines of at most `max` columns, broken at blanks where there are some. At most `lines` lines; the
/// last one is cut visibly if there is more.
pub fn wrap(text: &str, max: usize, lines: usize, unicode: bool) -> Vec<String> {
    let max = max.max(1);
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    let limit = max.saturating_mul(lines);
    let cleaned = clean_until(text, unicode, limit);
    let cut = width(&cleaned) > limit;
    for word in cleaned.split_inclusive(' ') {
        let bare = width(word.trim_end());
        if taken > 0 && taken + bare > max {
            out.push(std::mem::take(&mut line).trim_end().to_owned());
            taken = 0;
        }
        for c in word.chars() {
            let w = columns(c);
            if taken + w > max {
                out.push(std::mem::take(&mut line).trim_end().to_owned());
                taken = 0;
                if c == ' ' {
                    continue;
                }
            }
            line.push(c);
            taken += w;
        }
    }
    if !line.trim_end().is_empty() || out.is_empty() {
        out.push(line.trim_end().to_owned());
    }
    if out.len() > lines || cut {
        out.truncate(lines);
        if let Some(last) = out.last_mut() {
            let kept = head(last, max.min(width(last) + 1), mark(unicode));
            *last = format!("{}{}", kept.trim_end_matches(mark(unicode)).trim_end(), mark(unicode));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn nothing_that_commands_a_terminal_survives() {
        assert_eq!(clean("a\x1b[2Jb\x07\r\n", true), "a␛[2Jb␇␍␊");
        assert_eq!(clean("a\x1b[2Jb", false), "a?[2Jb");
        assert_eq!(clean("safe\u{202e}gnp.exe", true), "safe\u{fffd}gnp.exe");
        assert_eq!(clean("zero\u{200b}width", true), "zero\u{fffd}width");
        assert_eq!(clean("\u{9b}31m", true), "\u{fffd}31m");
        assert_eq!(clean("🇩🇪 👩‍👩‍👧", true), "DE 👩\u{fffd}👩\u{fffd}👧");
        assert_eq!(clean("päckchen", false), "p?ckchen");
        assert_eq!(clean("\u{301}x", true), " \u{301}x");
        assert_eq!(clean(&format!("a{}", "\u{301}".repeat(50)), true).chars().count(), 1 + MARKS);
    }

    #[test]
    fn cut_text_says_so_and_has_the_width_asked_for() {
        assert_eq!(fit("bakery", 6, true), "bakery");
        assert_eq!(fit("bakery", 5, true), "bake…");
        assert_eq!(fit("bakery", 5, false), "bake~");
        assert_eq!(fit("漢字漢字", 5, true), "漢字…");
        assert_eq!(fit("漢字漢字", 4, true), "漢…");
        assert_eq!(fit("x", 0, true), "");
        assert_eq!(fit_middle("a_long_tenant_name_20260131021500.bacpac", 26, true), "a_l…_20260131021500.bacpac");
        let long = "x".repeat(50_000_000);
        assert_eq!(fit(&long, 10, true).len(), 9 + '…'.len_utf8());
    }

    #[test]
    fn wrapped_text_breaks_at_blanks_and_cuts_visibly() {
        assert_eq!(wrap("one two three", 7, 9, true), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4, 9, true), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("one two three four", 7, 2, true), ["one two", "three…"]);
        assert_eq!(wrap("", 7, 2, true), [""]);
    }

    proptest! {
        #[test]
        fn what_is_measured_is_what_ratatui_draws(text in "\\PC{0,40}|(\\p{Any}){0,40}", max in 1usize..50) {
            let shown = fit(&text, max, true);
            prop_assert!(width(&shown) <= max);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 1));
            let (end, _) = buffer.set_stringn(0, 0, &shown, 60, Style::new());
            prop_assert_eq!(end as usize, width(&shown), "{:?}", shown);
            prop_assert!(!shown.chars().any(char::is_control));
        }

        #[test]
        fn ascii_terminals_get_ascii_only(text in "(\\p{Any}){0,40}", max in 1usize..50) {
            prop_assert!(fit(&text, max, false).is_ascii());
            prop_assert!(wrap(&text, max, 5, false).iter().all(|l| l.is_ascii() && l.len() <= max));
        }
    }
}
