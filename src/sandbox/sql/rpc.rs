//! Procedures: those that drivers call (`sp_executesql`, `sp_prepare` and its kin), and EXEC.

use std::collections::HashMap;

use crate::sandbox::meta::{self, ModuleKind};
use crate::sandbox::session::{Abandoned, Done, DoneKind, Parameter, Reply};
use crate::sandbox::value::{SqlType, Value};

use super::convert::{How, convert, integer_of};
use super::error::{self, SqlError, SqlResult};
use super::run::{Flow, Out, command};
use super::session::{SqlSession, Variable};
use super::statement::{Argument, Batch};
use super::text::text_of;
use super::tokens::Tokens;
use super::types;

/// A prepared statement.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its text.
    pub text: String,
    /// Its parameters: name with `@`, type, OUTPUT.
    pub parameters: Vec<(String, SqlType, bool)>,
}

/// A value that is given by name or place.
#[derive(Debug, Clone)]
struct Given {
    name: String,
    ty: SqlType,
    value: Value,
    output: bool,
    default: bool,
}

fn procedure_missing(name: &str) -> SqlError {
    SqlError::batch(2812, 62, 16, format!("Could not find stored procedure '{name}'."))
}

/// Where the value of a parameter stands among those given: by its name, else by its place where no name was given.
fn place_of(given: &[Given], place: usize, name: &str) -> Option<usize> {
    let named = given.iter().position(|g| g.name.eq_ignore_ascii_case(name));
    named.or_else(|| given.get(place).filter(|g| g.name.is_empty()).map(|_| place))
}

/// The values that come back, by the places where they were asked for; the parameters begin at `skip`.
fn outputs(
    declared: &[(String, SqlType, bool)],
    given: &[Given],
    skip: usize,
    after: &HashMap<String, Variable>,
) -> Vec<(usize, SqlType, Value)> {
    let mut found = Vec::new();
    for (i, (n, ty, output)) in declared.iter().enumerate() {
        if let Some(p) = place_of(given, i, n)
            && *output
            && given.get(p).is_some_and(|g| g.output)
        {
            let v = after.get(&n.to_lowercase()).map_or(Value::Null, |v| v.value.clone());
            found.push((p + skip, ty.clone(), v));
        }
    }
    found
}

impl SqlSession {
    /// The declarations of `@a int, @b nvarchar(10) OUTPUT`.
    fn declarations(&self, text: &str) -> SqlResult<Vec<(String, SqlType, bool)>> {
        let t = Tokens::new(text)?;
        let mut out = Vec::new();
        for (a, b) in t.split(0, t.len()) {
            if a == b {
                continue;
            }
            let name = t.identifier(a).filter(|n| n.starts_with('@')).ok_or_else(|| t.near(a))?.to_string();
            let mut end = b;
            let output = t.is(end - 1, "OUTPUT") || t.is(end - 1, "OUT");
            if output || t.is(end - 1, "READONLY") {
                end -= 1;
            }
            if let Some(eq) = (a..end).find(|i| matches!(t.token(*i), Some(sqlparser::tokenizer::Token::Eq))) {
                end = eq;
            }
            let start = if t.is(a + 1, "AS") { a + 2 } else { a + 1 };
            out.push((name, self.type_named(self.database, t.source(start, end), false)?, output));
        }
        Ok(out)
    }

    /// Runs a text with parameters as variables of its own; gives the return value and the variables afterwards.
    pub fn nested(
        &mut self,
        text: &str,
        variables: Vec<(String, Variable)>,
        out: &mut Out<'_>,
    ) -> SqlResult<(i32, HashMap<String, Variable>)> {
        if self.state.borrow().nest >= 32 {
            return Err(SqlError::batch(
                217,
                1,
                16,
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
            ));
        }
        let batch = Batch::parse(text)?;
        let own = variables.into_iter().map(|(n, v)| (n.to_lowercase(), v)).collect();
        let saved = self.variables.replace(own);
        let isolation = self.options.isolation;
        let identity_insert = self.options.identity_insert;
        let before = self.trancount();
        self.state.borrow_mut().nest += 1;
        let kind = std::mem::replace(&mut out.kind, DoneKind::InProcedure);
        let result = self.block(&batch.tokens, &batch.statements, out);
        out.kind = kind;
        self.state.borrow_mut().nest -= 1;
        // What is set inside lasts for the inside only.
        self.options.isolation = isolation;
        self.options.identity_insert = identity_insert;
        let after = self.variables.replace(saved);
        let flow = result?;
        let now = self.trancount();
        if now != before && !self.state.borrow().doomed {
            return Err(SqlError::new(
                266,
                2,
                16,
                format!(
                    "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous \
                     count = {before}, current count = {now}."
                ),
            ));
        }
        let status = match flow {
            Flow::Return(Some(n)) => n,
            _ => 0,
        };
        Ok((status, after))
    }

    /// EXEC of a procedure in a batch: answers DONEPROC and gives the return value.
    pub fn exec(&mut self, procedure: &[String], arguments: &[Argument], out: &mut Out<'_>) -> SqlResult<i32> {
        let mut given = Vec::new();
        let mut targets: Vec<(usize, String)> = Vec::new();
        for (i, a) in arguments.iter().enumerate() {
            let (value, ty) = match &a.value {
                None => (Value::Null, types::int()),
                // A bare word is a string here.
                Some(sqlparser::ast::Expr::Identifier(id)) if !id.value.starts_with('@') => {
                    (super::text::wide(&id.value), types::nvarchar(128, &self.collation()))
                }
                Some(e) => {
                    if let (true, sqlparser::ast::Expr::Identifier(id)) = (a.output, e) {
                        targets.push((i, id.value.clone()));
                    }
                    self.evaluate(e, None)?
                }
            };
            given.push(Given {
                name: a.name.clone().unwrap_or_default(),
                ty,
                value,
                output: a.output,
                default: a.value.is_none(),
            });
        }
        let kind = out.kind;
        let (status, values) = self.procedure(procedure, &given, out)?;
        for (i, variable) in targets {
            if let Some((_, ty, v)) = values.iter().find(|(at, _, _)| *at == i) {
                let into = self.variables.borrow().get(&variable.to_lowercase()).map(|x| x.ty.clone());
                let into = into.ok_or_else(|| error::undeclared_variable(&variable))?;
                let v = convert(v, ty, &into, How::default())?;
                self.set_variable(&variable, v)?;
            }
        }
        self.end_statement(true)?;
        out.reply.return_status(status)?;
        out.ended = true;
        let end = if kind == DoneKind::Statement { DoneKind::Procedure } else { DoneKind::InProcedure };
        out.reply.done(Done { command: command::EXEC, rows: None, error: false }, end)?;
        Ok(status)
    }

    /// Runs a procedure; gives its return value and output values by place.
    #[expect(clippy::type_complexity, reason = "place, type, value")]
    fn procedure(
        &mut self,
        parts: &[String],
        given: &[Given],
        out: &mut Out<'_>,
    ) -> SqlResult<(i32, Vec<(usize, SqlType, Value)>)> {
        let name = parts.last().map(|n| n.to_ascii_lowercase()).unwrap_or_default();
        let shown = parts.join(".");
        let text = |g: &Given| text_of(&g.value, g.ty.collation.as_deref());
        let variables = |declared: &[(String, SqlType, bool)], given: &[Given]| -> SqlResult<Vec<(String, Variable)>> {
            let mut vars: Vec<(String, Variable)> = Vec::new();
            for (i, (n, ty, _)) in declared.iter().enumerate() {
                let value = match place_of(given, i, n).and_then(|p| given.get(p)) {
                    Some(g) => convert(&g.value, &g.ty, ty, How::default())?,
                    None => {
                        return Err(SqlError::batch(
                            8178,
                            1,
                            16,
                            format!("The parameterized query expects the parameter '{n}', which was not supplied."),
                        ));
                    }
                };
                vars.push((n.clone(), Variable { ty: ty.clone(), value, table: None }));
            }
            Ok(vars)
        };
        match name.as_str() {
            "sp_executesql" => {
                let Some(first) = given.first() else {
                    return Err(SqlError::batch(
                        201,
                        10,
                        16,
                        "Procedure or function 'sp_executesql' expects parameter '@statement', which was not supplied.",
                    ));
                };
                let sql = text(first);
                let declared = match given.get(1) {
                    Some(p) => self.declarations(&text(p))?,
                    None => Vec::new(),
                };
                let rest = given.get(2..).unwrap_or_default();
                let vars = variables(&declared, rest)?;
                let (_, after) = self.nested(&sql, vars, out)?;
                Ok((0, outputs(&declared, rest, 2, &after)))
            }
            "sp_prepare" | "sp_prepexec" => {
                // @handle OUTPUT, @params, @stmt, …
                let declared = match given.get(1) {
                    Some(p) => self.declarations(&text(p))?,
                    None => Vec::new(),
                };
                let sql = given.get(2).map(text).unwrap_or_default();
                Batch::parse(&sql)?;
                let handle = self.next_handle;
                self.next_handle += 1;
                self.prepared.insert(handle, Prepared { text: sql.clone(), parameters: declared.clone() });
                let mut values = vec![(0, types::int(), Value::Int(handle))];
                if name == "sp_prepexec" {
                    let rest = given.get(3..).unwrap_or_default();
                    let vars = variables(&declared, rest)?;
                    let (_, after) = self.nested(&sql, vars, out)?;
                    values.extend(outputs(&declared, rest, 3, &after));
                }
                Ok((0, values))
            }
            "sp_execute" => {
                let handle = given.first().and_then(|g| integer_of(&g.value)).unwrap_or(0) as i32;
                let p = self.prepared.get(&handle).cloned().ok_or_else(|| {
                    SqlError::batch(8179, 1, 16, format!("Could not find prepared statement with handle {handle}."))
                })?;
                let rest = given.get(1..).unwrap_or_default();
                let vars = variables(&p.parameters, rest)?;
                let (_, after) = self.nested(&p.text, vars, out)?;
                Ok((0, outputs(&p.parameters, rest, 1, &after)))
            }
            "sp_unprepare" => {
                let handle = given.first().and_then(|g| integer_of(&g.value)).unwrap_or(0) as i32;
                if self.prepared.remove(&handle).is_none() {
                    return Err(SqlError::batch(
                        8179,
                        2,
                        16,
                        format!("Could not find prepared statement with handle {handle}."),
                    ));
                }
                Ok((0, Vec::new()))
            }
            "sp_tablecollations_100" => {
                // What bulk loaders ask of a table before they load it.
                let sql = "SELECT column_id AS colid, name, \
                           CAST(COLLATIONPROPERTY(collation_name, 'TDSCollation') AS binary(5)) AS tds_collation_100, \
                           collation_name AS collation_100 \
                           FROM sys.all_columns WHERE object_id = OBJECT_ID(@object) ORDER BY column_id";
                let object = given.first().map(text).unwrap_or_default();
                let ty = types::nvarchar(4000, &self.collation());
                let variable = Variable { ty, value: super::text::wide(&object), table: None };
                let (status, _) = self.nested(sql, vec![("@object".to_owned(), variable)], out)?;
                Ok((status, Vec::new()))
            }
            "sp_reset_connection" => {
                let _ = self.rollback(None);
                Ok((0, Vec::new()))
            }
            "sp_sequence_get_range" => {
                const PARAMETERS: [&str; 4] =
                    ["@sequence_name", "@range_size", "@range_first_value", "@range_last_value"];
                let at = |parameter: usize| {
                    given
                        .iter()
                        .position(|g| g.name.eq_ignore_ascii_case(PARAMETERS[parameter]))
                        .or_else(|| given.get(parameter).filter(|g| g.name.is_empty()).map(|_| parameter))
                };
                let missing = |parameter: usize| {
                    let what = PARAMETERS[parameter];
                    let message =
                        format!("Procedure or function '{shown}' expects parameter '{what}', which was not supplied.");
                    SqlError::batch(201, 4, 16, message)
                };
                let sequence = text(&given[at(0).ok_or_else(|| missing(0))?]);
                let size = integer_of(&given[at(1).ok_or_else(|| missing(1))?].value).unwrap_or(0);
                at(2).ok_or_else(|| missing(2))?;
                let (ty, first, last) = super::niladic::take_range(self, &sequence, size.into())?;
                let values = [(at(2), first), (at(3), last)];
                let wanted = values.into_iter().filter_map(|(at, v)| Some((at?, ty.clone(), v)));
                Ok((0, wanted.filter(|(at, ..)| given[*at].output).collect()))
            }
            "sp_describe_first_result_set" | "sp_cursoropen" | "sp_cursorprepexec" => Err(error::unsupported(&shown)),
            _ => {
                let arguments: Vec<(String, Value, SqlType)> =
                    given.iter().map(|g| (g.name.clone(), g.value.clone(), g.ty.clone())).collect();
                if let Some(status) = self.system_procedure(parts, &arguments, out)? {
                    return Ok((status, Vec::new()));
                }
                self.user_procedure(parts, given, out)
            }
        }
    }

    /// A procedure of a user: its text, run with its parameters.
    #[expect(clippy::type_complexity, reason = "place, type, value")]
    fn user_procedure(
        &mut self,
        parts: &[String],
        given: &[Given],
        out: &mut Out<'_>,
    ) -> SqlResult<(i32, Vec<(usize, SqlType, Value)>)> {
        let shown = parts.join(".");
        let (database, schema, name) = match parts {
            [n] => (self.database, "dbo", n),
            [s, n] => (self.database, s.as_str(), n),
            [d, s, n] => (self.database_named(d).ok_or_else(|| procedure_missing(&shown))?, s.as_str(), n),
            _ => return Err(procedure_missing(&shown)),
        };
        let schema = if schema.is_empty() { "dbo" } else { schema };
        let db = self.database_meta(database).ok_or_else(|| procedure_missing(&shown))?;
        let found = db.schema(schema).and_then(|s| db.find(s.schema_id, name)).cloned();
        let module = found
            .as_ref()
            .and_then(|o| o.module())
            .filter(|m| m.kind == ModuleKind::Procedure)
            .ok_or_else(|| procedure_missing(&shown))?;
        let definition = module.definition.clone().ok_or_else(|| error::unsupported("ENCRYPTION"))?;
        let t = Tokens::new(&definition)?;
        // The body follows the AS that no parenthesis and no parameter holds: the first one behind the last parameter.
        let declared: Vec<(String, SqlType, bool)> =
            module.parameters.iter().filter(|p| p.id > 0).map(|p| (p.name.clone(), p.ty.clone(), p.output)).collect();
        let mut depth = 0i32;
        let mut body = None;
        for i in 0..t.len() {
            match t.token(i) {
                Some(sqlparser::tokenizer::Token::LParen) => depth += 1,
                Some(sqlparser::tokenizer::Token::RParen) => depth -= 1,
                _ if depth == 0
                    && t.is(i, "AS")
                    && !t.identifier(i - 1).is_some_and(|p| p.starts_with('@'))
                    && !(i > 0 && (t.is(i - 1, "EXECUTE") || t.is(i - 1, "EXEC"))) =>
                {
                    body = Some(i + 1);
                    break;
                }
                _ => {}
            }
        }
        let body = body.ok_or_else(|| error::unsupported("PROCEDURE"))?;
        let text = t.source(body, t.len()).to_string();
        let mut vars = Vec::new();
        for (i, (n, ty, _)) in declared.iter().enumerate() {
            let value = match place_of(given, i, n).and_then(|p| given.get(p)) {
                Some(g) if !g.default => convert(&g.value, &g.ty, ty, How::default())?,
                _ if module.parameters.iter().any(|p| p.name.eq_ignore_ascii_case(n) && p.has_default) => {
                    self.parameter_default(&t, n, body, ty)?
                }
                _ => {
                    return Err(SqlError::batch(
                        201,
                        4,
                        16,
                        format!("Procedure or function '{name}' expects parameter '{n}', which was not supplied."),
                    ));
                }
            };
            vars.push((n.clone(), Variable { ty: ty.clone(), value, table: None }));
        }
        if given.len() > declared.len() {
            return Err(SqlError::batch(
                8144,
                2,
                16,
                format!("Procedure or function {name} has too many arguments specified."),
            ));
        }
        let here = std::mem::replace(&mut self.database, database);
        let result = self.nested(&text, vars, out);
        self.database = here;
        let (status, after) = result.map_err(|mut e| {
            if e.procedure.is_empty() {
                e.procedure.clone_from(name);
            }
            e
        })?;
        let values = outputs(&declared, given, 0, &after);
        Ok((status, values))
    }

    fn parameter_default(&mut self, t: &Tokens, name: &str, body: usize, ty: &SqlType) -> SqlResult<Value> {
        let at = (0..body).find(|i| t.identifier(*i).is_some_and(|n| n.eq_ignore_ascii_case(name)));
        let eq = at.and_then(|a| (a..body).find(|i| matches!(t.token(*i), Some(sqlparser::tokenizer::Token::Eq))));
        let Some(eq) = eq else { return Ok(Value::Null) };
        let mut end = eq + 2;
        if matches!(t.token(eq + 1), Some(sqlparser::tokenizer::Token::Minus)) {
            end += 1;
        }
        let e = t.expr(eq + 1, end)?;
        Ok(self.evaluate(&e, Some(ty))?.0)
    }

    /// An RPC.
    pub fn run_rpc(
        &mut self,
        procedure: &str,
        parameters: &[Parameter],
        reply: &mut dyn Reply,
    ) -> Result<(), Abandoned> {
        self.variables.borrow_mut().clear();
        self.state.borrow_mut().caught.clear();
        let given: Vec<Given> = parameters
            .iter()
            .map(|p| Given {
                name: p.name.clone(),
                ty: p.ty.clone(),
                value: p.value.clone(),
                output: p.output,
                default: p.default,
            })
            .collect();
        let parts = meta::names::parts(procedure).unwrap_or_else(|| vec![procedure.to_string()]);
        let mut out = Out { reply, kind: DoneKind::InProcedure, ended: false, tries: 0 };
        match self.procedure(&parts, &given, &mut out) {
            Ok((status, values)) => {
                if self.end_statement(true).is_err() {
                    return Err(Abandoned);
                }
                out.reply.return_status(status)?;
                for (place, ty, value) in values {
                    let name = parameters.get(place).map_or("", |p| p.name.as_str());
                    out.reply.return_value(place as u16, name, &ty, &value)?;
                }
                Ok(())
            }
            Err(e) => self.failed_batch(e, &mut out),
        }
    }
}
