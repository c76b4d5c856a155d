//! Two texts compared line by line: the shortest way from one to the other (Myers' algorithm), shown in pieces with
//! some lines around each.

use std::collections::HashMap;

/// More steps than this are not looked for: then what differs is shown as one piece taken out and one put in. It bounds
/// the memory at some ten megabytes, whatever the texts are.
const MOST_STEPS: usize = 1500;

/// A line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// On both sides.
    Same(&'a str),
    /// Only before.
    Removed(&'a str),
    /// Only after.
    Added(&'a str),
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// Number of its first line before, from 1.
    pub before: usize,
    /// Number of its first line after, from 1.
    pub after: usize,
    /// Its lines.
    pub lines: Vec<Line<'a>>,
}

/// What differs, with `around` lines that do not before and after each piece.
pub fn hunks<'a>(before: &'a str, after: &'a str, around: usize) -> Vec<Hunk<'a>> {
    let all = compare(&split(before), &split(after));
    let mut hunks: Vec<Hunk<'a>> = Vec::new();
    let (mut old, mut new) = (1, 1);
    // Of the last piece: how many same lines it ends with.
    let mut trailing = 0;
    let mut waiting: Vec<Line<'a>> = Vec::new();
    for line in all {
        let same = matches!(line, Line::Same(_));
        match hunks.last_mut().filter(|_| trailing <= 2 * around) {
            Some(hunk) if !same => {
                hunk.lines.append(&mut waiting);
                hunk.lines.push(line);
                trailing = 0;
            }
            _ if same => {
                waiting.push(line);
                trailing += 1;
                // Further back than any piece can want.
                if trailing > 2 * around {
                    if let Some(hunk) = hunks.last_mut().filter(|_| trailing == 2 * around + 1) {
                        hunk.lines.extend(waiting.iter().take(around));
                    }
                    waiting.drain(..waiting.len() - around.min(waiting.len()));
                }
            }
            _ => {
                let from = waiting.len() - around.min(waiting.len());
                let mut lines = waiting.split_off(from);
                waiting.clear();
                let (before, after) = (old - lines.len(), new - lines.len());
                lines.push(line);
                hunks.push(Hunk { before, after, lines });
                trailing = 0;
            }
        }
        old += usize::from(!matches!(line, Line::Added(_)));
        new += usize::from(!matches!(line, Line::Removed(_)));
    }
    if let Some(hunk) = hunks.last_mut().filter(|_| trailing <= 2 * around) {
        hunk.lines.extend(waiting.iter().take(around));
    }
    hunks
}

/// The lines without their ends. A carriage return stays: it may be what differs.
fn split(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

fn compare<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |line: &&'a str| {
        let next = numbers.len() as u32;
        *numbers.entry(line).or_insert(next)
    };
    let (a, b): (Vec<u32>, Vec<u32>) = (old.iter().map(&mut number).collect(), new.iter().map(&mut number).collect());
    let mut out: Vec<Line<'a>> = before[..head].iter().map(|l| Line::Same(l)).collect();
    match steps(&a, &b) {
        Some(steps) => {
            let (mut x, mut y) = (0, 0);
            for step in steps {
                match step {
                    Step::Same => {
                        out.push(Line::Same(old[x]));
                        (x, y) = (x + 1, y + 1);
                    }
                    Step::Remove => {
                        out.push(Line::Removed(old[x]));
                        x += 1;
                    }
                    Step::Add => {
                        out.push(Line::Added(new[y]));
                        y += 1;
                    }
                }
            }
        }
        None => {
            out.extend(old.iter().map(|l| Line::Removed(l)));
            out.extend(new.iter().map(|l| Line::Added(l)));
        }
    }
    out.extend(before[before.len() - tail..].iter().map(|l| Line::Same(l)));
    out
}

#[derive(Clone, Copy)]
enum Step {
    Same,
    Remove,
    Add,
}

/// The shortest way from `a` to `b`; none if it takes too many steps.
fn steps(a: &[u32], b: &[u32]) -> Option<Vec<Step>> {
    let (n, m) = (a.len(), b.len());
    let most = (n + m).min(MOST_STEPS);
    // furthest[k + most + 1]: how far in `a` one gets on diagonal k (x − y) with so many steps.
    let mut furthest = vec![0usize; 2 * most + 3];
    let middle = most + 1;
    let mut rounds: Vec<Vec<u32>> = Vec::new();
    for steps in 0..=most {
        rounds.push(furthest[middle - steps - 1..=middle + steps + 1].iter().map(|x| *x as u32).collect());
        for k in (0..=2 * steps).step_by(2) {
            // The diagonal is k − steps; its place in the row:
            let at = middle + k - steps;
            let down = k == 0 || (k != 2 * steps && furthest[at - 1] < furthest[at + 1]);
            let mut x = if down { furthest[at + 1] } else { furthest[at - 1] + 1 };
            // y = x − diagonal; before the first line on the diagonals of the edge.
            let mut y = (x + middle).checked_sub(at)?;
            while x < n && y < m && a[x] == b[y] {
                (x, y) = (x + 1, y + 1);
            }
            furthest[at] = x;
            if x >= n && y >= m {
                return Some(back(&rounds, n, m));
            }
        }
    }
    None
}

/// The way back through the rounds.
fn back(rounds: &[Vec<u32>], n: usize, m: usize) -> Vec<Step> {
    let mut out = Vec::new();
    let (mut x, mut y) = (n, m);
    for (steps, row) in rounds.iter().enumerate().rev() {
        // In this round's row the diagonal x − y stands at x − y + steps + 1.
        let at = x + steps + 1 - y;
        let down = x + steps == y || (x != y + steps && row[at - 1] < row[at + 1]);
        let from = if down { row[at + 1] as usize } else { row[at - 1] as usize };
        // Where this round's step ended; the rest of the way is diagonal.
        let after = if down { from } else { from + 1 };
        let start = if steps == 0 { 0 } else { after };
        while x > start {
            out.push(Step::Same);
            (x, y) = (x - 1, y - 1);
        }
        if steps > 0 {
            if down {
                out.push(Step::Add);
                y -= 1;
            } else {
                out.push(Step::Remove);
                x -= 1;
            }
        }
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(before: &str, after: &str, around: usize) -> String {
        let mut out = String::new();
        for hunk in hunks(before, after, around) {
            out.push_str(&format!("@{},{}\n", hunk.before, hunk.after));
            for line in hunk.lines {
                out.push_str(&match line {
                    Line::Same(l) => format!(" {l}\n"),
                    Line::Removed(l) => format!("-{l}\n"),
                    Line::Added(l) => format!("+{l}\n"),
                });
            }
        }
        out
    }

    #[test]
    fn pieces_have_lines_around_them_and_stand_apart_when_far() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        assert_eq!(shown(before, before, 3), "");
        assert_eq!(shown(before, "1\n2\n3\nx\n5\n6\n7\n8\n9\n", 1), "@3,3\n 3\n-4\n+x\n 5\n");
        assert_eq!(shown(before, "x\n2\n3\n4\n5\n6\n7\n8\ny\n", 1), "@1,1\n-1\n+x\n 2\n@8,8\n 8\n-9\n+y\n");
        assert_eq!(shown(before, "1\nx\n3\n4\ny\n6\n7\n8\n9\n", 1), "@1,1\n 1\n-2\n+x\n 3\n 4\n-5\n+y\n 6\n");
        assert_eq!(shown("", "a\n", 3), "@1,1\n+a\n");
        assert_eq!(shown("a\nb\nc\n", "a\nc\n", 0), "@2,2\n-b\n");
    }

    #[test]
    fn texts_with_nothing_in_common_cost_no_more_than_their_lines() {
        let before: String = (0..20_000).map(|n| format!("a{n}\n")).collect();
        let after: String = (0..20_000).map(|n| format!("b{n}\n")).collect();
        let all = compare(&split(&before), &split(&after));
        assert_eq!(all.len(), 40_000);
    }

    /// The length of the longest common subsequence, the slow way.
    fn common(a: &[&str], b: &[&str]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn both_sides_come_back_and_no_line_is_moved_in_vain(a in "([abc]\n){0,12}", b in "([abc]\n){0,12}") {
            let (before, after) = (split(&a), split(&b));
            let all = compare(&before, &after);
            let old: Vec<&str> = all.iter().filter_map(|l| match l { Line::Same(l) | Line::Removed(l) => Some(*l), Line::Added(_) => None }).collect();
            let new: Vec<&str> = all.iter().filter_map(|l| match l { Line::Same(l) | Line::Added(l) => Some(*l), Line::Removed(_) => None }).collect();
            prop_assert_eq!(&old, &before);
            prop_assert_eq!(&new, &after);
            let same = all.iter().filter(|l| matches!(l, Line::Same(_))).count();
            prop_assert_eq!(same, common(&before, &after));
            let shown: usize = hunks(&a, &b, 2).iter().flat_map(|h| &h.lines).filter(|l| !matches!(l, Line::Same(_))).count();
            prop_assert_eq!(shown, all.len() - same);
        }
    }
}
