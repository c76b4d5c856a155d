//! The texts that the catalogue keeps, read again: expressions of constraints, queries of views and inline functions.

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use super::error::{self, SqlResult};
use super::tokens::Tokens;

/// An expression from its stored text.
pub fn expression(text: &str) -> SqlResult<ast::Expr> {
    let t = Tokens::new(text)?;
    t.expr(0, t.len())
}

/// The columns named by CREATE VIEW, and its query.
pub fn view_query(definition: &str) -> SqlResult<(Vec<String>, Box<ast::Query>)> {
    let t = Tokens::new(definition)?;
    let view = (0..t.len()).find(|i| t.is(*i, "VIEW")).ok_or_else(|| error::syntax("VIEW"))?;
    let (_, mut at) = t.name(view + 1).ok_or_else(|| t.near(view + 1))?;
    let mut names = Vec::new();
    if matches!(t.token(at), Some(Token::LParen)) {
        let close = t.close(at, t.len()).ok_or_else(|| t.near(at))?;
        for (a, _) in t.split(at + 1, close - 1) {
            names.push(t.identifier(a).ok_or_else(|| t.near(a))?.to_string());
        }
        at = close;
    }
    let body = (at..t.len()).find(|i| t.is(*i, "AS")).ok_or_else(|| t.near(at))? + 1;
    let mut end = t.len();
    while end > body && matches!(t.token(end - 1), Some(Token::SemiColon)) {
        end -= 1;
    }
    // WITH CHECK OPTION at the end belongs to the view.
    if end >= body + 3 && t.is(end - 1, "OPTION") && t.is(end - 2, "CHECK") && t.is(end - 3, "WITH") {
        end -= 3;
    }
    Ok((names, t.query(body, end)?))
}

/// The query that an inline function returns.
pub fn function_query(definition: &str) -> SqlResult<Box<ast::Query>> {
    let t = Tokens::new(definition)?;
    let returns = (0..t.len()).find(|i| t.is(*i, "RETURNS")).ok_or_else(|| error::syntax("RETURNS"))?;
    let at = (returns + 1..t.len()).find(|i| t.is(*i, "RETURN")).ok_or_else(|| t.near(returns))? + 1;
    let mut end = t.len();
    while end > at && matches!(t.token(end - 1), Some(Token::SemiColon)) {
        end -= 1;
    }
    // The whole may stand in parentheses.
    let wrapped = matches!(t.token(at), Some(Token::LParen)) && t.close(at, end) == Some(end);
    if wrapped { t.query(at + 1, end - 1) } else { t.query(at, end) }
}
