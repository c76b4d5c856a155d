//! A batch as statements: what a statement is and what a batch is made of. Queries and expressions are read by the parser;
//! definitions are left as tokens for the catalogue.

mod boundary;
mod change;
mod procedural;
mod reader;

use std::sync::Arc;

use sqlparser::ast;

use super::error::{SqlError, SqlResult};
use super::tokens::Tokens;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its first token.
    pub from: usize,
    /// After its last token.
    pub to: usize,
    /// Its line.
    pub line: u32,
    /// What it is.
    pub kind: Kind,
}

/// A declared variable.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// With its `@`.
    pub name: String,
    /// Its type.
    pub ty: ast::DataType,
    /// Columns, when it is a table: the tokens between the parentheses.
    pub table: Option<(usize, usize)>,
    /// Its first value.
    pub value: Option<ast::Expr>,
}

/// An argument of EXEC.
#[derive(Debug, Clone)]
pub struct Argument {
    /// With its `@`, if named.
    pub name: Option<String>,
    /// `None` for DEFAULT.
    pub value: Option<ast::Expr>,
    /// OUTPUT.
    pub output: bool,
}

/// What INSERT takes its rows from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A query, VALUES among them.
    Query(Box<ast::Query>),
    /// DEFAULT VALUES.
    Defaults,
    /// EXEC.
    Exec(Box<Statement>),
}

/// `OUTPUT … [INTO …]`.
#[derive(Debug, Clone)]
pub struct Output {
    /// The list.
    pub items: Vec<ast::SelectItem>,
    /// The target and its columns.
    pub into: Option<(Vec<String>, Vec<String>)>,
}

/// INSERT.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the clauses")]
pub struct Insert {
    pub target: Vec<String>,
    pub columns: Option<Vec<String>>,
    pub output: Option<Output>,
    pub source: Source,
    pub with: Option<ast::With>,
}

/// `SET a = …` of UPDATE.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The variable, if one is set.
    pub variable: Option<String>,
    /// The column.
    pub column: Option<Vec<String>>,
    /// `+` of `+=`.
    pub operator: Option<ast::BinaryOperator>,
    /// `None` for DEFAULT.
    pub value: Option<ast::Expr>,
}

/// UPDATE or DELETE.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the clauses")]
pub struct Change {
    pub target: Vec<String>,
    pub top: Option<ast::Expr>,
    /// UPDATE only.
    pub set: Option<Vec<Assignment>>,
    pub output: Option<Output>,
    pub from: Vec<ast::TableWithJoins>,
    pub filter: Option<ast::Expr>,
    pub with: Option<ast::With>,
}

/// What a statement is.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as in T-SQL")]
pub enum Kind {
    Query(Box<ast::Query>),
    Insert(Box<Insert>),
    Update(Box<Change>),
    Delete(Box<Change>),
    Declare(Vec<Declaration>),
    SetVariable {
        name: String,
        operator: Option<ast::BinaryOperator>,
        value: ast::Expr,
    },
    /// The words after SET, as tokens.
    SetOption,
    If {
        condition: ast::Expr,
        then: Box<Statement>,
        otherwise: Option<Box<Statement>>,
    },
    While {
        condition: ast::Expr,
        body: Box<Statement>,
    },
    Block(Vec<Statement>),
    TryCatch {
        attempt: Vec<Statement>,
        caught: Vec<Statement>,
    },
    Print(ast::Expr),
    RaisError {
        arguments: Vec<ast::Expr>,
        log: bool,
    },
    Throw(Option<Vec<ast::Expr>>),
    Use(String),
    Begin(Option<String>),
    Commit,
    Rollback(Option<String>),
    Save(String),
    Exec {
        result: Option<String>,
        procedure: Vec<String>,
        arguments: Vec<Argument>,
    },
    /// EXEC ('…' + @x).
    ExecText(Vec<ast::Expr>),
    Return(Option<ast::Expr>),
    Break,
    Continue,
    WaitFor {
        delay: bool,
        value: ast::Expr,
    },
    InsertBulk,
    /// A definition or another order for the catalogue; `true` if it reaches to the end of the batch (modules).
    Definition,
    /// DBCC, RECONFIGURE, CHECKPOINT, KILL and the like: words only.
    Other,
}

/// A batch ready to run.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its tokens.
    pub tokens: Arc<Tokens>,
    /// Its statements.
    pub statements: Vec<Statement>,
}

impl Batch {
    /// Reads a batch; syntax errors are found before anything runs.
    pub fn parse(text: &str) -> SqlResult<Batch> {
        let tokens = Arc::new(Tokens::new(text)?);
        let mut reader = Reader { t: &tokens, at: 0, depth: 0 };
        let mut statements = Vec::new();
        reader.skip_separators();
        while reader.at < tokens.len() {
            statements.push(reader.statement(statements.is_empty())?);
            reader.skip_separators();
        }
        if let Some(bulk) = statements.iter().find(|s| matches!(s.kind, Kind::InsertBulk)) {
            // Fact 2.
            if statements.len() > 1 {
                return Err(SqlError::batch(428, 1, 16, "Insert bulk cannot be used in a multi-statement batch.")
                    .at_line(bulk.line));
            }
        }
        Ok(Batch { tokens, statements })
    }
}

/// Reads the statements of a batch, one after another.
struct Reader<'a> {
    /// The batch.
    t: &'a Tokens,
    /// The token that is read next.
    at: usize,
    /// How deeply the statement that is read is nested.
    depth: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<String> {
        let b = Batch::parse(sql).unwrap();
        b.statements.iter().map(|s| b.tokens.source(s.from, s.to).to_string()).collect()
    }

    #[test]
    fn statements_end_where_others_begin() {
        assert_eq!(
            kinds("SELECT 1 SELECT a FROM t UNION ALL SELECT b FROM u INSERT t VALUES (1) INSERT t SELECT 1 DELETE t"),
            [
                "SELECT 1",
                "SELECT a FROM t UNION ALL SELECT b FROM u",
                "INSERT t VALUES (1)",
                "INSERT t SELECT 1",
                "DELETE t"
            ]
        );
        assert_eq!(
            kinds("CREATE TABLE b(id int REFERENCES a(id) ON DELETE CASCADE ON UPDATE SET NULL) ALTER TABLE c ADD x int \
                   CONSTRAINT f REFERENCES b ON DELETE SET NULL ALTER TABLE c DROP COLUMN x UPDATE c SET x = CASE WHEN 1=1 \
                   THEN 1 ELSE 2 END WHERE x = 3 IF 1 = 1 SELECT 1 ELSE SELECT 2; BEGIN TRY SELECT 1 END TRY BEGIN CATCH \
                   THROW END CATCH").len(),
            6
        );
        assert_eq!(kinds("GRANT SELECT, UPDATE ON t TO u DENY EXECUTE TO v").len(), 2);
        assert_eq!(kinds("CREATE VIEW v AS SELECT 1 SELECT 2").len(), 1);
        assert_eq!(kinds("sp_rename 'a', 'b'").len(), 1);
        assert_eq!(kinds("DECLARE @a int = 1, @b nvarchar(10) SET @a = 2 EXEC @a = p @x = 1, @y = @a OUTPUT").len(), 3);
        assert_eq!(kinds("ALTER DATABASE x SET SINGLE_USER WITH ROLLBACK IMMEDIATE DROP DATABASE x").len(), 2);
        assert_eq!(kinds("BEGIN TRAN; COMMIT TRAN BEGIN TRANSACTION a ROLLBACK a").len(), 4);
        assert_eq!(kinds("UPDATE customers SET id = customers.id + 10 FROM customers JOIN orders ON 1 = 1").len(), 1);
        assert_eq!(
            kinds("WITH a AS (SELECT 1 x) SELECT * FROM a OPTION (RECOMPILE); WITH b AS (SELECT 1 x) DELETE b").len(),
            2
        );
    }

    #[test]
    fn fact_2_insert_bulk_stands_alone() {
        assert_eq!(Batch::parse("SELECT 1; insert bulk t ([id] int)").unwrap_err().number, 428);
        assert!(Batch::parse("insert bulk t ([id] int) with (TABLOCK)").is_ok());
    }
}
