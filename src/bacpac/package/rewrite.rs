//! A package read and written again: every row decoded and encoded, the model's text as given.

use std::io::Write;

use super::names::Role;
use super::{Append, BoundPackage, Modified, PackageWriter, PartLimits, PartRoller, Result, Written};

/// Writes a package again, with `model_xml` as its model (its own, or one that was read and written). Nothing is
/// carried as it lay: parts are cut anew, the small entries are written anew. Origin.xml keeps what it said about the
/// source; its count of rows becomes exact.
pub fn rewrite<W: Write>(
    package: &BoundPackage,
    model_xml: &[u8],
    out: W,
    modified: Modified,
    limits: PartLimits,
) -> Result<(W, Written)> {
    let inner = package.package();
    let mut writer = PackageWriter::new(out, model_xml, inner.metadata(), modified)?;
    let mut rows = 0;
    for table in package.tables() {
        let sink = Append::new(&mut writer, table.plan.clone());
        let mut roller = PartRoller::new(table.plan.clone(), sink, limits);
        rows += package.read_table(table, &mut roller)?;
        roller.finish()?;
    }
    let mut reader = inner.reader()?;
    for entry in inner.entries().iter().filter(|e| Role::of(&e.name) == Role::Other) {
        let bytes = reader.whole(entry, inner.limits.sheet)?;
        writer.other(&entry.name, &bytes)?;
    }
    let mut origin = inner.origin().clone();
    if rows > 0 || origin.row_count.is_some() {
        origin.row_count = Some(rows);
    }
    writer.finish(origin)
}
