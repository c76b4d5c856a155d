//! SET options, and what DBCC USEROPTIONS says of them.

use crate::sandbox::session::{EnvChange, ResultColumn};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::statement::Statement;
use crate::sandbox::sql::tokens::Tokens;
use crate::sandbox::sql::{text, types};

use super::{Out, command, info};

impl SqlSession {
    /// SET of anything but a variable.
    pub(super) fn set_option(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        let at = s.from + 1;
        let first = t.word(at);
        if first == "TRANSACTION" {
            let words: Vec<String> = (at..s.to).map(|i| t.word(i)).collect();
            let level = words.get(3..).map(|w| w.join(" ")).unwrap_or_default();
            self.options.isolation = match level.as_str() {
                "READ UNCOMMITTED" => 1,
                "READ COMMITTED" => 2,
                "REPEATABLE READ" => 3,
                "SERIALIZABLE" => 4,
                "SNAPSHOT" => 5,
                _ => return Err(t.near(s.to.saturating_sub(1))),
            };
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        if first == "IDENTITY_INSERT" {
            let (name, next) = t.name(at + 1).ok_or_else(|| t.near(at + 1))?;
            let on = t.is(next, "ON");
            if !on && !t.is(next, "OFF") {
                return Err(t.near(next));
            }
            self.identity_insert(&name, on)?;
            out.done(self, if on { command::IDENTITY_ON } else { command::IDENTITY_OFF }, None)?;
            return Ok(());
        }
        if first == "STATISTICS" {
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        // SET a, b, c ON | OFF, or SET a value.
        let last = s.to.saturating_sub(1);
        let on = t.is(last, "ON");
        let off = t.is(last, "OFF");
        if !on && !off {
            let negative = matches!(t.token(at + 1), Some(sqlparser::tokenizer::Token::Minus));
            let value =
                t.source(if negative { at + 2 } else { at + 1 }, s.to).trim_start_matches('=').trim().to_string();
            let n: i64 = value.parse().unwrap_or(0) * if negative { -1 } else { 1 };
            match first.as_str() {
                "LOCK_TIMEOUT" => self.options.lock_timeout = n as i32,
                "ROWCOUNT" => self.options.row_limit = n,
                "TEXTSIZE" => self.options.text_size = if n <= 0 { i32::MAX } else { n as i32 },
                "LANGUAGE" => {
                    let name = value.trim_matches(['\'', 'N', '[', ']']).to_string();
                    out.reply.env(&EnvChange::Language(name.clone(), "us_english".into()))?;
                    out.reply.message(&info(5703, 1, &format!("Changed language setting to {name}."), s.line))?;
                }
                "DATEFIRST"
                | "DATEFORMAT"
                | "DEADLOCK_PRIORITY"
                | "CONTEXT_INFO"
                | "QUERY_GOVERNOR_COST_LIMIT"
                | "FIPS_FLAGGER" => {}
                other => {
                    let shown = t.identifier(at).unwrap_or(other).to_string();
                    return Err(SqlError::batch(195, 5, 15, format!("'{shown}' is not a recognized SET option.")));
                }
            }
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        let described_only = self.options.format_only;
        for (a, _) in t.split(at, last) {
            match t.word(a).as_str() {
                "NOCOUNT" => self.options.nocount = on,
                "XACT_ABORT" => self.options.xact_abort = on,
                "IMPLICIT_TRANSACTIONS" => self.options.implicit_transactions = on,
                "QUOTED_IDENTIFIER" => self.options.quoted_identifier = on,
                "ANSI_NULLS" => self.options.ansi_nulls = on,
                "NOEXEC" => self.options.no_exec = on,
                "FMTONLY" => self.options.format_only = on,
                "PARSEONLY" => self.options.parse_only = on,
                "ANSI_DEFAULTS"
                | "ANSI_PADDING"
                | "ANSI_WARNINGS"
                | "ANSI_NULL_DFLT_ON"
                | "ANSI_NULL_DFLT_OFF"
                | "ARITHABORT"
                | "ARITHIGNORE"
                | "CONCAT_NULL_YIELDS_NULL"
                | "CURSOR_CLOSE_ON_COMMIT"
                | "NUMERIC_ROUNDABORT"
                | "FORCEPLAN"
                | "REMOTE_PROC_TRANSACTIONS"
                | "SHOWPLAN_ALL"
                | "SHOWPLAN_TEXT"
                | "SHOWPLAN_XML" => {}
                other => {
                    let shown = t.identifier(a).unwrap_or(other).to_string();
                    return Err(SqlError::batch(195, 5, 15, format!("'{shown}' is not a recognized SET option.")));
                }
            }
        }
        // Assumption: SET FMTONLY OFF has no DONE of its own. freebcp, which real servers serve, forgets the columns it
        // has just asked for when one follows.
        if described_only && !self.options.format_only {
            return Ok(());
        }
        out.done(self, if on { command::SET_ON } else { command::SET_OFF }, None)?;
        Ok(())
    }

    /// DBCC USEROPTIONS.
    pub(super) fn user_options(&mut self, out: &mut Out<'_>) -> SqlResult<()> {
        let c = self.collation();
        let column =
            |name: &str| ResultColumn { name: name.into(), ty: types::nvarchar(128, &c), flags: 33, user_type: 0 };
        out.reply.columns(&[column("Set Option"), column("Value")])?;
        let level = ["", "read uncommitted", "read committed", "repeatable read", "serializable", "snapshot"]
            [usize::from(self.options.isolation.min(5))];
        let rows = [
            ("textsize", self.options.text_size.to_string()),
            ("language", "us_english".into()),
            ("dateformat", "mdy".into()),
            ("datefirst", "7".into()),
            ("lock_timeout", self.options.lock_timeout.to_string()),
            ("quoted_identifier", "SET".into()),
            ("arithabort", "SET".into()),
            ("ansi_null_dflt_on", "SET".into()),
            ("ansi_warnings", "SET".into()),
            ("ansi_padding", "SET".into()),
            ("ansi_nulls", "SET".into()),
            ("concat_null_yields_null", "SET".into()),
            ("isolation level", level.into()),
        ];
        for (name, value) in &rows {
            out.reply.row(&[text::wide(name), text::wide(value)])?;
        }
        out.done(self, command::SELECT, Some(rows.len() as u64))?;
        out.reply.message(&info(
            2528,
            1,
            "DBCC execution completed. If DBCC printed error messages, contact your system administrator.",
            1,
        ))?;
        out.done(self, command::BATCH, None)?;
        Ok(())
    }
}
