//! Scalar expressions and conditions of definitions (defaults, checks, computed columns, filters): parsed into a tree and
//! written back in the server's own normalised form (facts 29 to 31).
//!
//! What the parser does not know is refused with the place; [`super::normal`] decides what to do then.

pub use super::ast::expression::{Expr, Facets, TypeName};
use super::error::{DdlError, DdlResult, syntax, syntax_keyword};
use super::lexer::{Tok, Token};

/// Functions whose first argument is a date part.
const WITH_DATE_PART: &[&str] =
    &["dateadd", "datediff", "datediff_big", "datename", "datepart", "datetrunc", "date_bucket"];

/// How deep parentheses may go before 191.
const DEEPEST: usize = 120;

/// Reads expressions from tokens.
#[derive(Debug)]
pub struct ExpressionParser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> ExpressionParser<'a> {
    /// From a token on.
    pub fn new(tokens: &'a [Token], at: usize) -> Self {
        ExpressionParser { tokens, at, depth: 0 }
    }

    /// The token it stopped at.
    pub fn position(&self) -> usize {
        self.at
    }

    fn peek(&self) -> &'a Tok {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> &'a Tok {
        static END: Tok = Tok::End;
        self.tokens.get(self.at + n).map_or(&END, |t| &t.tok)
    }

    fn is_word(&self, n: usize, word: &str) -> bool {
        matches!(self.ahead(n), Tok::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        if found {
            self.at += 1;
        }
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Tok::Sign(s) if *s == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, sign: &str) -> DdlResult<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_word(&mut self, word: &str) -> DdlResult<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> DdlError {
        unexpected(self.peek())
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> DdlResult<T>) -> DdlResult<T> {
        if self.depth >= DEEPEST {
            return Err(DdlError::new(
                191,
                1,
                15,
                "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller \
                 queries.",
            ));
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }

    /// A condition or a scalar: whatever stands here, down to OR.
    pub fn expression(&mut self) -> DdlResult<Expr> {
        self.deeper(|p| p.climb(0))
    }

    /// A scalar expression: stops before comparisons and logic (DEFAULT 1 NOT NULL must not eat the NOT).
    pub fn scalar(&mut self) -> DdlResult<Expr> {
        self.deeper(|p| p.climb(5))
    }

    /// Precedence climbing. Levels: 0 OR, 1 AND, 2 NOT, 3 comparison, 5 additive and bits, 6 multiplicative.
    fn climb(&mut self, least: u8) -> DdlResult<Expr> {
        let mut left = if least <= 2 && self.is_word(0, "NOT") {
            self.at += 1;
            Expr::Not(Box::new(self.deeper(|p| p.climb(2))?))
        } else {
            self.postfix()?
        };
        loop {
            let next = match self.peek() {
                Tok::Word(w) if least == 0 && w.eq_ignore_ascii_case("OR") => {
                    self.at += 1;
                    let right = self.deeper(|p| p.climb(1))?;
                    Expr::Or(Box::new(left), Box::new(right))
                }
                Tok::Word(w) if least <= 1 && w.eq_ignore_ascii_case("AND") => {
                    self.at += 1;
                    let right = self.deeper(|p| p.climb(2))?;
                    Expr::And(Box::new(left), Box::new(right))
                }
                Tok::Word(_) if least <= 3 => match self.predicate(left)? {
                    Ok(done) => done,
                    Err(back) => return Ok(back),
                },
                Tok::Sign(s) => {
                    let (level, op) = match *s {
                        "=" | "<" | ">" | "<=" | ">=" | "<>" => (3, *s),
                        "!=" => (3, "<>"),
                        "!<" => (3, ">="),
                        "!>" => (3, "<="),
                        "+" | "-" | "&" | "|" | "^" => (5, *s),
                        "*" | "/" | "%" => (6, *s),
                        _ => return Ok(left),
                    };
                    if level < least {
                        return Ok(left);
                    }
                    self.at += 1;
                    let right = self.deeper(|p| p.climb(level + 1))?;
                    if level == 3 {
                        Expr::Compare(op, Box::new(left), Box::new(right))
                    } else {
                        Expr::Arithmetic(op, Box::new(left), Box::new(right))
                    }
                }
                _ => return Ok(left),
            };
            left = next;
        }
    }

    /// IS, LIKE, IN, BETWEEN after a value; `Err` gives the value back when none follows.
    fn predicate(&mut self, left: Expr) -> DdlResult<Result<Expr, Expr>> {
        if self.is_word(0, "IS") {
            self.at += 1;
            let not = self.word("NOT");
            self.expect_word("NULL")?;
            return Ok(Ok(Expr::IsNull(Box::new(left), not)));
        }
        let not = self.is_word(0, "NOT");
        let n = usize::from(not);
        if self.is_word(n, "LIKE") {
            self.at += n + 1;
            let pattern = Box::new(self.deeper(|p| p.climb(5))?);
            let escape = if self.word("ESCAPE") { Some(Box::new(self.deeper(|p| p.climb(5))?)) } else { None };
            return Ok(Ok(Expr::Like { value: Box::new(left), pattern, escape, not }));
        }
        if self.is_word(n, "BETWEEN") {
            self.at += n + 1;
            let low = Box::new(self.deeper(|p| p.climb(5))?);
            self.expect_word("AND")?;
            let high = Box::new(self.deeper(|p| p.climb(5))?);
            return Ok(Ok(Expr::Between { value: Box::new(left), low, high, not }));
        }
        if self.is_word(n, "IN") {
            self.at += n + 1;
            self.expect("(")?;
            self.no_subquery()?;
            let list = self.list(")")?;
            return Ok(Ok(Expr::In { value: Box::new(left), list, not }));
        }
        Ok(Err(left))
    }

    /// A value and what is hung on it: COLLATE, AT TIME ZONE, methods.
    fn postfix(&mut self) -> DdlResult<Expr> {
        let mut value = self.primary()?;
        loop {
            if self.is_word(0, "COLLATE") {
                self.at += 1;
                let name = self.name()?;
                value = Expr::Collate(Box::new(value), name);
            } else if self.is_word(0, "AT") && self.is_word(1, "TIME") && self.is_word(2, "ZONE") {
                self.at += 3;
                let zone = self.deeper(|p| p.postfix())?;
                value = Expr::AtTimeZone(Box::new(value), Box::new(zone));
            } else if matches!(self.peek(), Tok::Sign(".")) && !matches!(value, Expr::Number { .. }) {
                self.at += 1;
                let name = self.name()?;
                let args = if self.sign("(") { Some(self.list(")")?) } else { None };
                value = Expr::Method { target: Box::new(value), name, args };
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> DdlResult<Expr> {
        let token = self.peek().clone();
        match token {
            Tok::Number(text) => {
                self.at += 1;
                Ok(Expr::Number { text, negative: false })
            }
            Tok::Money(text) => {
                self.at += 1;
                Ok(Expr::Money { text, negative: false })
            }
            Tok::Text { national, text } => {
                self.at += 1;
                Ok(Expr::Text { national, text })
            }
            Tok::Binary(text) => {
                self.at += 1;
                Ok(Expr::Binary(text))
            }
            Tok::Variable(name) => {
                self.at += 1;
                Ok(Expr::Variable(name))
            }
            Tok::Sign("(") => {
                self.at += 1;
                self.no_subquery()?;
                let inner = self.deeper(|p| p.climb(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Tok::Sign(sign @ ("-" | "+" | "~")) => {
                self.at += 1;
                let value = self.deeper(|p| p.postfix())?;
                Ok(match (sign, value) {
                    ("-", Expr::Number { text, negative }) => Expr::Number { text, negative: !negative },
                    ("-", Expr::Money { text, negative }) => Expr::Money { text, negative: !negative },
                    ("+", value) => value,
                    (sign, value) => Expr::Unary(sign, Box::new(value)),
                })
            }
            Tok::Word(word) => self.word_or_name(&word),
            Tok::Quoted(_) => self.dotted(),
            Tok::Sign(_) | Tok::End => Err(self.unexpected()),
        }
    }

    fn no_subquery(&self) -> DdlResult<()> {
        if self.is_word(0, "SELECT") {
            return Err(DdlError::new(
                1046,
                1,
                15,
                "Subqueries are not allowed in this context. Only scalar expressions are allowed.",
            ));
        }
        Ok(())
    }

    fn word_or_name(&mut self, word: &str) -> DdlResult<Expr> {
        let upper = word.to_ascii_uppercase();
        let call = matches!(self.ahead(1), Tok::Sign("("));
        match upper.as_str() {
            "NULL" => {
                self.at += 1;
                Ok(Expr::Null)
            }
            "DEFAULT" => {
                self.at += 1;
                Ok(Expr::Default)
            }
            "CASE" => self.case(),
            "CAST" if call => {
                self.at += 2;
                let value = Box::new(self.expression()?);
                self.expect_word("AS")?;
                let ty = self.type_name()?;
                self.expect(")")?;
                Ok(Expr::Convert { attempt: false, ty, value, style: None })
            }
            "TRY_CAST" | "PARSE" | "TRY_PARSE" if call => {
                self.at += 2;
                let value = Box::new(self.expression()?);
                self.expect_word("AS")?;
                let ty = self.type_name()?;
                let culture = if self.word("USING") { Some(Box::new(self.expression()?)) } else { None };
                self.expect(")")?;
                let name = match upper.as_str() {
                    "PARSE" => "parse",
                    "TRY_PARSE" => "try_parse",
                    _ => "try_cast",
                };
                Ok(Expr::AsType { name, value, ty, culture })
            }
            "CONVERT" | "TRY_CONVERT" if call => {
                self.at += 2;
                let ty = self.type_name()?;
                self.expect(",")?;
                let value = Box::new(self.expression()?);
                let style = if self.sign(",") { Some(Box::new(self.expression()?)) } else { None };
                self.expect(")")?;
                Ok(Expr::Convert { attempt: upper == "TRY_CONVERT", ty, value, style })
            }
            "NEXT" if self.is_word(1, "VALUE") => {
                self.at += 2;
                self.expect_word("FOR")?;
                Ok(Expr::NextValue(self.parts()?.0))
            }
            "CURRENT_TIMESTAMP" => self.bare("getdate"),
            // Assumption: these come back as the functions they stand for.
            "CURRENT_USER" | "SESSION_USER" | "USER" if !call => self.bare("user_name"),
            "SYSTEM_USER" if !call => self.bare("suser_sname"),
            "EXISTS" | "SELECT" => Err(DdlError::new(
                1046,
                1,
                15,
                "Subqueries are not allowed in this context. Only scalar expressions are allowed.",
            )),
            _ if is_reserved(&upper)
                && !(call && matches!(upper.as_str(), "LEFT" | "RIGHT" | "COALESCE" | "NULLIF")) =>
            {
                Err(syntax_keyword(word))
            }
            _ => self.dotted(),
        }
    }

    fn bare(&mut self, name: &str) -> DdlResult<Expr> {
        self.at += 1;
        Ok(Expr::Function { name: vec![name.into()], quoted: false, args: vec![], star: false, distinct: false })
    }

    fn case(&mut self) -> DdlResult<Expr> {
        self.at += 1;
        let operand = if self.is_word(0, "WHEN") { None } else { Some(Box::new(self.expression()?)) };
        let mut whens = Vec::new();
        while self.word("WHEN") {
            let when = self.expression()?;
            self.expect_word("THEN")?;
            whens.push((when, self.expression()?));
        }
        if whens.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.expression()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { operand, whens, otherwise })
    }

    fn name(&mut self) -> DdlResult<String> {
        match self.peek() {
            Tok::Word(w) | Tok::Quoted(w) => {
                self.at += 1;
                Ok(w.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A dotted name, and whether its last part was quoted.
    fn parts(&mut self) -> DdlResult<(Vec<String>, bool)> {
        let mut parts = Vec::new();
        loop {
            if matches!(self.peek(), Tok::Sign(".")) && !parts.is_empty() {
                parts.push(String::new());
            } else {
                let quoted = matches!(self.peek(), Tok::Quoted(_));
                parts.push(self.name()?);
                if !matches!(self.peek(), Tok::Sign(".")) {
                    return Ok((parts, quoted));
                }
            }
            self.at += 1;
        }
    }

    fn dotted(&mut self) -> DdlResult<Expr> {
        let (mut parts, quoted) = self.parts()?;
        if self.sign("::") {
            let name = parts.pop().unwrap_or_default();
            let ty = TypeName { schema: parts.pop(), name, facets: Facets::None };
            let name = self.name()?;
            let args = if self.sign("(") { Some(self.list(")")?) } else { None };
            return Ok(Expr::Static { ty, name, args });
        }
        if !self.sign("(") {
            return Ok(Expr::Column(parts));
        }
        if self.sign("*") {
            self.expect(")")?;
            return Ok(Expr::Function { name: parts, quoted, args: vec![], star: true, distinct: false });
        }
        let distinct = self.word("DISTINCT");
        let mut args = Vec::new();
        let lower = parts.last().map(|p| p.to_ascii_lowercase()).unwrap_or_default();
        if parts.len() == 1 && WITH_DATE_PART.contains(&lower.as_str()) {
            let Tok::Word(part) = self.peek() else { return Err(self.unexpected()) };
            args.push(Expr::DatePart(date_part(part)));
            self.at += 1;
            if !self.sign(",") {
                return Err(self.unexpected());
            }
        }
        // A method of a two-part target looks like a function with a dotted name: [col].value('…', '…').
        self.no_subquery()?;
        args.extend(self.list(")")?);
        Ok(Expr::Function { name: parts, quoted, args, star: false, distinct })
    }

    fn list(&mut self, close: &str) -> DdlResult<Vec<Expr>> {
        let mut out = Vec::new();
        if self.sign(close) {
            return Ok(out);
        }
        loop {
            out.push(self.expression()?);
            if self.sign(close) {
                return Ok(out);
            }
            self.expect(",")?;
        }
    }

    /// A data type: `int`, `[dbo].[T]`, `decimal(10, 2)`, `nvarchar(max)`, `xml(DOCUMENT dbo.c)`, `double precision`.
    pub fn type_name(&mut self) -> DdlResult<TypeName> {
        let (mut parts, quoted) = self.parts()?;
        let mut name = parts.pop().unwrap_or_default();
        let schema = parts.pop();
        if !quoted && schema.is_none() {
            let two = |p: &Self, a: &str, b: &str| name.eq_ignore_ascii_case(a) && p.is_word(0, b);
            if two(self, "double", "precision") {
                self.at += 1;
                name = "float".into();
            } else if two(self, "character", "varying") || two(self, "char", "varying") {
                self.at += 1;
                name = "varchar".into();
            } else if two(self, "binary", "varying") {
                self.at += 1;
                name = "varbinary".into();
            } else if name.eq_ignore_ascii_case("national") {
                let base = self.name()?;
                name = if base.eq_ignore_ascii_case("text") { "ntext".into() } else { "nchar".into() };
                if self.word("varying") {
                    name = "nvarchar".into();
                }
            }
        }
        let mut facets = Facets::None;
        if self.sign("(") {
            facets = match self.peek().clone() {
                Tok::Number(first) => {
                    self.at += 1;
                    let first = small(&first).ok_or_else(|| syntax(&first))?;
                    if self.sign(",") {
                        let Tok::Number(second) = self.peek() else { return Err(self.unexpected()) };
                        let second = small(second).ok_or_else(|| syntax(second))?;
                        self.at += 1;
                        Facets::Two(first, second)
                    } else {
                        Facets::One(first)
                    }
                }
                Tok::Word(w) | Tok::Quoted(w) if w.eq_ignore_ascii_case("max") => {
                    self.at += 1;
                    Facets::Max
                }
                Tok::Word(_) | Tok::Quoted(_) => {
                    let document = self.word("DOCUMENT");
                    if !document {
                        self.word("CONTENT");
                    }
                    let (mut parts, _) = self.parts()?;
                    let name = parts.pop().unwrap_or_default();
                    Facets::Xml { document, collection: (parts.pop(), name) }
                }
                _ => return Err(self.unexpected()),
            };
            self.expect(")")?;
        }
        Ok(TypeName { schema, name, facets })
    }
}

fn small(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// 102 or 156 for a token that does not belong.
pub fn unexpected(tok: &Tok) -> DdlError {
    match tok {
        Tok::Word(w) if is_reserved(&w.to_ascii_uppercase()) => syntax_keyword(w),
        Tok::Word(w) | Tok::Quoted(w) => syntax(w),
        Tok::Text { text, .. } => syntax(text),
        Tok::Number(t) | Tok::Money(t) | Tok::Binary(t) | Tok::Variable(t) => syntax(t),
        Tok::Sign(s) => syntax(s),
        Tok::End => syntax(""),
    }
}

/// The full name of a date part from any of its abbreviations.
fn date_part(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "yy" | "yyyy" => "year",
        "qq" | "q" => "quarter",
        "mm" | "m" => "month",
        "dy" | "y" => "dayofyear",
        "dd" | "d" => "day",
        "wk" | "ww" => "week",
        "dw" | "w" => "weekday",
        "hh" => "hour",
        "mi" | "n" => "minute",
        "ss" | "s" => "second",
        "ms" => "millisecond",
        "mcs" => "microsecond",
        "ns" => "nanosecond",
        "tz" => "tzoffset",
        "isowk" | "isoww" => "iso_week",
        other => other,
    }
    .to_string()
}

/// The words that are never bare names.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "ADD", "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "AUTHORIZATION", "BACKUP", "BEGIN", "BETWEEN", "BREAK",
    "BROWSE", "BULK", "BY", "CASCADE", "CASE", "CHECK", "CHECKPOINT", "CLOSE", "CLUSTERED", "COALESCE", "COLLATE",
    "COLUMN", "COMMIT", "COMPUTE", "CONSTRAINT", "CONTAINS", "CONTAINSTABLE", "CONTINUE", "CONVERT", "CREATE",
    "CROSS", "CURRENT", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURSOR", "DATABASE",
    "DBCC", "DEALLOCATE", "DECLARE", "DEFAULT", "DELETE", "DENY", "DESC", "DISK", "DISTINCT", "DISTRIBUTED", "DOUBLE",
    "DROP", "DUMP", "ELSE", "END", "ERRLVL", "ESCAPE", "EXCEPT", "EXEC", "EXECUTE", "EXISTS", "EXIT", "EXTERNAL",
    "FETCH", "FILE", "FILLFACTOR", "FOR", "FOREIGN", "FREETEXT", "FREETEXTTABLE", "FROM", "FULL", "FUNCTION", "GOTO",
    "GRANT", "GROUP", "HAVING", "HOLDLOCK", "IDENTITY", "IDENTITYCOL", "IDENTITY_INSERT", "IF", "IN", "INDEX",
    "INNER", "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "KEY", "KILL", "LEFT", "LIKE", "LINENO", "LOAD", "MERGE",
    "NATIONAL", "NOCHECK", "NONCLUSTERED", "NOT", "NULL", "NULLIF", "OF", "OFF", "OFFSETS", "ON", "OPEN",
    "OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "OPENXML", "OPTION", "OR", "ORDER", "OUTER", "OVER", "PERCENT",
    "PIVOT", "PLAN", "PRECISION", "PRIMARY", "PRINT", "PROC", "PROCEDURE", "PUBLIC", "RAISERROR", "READ", "READTEXT",
    "RECONFIGURE", "REFERENCES", "REPLICATION", "RESTORE", "RESTRICT", "RETURN", "REVERT", "REVOKE", "RIGHT",
    "ROLLBACK", "ROWCOUNT", "ROWGUIDCOL", "RULE", "SAVE", "SCHEMA", "SECURITYAUDIT", "SELECT",
    "SEMANTICKEYPHRASETABLE", "SEMANTICSIMILARITYDETAILSTABLE", "SEMANTICSIMILARITYTABLE", "SESSION_USER", "SET",
    "SETUSER", "SHUTDOWN", "SOME", "STATISTICS", "SYSTEM_USER", "TABLE", "TABLESAMPLE", "TEXTSIZE", "THEN", "TO",
    "TOP", "TRAN", "TRANSACTION", "TRIGGER", "TRUNCATE", "TRY_CONVERT", "TSEQUAL", "UNION", "UNIQUE", "UNPIVOT",
    "UPDATE", "UPDATETEXT", "USE", "USER", "VALUES", "VARYING", "VIEW", "WAITFOR", "WHEN", "WHERE", "WHILE", "WITH",
    "WITHIN", "WRITETEXT",
];

/// Whether an upper-case word is reserved.
pub fn is_reserved(upper: &str) -> bool {
    RESERVED.binary_search(&upper).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
        assert!(is_reserved("PRIMARY") && !is_reserved("NAME"));
    }

    #[test]
    fn too_deep_is_191_not_a_crash() {
        let text = "(".repeat(5000) + "1" + &")".repeat(5000);
        let tokens = super::super::lexer::lex(&text, true).unwrap();
        assert_eq!(ExpressionParser::new(&tokens, 0).expression().unwrap_err().last().number, 191);
        let text = "- ~".to_string() + &" ~".repeat(5000) + "1";
        let tokens = super::super::lexer::lex(&text, true).unwrap();
        assert_eq!(ExpressionParser::new(&tokens, 0).expression().unwrap_err().last().number, 191);
    }
}
