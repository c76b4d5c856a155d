//! A restore's plan in lines, for the dashboard and the command line.

use super::quantity::{bytes, count, counted};
use super::theme::Tone;
use crate::engine::query::{PlannedTable, RestorePlan};
use crate::store::manifest::Level;

/// A line: how it is meant, how far it is set in, the text.
pub type PlanLine = (Tone, usize, String);

/// The lines of a plan. Of tables and of remarks at most so many are listed, the others counted: a screen is made anew
/// at each key.
pub fn lines(plan: &RestorePlan, most: usize) -> Vec<PlanLine> {
    let mut out: Vec<PlanLine> = Vec::new();
    let mut say = |tone: Tone, indent: usize, text: String| out.push((tone, indent, text));
    let what = if plan.existing { "the existing database" } else { "a new database" };
    say(Tone::Strong, 0, format!("{} into {what} {} on {}", plan.package, plan.database, plan.server));
    say(Tone::Dim, 2, format!("server     SQL Server {}", plan.server_version));
    let verified = match plan.verification.map(|v| v.level) {
        Some(Level::Archive) => "archive verified; verified again",
        Some(Level::Rows) => "rows verified; verified again",
        Some(Level::Restored) => "restore verified; verified again",
        None => "not checked; verified",
    };
    say(Tone::Dim, 2, format!("package    {verified} before anything is made"));
    if let Some(collation) = &plan.collation {
        say(Tone::Dim, 2, format!("collation  {collation}"));
    }
    if !plan.choice.is_empty() {
        say(Tone::Plain, 2, format!("chosen     {}", plan.choice.join(", ")));
    }
    for refusal in &plan.refusals {
        say(Tone::Plain, 0, String::new());
        for (n, line) in refusal.lines().into_iter().enumerate() {
            let tone = if n == 0 { Tone::Bad } else { Tone::Plain };
            say(tone, 2 * usize::from(n > 0), if n == 0 { format!("REFUSED: {line}") } else { line });
        }
    }
    say(Tone::Plain, 0, String::new());
    if plan.objects.is_empty() {
        say(Tone::Strong, 0, "Would make nothing but rows".into());
    } else {
        let kinds: Vec<String> = plan.objects.iter().map(|(kind, n)| of_kind(*n, kind)).collect();
        say(Tone::Strong, 0, "Would make".into());
        say(Tone::Plain, 2, kinds.join(", "));
    }
    let sum =
        |f: fn(&PlannedTable) -> Option<u64>| plan.tables.iter().map(f).try_fold(0u64, |sum, n| sum.checked_add(n?));
    let rows = sum(|t| t.rows).map_or_else(|| "rows not counted".to_owned(), |n| counted(n, "row"));
    let all = sum(|t| Some(t.bytes)).unwrap_or_default();
    let tables = counted(plan.tables.len() as u64, "table");
    say(Tone::Strong, 0, format!("Would load {rows}, {} into {tables}", bytes(all)));
    let name = |t: &PlannedTable| format!("{}.{}", t.schema, t.table);
    let wide = plan.tables.iter().take(most).map(|t| super::text::width(&name(t))).max().unwrap_or(0).min(40);
    for table in plan.tables.iter().take(most) {
        let name = name(table);
        let gap = " ".repeat(wide.saturating_sub(super::text::width(&name)));
        let rows = table.rows.map_or_else(|| "?".to_owned(), count);
        let other = table.restored_as.as_ref().map(|other| format!("  as {other}")).unwrap_or_default();
        say(Tone::Plain, 2, format!("{name}{gap}  {rows:>13}  {:>9}{other}", bytes(table.bytes)));
    }
    if plan.tables.len() > most {
        say(Tone::Dim, 2, format!("and {} more", plan.tables.len() - most));
    }
    let mut part = |tone: Tone, title: &str, texts: &[String]| {
        if !texts.is_empty() {
            say(tone, 0, title.to_owned());
            for text in texts.iter().take(most) {
                say(Tone::Plain, 2, text.strip_prefix("not restored: ").unwrap_or(text).to_owned());
            }
            if texts.len() > most {
                say(Tone::Dim, 2, format!("and {} more", texts.len() - most));
            }
        }
    };
    part(Tone::Warn, "Not restored, or not as it was", &plan.left);
    part(Tone::Warn, "The server may not do as it should", &plan.doubts);
    part(Tone::Strong, "Worth knowing", &plan.notes);
    let end = if plan.refusals.is_empty() {
        (Tone::Good, "Nothing is known that would refuse it. Nothing was changed.")
    } else {
        (Tone::Bad, "It would be refused as it is. Nothing was changed.")
    };
    say(Tone::Plain, 0, String::new());
    say(end.0, 0, end.1.to_owned());
    out
}

/// `3 primary keys`.
fn of_kind(n: u64, kind: &str) -> String {
    let plural = match kind {
        _ if n == 1 => kind.to_owned(),
        _ if kind.ends_with("index") => format!("{kind}es"),
        _ if kind.ends_with('y') && !kind.ends_with("ey") => format!("{}ies", &kind[..kind.len() - 1]),
        _ if kind.ends_with('s') => kind.to_owned(),
        _ => format!("{kind}s"),
    };
    format!("{} {plural}", count(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_in_the_fields_words() {
        let counted = [(1, "index"), (2, "index"), (3, "primary key"), (2, "security policy"), (2, "statistics")];
        let words: Vec<String> = counted.iter().map(|(n, kind)| of_kind(*n, kind)).collect();
        assert_eq!(words, ["1 index", "2 indexes", "3 primary keys", "2 security policies", "2 statistics"]);
    }

    #[test]
    fn a_plan_of_very_many_things_is_cut_and_says_so() {
        let table = |n: u64| PlannedTable {
            schema: "dbo".into(),
            table: format!("T{n}"),
            restored_as: None,
            rows: Some(1),
            bytes: 1,
        };
        let plan = RestorePlan {
            package: "a.bacpac".into(),
            verification: None,
            server: "s".into(),
            server_version: "15.0".into(),
            database: "d".into(),
            existing: false,
            collation: None,
            choice: Vec::new(),
            tables: (0..20_000).map(table).collect(),
            objects: Vec::new(),
            left: (0..50_000).map(|n| format!("not restored: view V{n}: why")).collect(),
            notes: Vec::new(),
            doubts: Vec::new(),
            refusals: Vec::new(),
        };
        let shown = lines(&plan, 100);
        assert!(shown.len() < 230, "{}", shown.len());
        let texts: Vec<&str> = shown.iter().map(|(.., text)| text.as_str()).collect();
        for says in ["Would load 20,000 rows, 19.5 KB into 20,000 tables", "and 19900 more", "and 49900 more"] {
            assert!(texts.contains(&says), "{says}");
        }
        assert!(texts.contains(&"view V99: why") && !texts.contains(&"view V100: why"));
        assert!(lines(&plan, usize::MAX).len() > 70_000);
    }
}
