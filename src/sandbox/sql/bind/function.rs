//! Calls: the functions that are bound in their own way, those of users, and methods of xml and spatial columns.

use sqlparser::ast;

use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Comparison, Expr, Node};
use crate::sandbox::sql::moment::Part;
use crate::sandbox::sql::{functions, niladic, types};
use crate::sandbox::value::{Base, SqlType, Value};

use super::Binder;
use super::grouping::aggregate_kind;
use super::operators::{case, compare};

impl Binder<'_> {
    /// A call: an aggregate, a window function, a function of users or one of the server.
    pub(super) fn function(&mut self, f: &ast::Function) -> SqlResult<Expr> {
        let parts: Vec<String> = f
            .name
            .0
            .iter()
            .filter_map(|p| match p {
                ast::ObjectNamePart::Identifier(i) => Some(i.value.clone()),
                ast::ObjectNamePart::Function(_) => None,
            })
            .collect();
        let upper = parts.last().map(|p| p.to_ascii_uppercase()).unwrap_or_default();
        let list: Vec<&ast::FunctionArg> = match &f.args {
            ast::FunctionArguments::None => Vec::new(),
            ast::FunctionArguments::List(l) => l.args.iter().collect(),
            ast::FunctionArguments::Subquery(_) => return Err(error::syntax("SELECT")),
        };
        if parts.len() > 1 && !(parts.len() == 2 && parts[0].eq_ignore_ascii_case("sys")) {
            return self.user_function(&parts, &list);
        }
        let distinct = matches!(
            &f.args,
            ast::FunctionArguments::List(l) if matches!(l.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct))
        );
        let star = matches!(
            list.first(),
            Some(ast::FunctionArg::Unnamed(
                ast::FunctionArgExpr::Wildcard | ast::FunctionArgExpr::WildcardWithOptions(_)
            ))
        );
        if let Some(kind) = aggregate_kind(&upper, star) {
            return self.aggregate(f, kind, &upper, &list, distinct, star);
        }
        if let Some(over) = &f.over {
            return self.window(&upper, &list, over);
        }
        let exprs: Vec<&ast::Expr> = list
            .iter()
            .map(|a| match a {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => Ok(e),
                _ if star => Err(error::syntax("*")),
                _ => Err(error::syntax("=")),
            })
            .collect::<SqlResult<_>>()?;
        match upper.as_str() {
            "DATEADD" | "DATEDIFF" | "DATEDIFF_BIG" | "DATEPART" | "DATENAME" | "DATETRUNC" => {
                return self.date_function(&upper, &exprs);
            }
            "ISNULL" => {
                let [a, b] = exprs.as_slice() else { return Err(error::argument_count("isnull", 2)) };
                let (a, b) = (self.value(a)?, self.value(b)?);
                // The type is that of the first (fact 31: NOT NULL if the second is).
                let ty = if matches!(a.node, Node::Const(Value::Null)) { b.ty.clone() } else { a.ty.clone() };
                let nullable = a.nullable && b.nullable;
                let a = a.cast(&ty);
                let test = Expr::condition(Node::IsNull(Box::new(a.clone()), true));
                let b = b.cast(&ty);
                return Ok(Expr {
                    node: Node::Case { whens: vec![(test, a)], otherwise: Some(Box::new(b)) },
                    ty,
                    nullable,
                });
            }
            "COALESCE" => {
                let args = exprs.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
                let mut whens: Vec<(Expr, Expr)> =
                    args.into_iter().map(|a| (Expr::condition(Node::IsNull(Box::new(a.clone()), true)), a)).collect();
                let last = whens.pop().map(|(_, a)| a);
                return case(whens, last);
            }
            "NULLIF" => {
                let [a, b] = exprs.as_slice() else { return Err(error::argument_count("nullif", 2)) };
                let (a, b) = (self.value(a)?, self.value(b)?);
                let equal = compare(Comparison::Eq, a.clone(), b)?;
                let ty = a.ty.clone();
                let null = Expr::constant(Value::Null, ty.clone());
                return Ok(Expr {
                    node: Node::Case { whens: vec![(equal, null)], otherwise: Some(Box::new(a)) },
                    ty,
                    nullable: true,
                });
            }
            "IIF" => {
                let [c, a, b] = exprs.as_slice() else { return Err(error::argument_count("iif", 3)) };
                let c = self.condition(c)?;
                let (a, b) = (self.value(a)?, self.value(b)?);
                return case(vec![(c, a)], Some(b));
            }
            "CHOOSE" => {
                let Some((at, rest)) = exprs.split_first() else { return Err(error::argument_count("choose", 2)) };
                let at = self.value(at)?.cast(&types::int());
                let mut whens = Vec::new();
                for (n, e) in rest.iter().enumerate() {
                    let n = Expr::constant(Value::Int(n as i32 + 1), types::int());
                    whens.push((compare(Comparison::Eq, at.clone(), n)?, self.value(e)?));
                }
                return case(whens, None);
            }
            "TRY_CAST" | "TRY_PARSE" | "PARSE" | "OPENJSON" | "JSON_VALUE" | "FORMAT" => {
                return Err(error::unsupported(&upper));
            }
            _ => {}
        }
        let args = exprs.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
        if let Some(e) = niladic::function(self, &upper, &args)? {
            return Ok(e);
        }
        let c = self.collation();
        if let Some(e) = functions::bind(&upper, args, &c)? {
            return Ok(e);
        }
        Err(error::unknown_function(parts.last().map_or("", String::as_str)))
    }

    fn user_function(&mut self, parts: &[String], args: &[&ast::FunctionArg]) -> SqlResult<Expr> {
        // The text of users' functions is kept, not run: their types are known, their values are not.
        let unknown = || error::unknown_user_function(&parts.join("."));
        let [.., schema, name] = parts else { return Err(unknown()) };
        if let Some(ty) = self.method_type(parts, args)? {
            let function = functions::Function { name: "method", strict: false, body: functions::not_run };
            return Ok(Expr { node: Node::Call(function, Vec::new()), ty, nullable: true });
        }
        let meta = self.session.database_meta(self.database).ok_or_else(unknown)?;
        let found = meta.schema(schema).and_then(|s| meta.find(s.schema_id, name));
        let module =
            found.and_then(|o| o.module()).filter(|m| m.kind == crate::sandbox::meta::ModuleKind::ScalarFunction);
        let returns = module.and_then(|m| m.parameters.iter().find(|p| p.id == 0)).ok_or_else(unknown)?;
        let mut values = Vec::new();
        for arg in args {
            match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Identifier(i)))
                    if i.value.eq_ignore_ascii_case("DEFAULT") => {}
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => values.push(self.value(e)?),
                _ => return Err(error::syntax("=")),
            }
        }
        let function = functions::Function { name: "user function", strict: false, body: functions::not_run };
        Ok(Expr { node: Node::Call(function, values), ty: returns.ty.clone(), nullable: true })
    }

    /// The type of a method of an xml, spatial or hierarchyid column; `None` if the name leads to no such column.
    fn method_type(&mut self, parts: &[String], args: &[&ast::FunctionArg]) -> SqlResult<Option<SqlType>> {
        let Some((method, column)) = parts.split_last() else { return Ok(None) };
        let names: Vec<&str> = column.iter().map(String::as_str).collect();
        let Ok(of) = self.column(&names) else { return Ok(None) };
        let wide = |n| types::nvarchar(n, &self.session.collation());
        let mut whole = wide(1);
        whole.length = crate::sandbox::value::MAX;
        Ok(match (of.ty.base, method.as_str()) {
            (Base::Xml, "value") => {
                // The type is the second argument, in words.
                let said = args.last().map(|a| a.to_string()).unwrap_or_default();
                let said = said.trim_start_matches(['N', 'n']).trim_matches('\'');
                Some(self.session.type_named(self.database, said, true)?)
            }
            (Base::Xml, "exist") => Some(types::bit()),
            (Base::Xml, "query") => Some(types::plain(Base::Xml)),
            (Base::HierarchyId, "GetLevel") => Some(types::plain(Base::SmallInt)),
            (Base::HierarchyId, "IsDescendantOf") => Some(types::bit()),
            (Base::HierarchyId, "ToString") => Some(wide(4000)),
            (Base::HierarchyId, _) => Some(of.ty),
            (Base::Geometry | Base::Geography, "STArea" | "STLength" | "STDistance") => Some(types::plain(Base::Float)),
            (Base::Geometry | Base::Geography, "STAsText" | "ToString" | "AsTextZM") => Some(whole),
            (Base::Geometry | Base::Geography, "STNumPoints" | "STDimension" | "STNumGeometries") => Some(types::int()),
            (Base::Geometry | Base::Geography, "STAsBinary") => {
                Some(types::binary(Base::VarBinary, crate::sandbox::value::MAX))
            }
            (Base::Geometry | Base::Geography, m) if m.starts_with("STIs") || m == "STIntersects" => Some(types::bit()),
            (Base::Geometry | Base::Geography, _) => Some(of.ty),
            _ => None,
        })
    }

    fn date_function(&mut self, upper: &str, exprs: &[&ast::Expr]) -> SqlResult<Expr> {
        let Some((first, rest)) = exprs.split_first() else {
            return Err(error::argument_count(&upper.to_lowercase(), 3));
        };
        let part_name = match first {
            ast::Expr::Identifier(i) => i.value.clone(),
            other => other.to_string(),
        };
        let part = Part::named(&part_name).ok_or_else(|| {
            SqlError::batch(155, 1, 15, format!("'{part_name}' is not a recognized {} option.", upper.to_lowercase()))
        })?;
        let args = rest.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
        let code = Expr::constant(Value::Int(part as i32), types::int());
        niladic::date_function(self, upper, code, args)
    }
}
