//! Rules and defaults of old: objects of their own, bound to columns and types.

use super::tokens::tokens;
use super::{Builder, grouped};
use crate::bacpac::model::{BoundDefault, Reference, Rule, Script};

impl Builder<'_> {
    pub(super) fn rules_and_defaults(&mut self) {
        let texts = grouped(self.rows, "sys.sql_modules", "object_id");
        for (id, object) in self.of_kinds(&["R", "D"]) {
            // The default of a column is a constraint of its table.
            let rule = object.kind == "R";
            if !rule && object.parent != 0 {
                continue;
            }
            let text = texts.get(&id).and_then(|m| m.first()).and_then(|m| m.text("definition"));
            let Some(expression) = text.and_then(expression) else {
                self.left_out(if rule { "rule" } else { "default of old" }, object.name);
                continue;
            };
            let bound = self.bound_to(id, if rule { "rule_object_id" } else { "default_object_id" });
            let (name, value) = (object.name, Some(Script::new(expression)));
            self.made.push(match rule {
                true => Rule { name, condition: value, bound, ..Rule::default() }.into(),
                false => BoundDefault { name, value, bound, ..BoundDefault::default() }.into(),
            });
        }
    }

    /// The columns of tables, then the types, that a rule or default is bound to.
    fn bound_to(&self, id: i64, column: &str) -> Vec<Reference> {
        let mut names: Vec<_> = self
            .rows
            .of("sys.columns")
            .filter(|r| r.int(column) == Some(id))
            .filter_map(|r| {
                let owner = r.int("object_id")?;
                self.objects.get(&owner).filter(|o| o.kind == "U")?;
                self.column(owner, r.int("column_id"))
            })
            .collect();
        names.sort();
        let mut types: Vec<_> = self
            .rows
            .of("sys.types")
            .filter(|r| r.int(column) == Some(id))
            .filter_map(|r| self.types.name(r.int("user_type_id")?))
            .collect();
        types.sort();
        names.iter().chain(&types).map(Reference::to).collect()
    }
}

/// What follows the first `AS` of `CREATE RULE name AS …`, without a closing semicolon.
fn expression(text: &str) -> Option<String> {
    let found = tokens(text);
    let at = found.iter().position(|t| t.depth == 0 && t.is("AS"))?;
    let body = text.get(found[at].end..)?.trim();
    let body = body.strip_suffix(';').unwrap_or(body).trim_end();
    (!body.is_empty()).then(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn the_expression_follows_as() {
        assert_eq!(expression("CREATE RULE [dbo].[as] AS @v > 0;").as_deref(), Some("@v > 0"));
        assert_eq!(expression("create default d as 'x'\r\n").as_deref(), Some("'x'"));
        assert_eq!(expression("CREATE RULE r AS "), None);
        assert_eq!(expression("nothing"), None);
    }
}
