//! `pacrat restore`: flags over the configuration's defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::{Args, ValueEnum};

use super::output::{self, Outcome};
use super::session::Session;
use super::{exit, source, watch};
use crate::bacpac::script::{self, Choice, ChoiceError, Conflict, Content, Missing, Users};
use crate::engine::command::JobSpec;
use crate::engine::event::{Failure, FailureKind};
use crate::engine::query::{Core, RestorePlan};
use crate::tui::planned;

/// `pacrat restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArguments {
    /// A file, or a backup as `pacrat list` names it
    #[arg(value_name = "FILE|BACKUP")]
    pub package: String,
    /// The server to restore to, by its name in the configuration
    #[arg(long, value_name = "SERVER")]
    pub to: String,
    /// The new database's name; it must not exist, unless --into-existing says it again
    #[arg(long, value_name = "NAME")]
    pub database: String,
    /// Keep what was restored so far when the restore fails or is cancelled
    #[arg(long)]
    pub keep_partial: bool,
    /// Restore into a database that exists: its name once more, letter for letter. What is in it is left alone
    #[arg(long, value_name = "NAME", help_heading = "Into an existing database")]
    pub into_existing: Option<String>,
    /// What to do with tables that the database has already [default: refuse; also restore.on_conflict]
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "Into an existing database")]
    pub on_conflict: Option<OnConflict>,
    /// Show what would be restored, what would not and what stands in the way; change nothing. The exit code is that
    /// of the restore's refusal, 0 where nothing is known that would refuse it
    #[arg(long)]
    pub dry_run: bool,
    /// Objects and rows of all tables, whatever the configuration says [default; also restore.content]
    #[arg(long, conflicts_with_all = ["schema_only", "data_only", "tables"], help_heading = "What is restored")]
    pub everything: bool,
    /// Make the objects, load no rows [also restore.content]
    #[arg(long, conflicts_with = "data_only", help_heading = "What is restored")]
    pub schema_only: bool,
    /// Load rows into the empty tables of an existing database, make nothing [also restore.content]
    #[arg(long, help_heading = "What is restored")]
    pub data_only: bool,
    /// Only this table, as `schema.table`; several are possible. With it comes what it needs [also restore.tables]
    #[arg(long = "table", value_name = "TABLE", help_heading = "What is restored")]
    pub tables: Vec<String>,
    /// Of those tables none that their foreign keys and functions name [also restore.dependencies]
    #[arg(long, help_heading = "What is restored")]
    pub no_dependencies: bool,
    /// Leave out what refers to something that is not restored: foreign-keys, sequences (the defaults that draw from
    /// them), views; or none [also restore.skip_missing]
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_enum, help_heading = "What is restored")]
    pub skip_missing: Vec<SkipMissing>,
    /// Permissions as at the source [default: yes; also restore.permissions]
    #[arg(long, value_name = "YES|NO", value_enum, help_heading = "Users, owners, permissions")]
    pub permissions: Option<YesNo>,
    /// Users with their logins [default: as-in-file; also restore.users]
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        conflicts_with = "map_user",
        help_heading = "Users, owners, permissions"
    )]
    pub users: Option<WhichUsers>,
    /// Give a user another login; several are possible [in place of restore.map_users]
    #[arg(long, value_name = "USER=LOGIN", value_parser = mapping, help_heading = "Users, owners, permissions")]
    pub map_user: Vec<(String, String)>,
    /// Default schema and language of users [default: yes; also restore.user_settings]
    #[arg(long, value_name = "YES|NO", value_enum, help_heading = "Users, owners, permissions")]
    pub user_settings: Option<YesNo>,
    /// Who owns schemas, roles and the like [default: as-in-file; also restore.owner]
    #[arg(long, value_name = "WHO", value_enum, help_heading = "Users, owners, permissions")]
    pub owner: Option<Owner>,
    /// The new database's collation [default: the package's; also restore.collation]
    #[arg(long, value_name = "NAME", value_parser = collation, help_heading = "The new database")]
    pub collation: Option<String>,
    /// The new database's compatibility level, such as 150 [default: the package's; also restore.compatibility_level]
    #[arg(long, value_name = "LEVEL", value_parser = level, help_heading = "The new database")]
    pub compatibility_level: Option<u16>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the words say it")]
pub enum YesNo {
    Yes,
    No,
}

/// `--on-conflict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// Restore nothing
    Refuse,
    /// Restore them under another name, and leave those that are there alone
    Rename,
}

/// `--users`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichUsers {
    /// All of them; one whose login the server does not have is made without a login, and named
    AsInFile,
    /// None, and nothing that is about them
    None,
}

/// `--owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Owner {
    /// As at the source
    AsInFile,
    /// dbo owns everything
    Dbo,
}

/// `--skip-missing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SkipMissing {
    /// Foreign keys to tables that are not restored
    ForeignKeys,
    /// Defaults that draw from sequences that are not restored
    Sequences,
    /// Views on what is not there
    Views,
    /// Leave out nothing
    None,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((user, login)) if !user.is_empty() && !login.is_empty() => Ok((user.to_owned(), login.to_owned())),
        _ => Err("write USER=LOGIN".into()),
    }
}

fn level(text: &str) -> Result<u16, ChoiceError> {
    script::compatibility_level(text)
}

fn collation(text: &str) -> Result<String, ChoiceError> {
    script::collation_name(text).map(str::to_owned)
}

impl RestoreArguments {
    /// The logins of users. One that gets two is a slip of the hand, and nobody knows which was meant.
    fn logins(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut map = BTreeMap::new();
        for (user, login) in &self.map_user {
            if let Some(other) = map.insert(user.clone(), login.clone()).filter(|other| other != login) {
                let message = format!("user {user} can't be given both {other} and {login}");
                return Err(Failure::new(message).kind(FailureKind::Request).hint("leave one --map-user out"));
            }
        }
        Ok(map)
    }

    /// The choice: what the flags say, over what the configuration says.
    fn choice(&self, configured: &Choice) -> Result<Choice, Failure> {
        let mut choice = configured.clone();
        if self.schema_only {
            choice.content = Content::Schema;
        }
        if self.data_only {
            choice.content = Content::Data;
        }
        if self.everything {
            choice.content = Content::All;
            choice.tables.clear();
        }
        if !self.tables.is_empty() {
            choice.tables.clone_from(&self.tables);
            // Tables named here come as the command line says, not as those of the configuration.
            choice.dependencies = true;
        }
        if self.no_dependencies && choice.tables.is_empty() {
            let failure =
                Failure::new("--no-dependencies is about tables, and none is named").kind(FailureKind::Request);
            return Err(failure.hint("name them with --table"));
        }
        choice.dependencies &= !self.no_dependencies;
        if !self.skip_missing.is_empty() {
            let skip = self.skip_missing.iter().filter_map(|s| match s {
                SkipMissing::ForeignKeys => Some(Missing::ForeignKeys),
                SkipMissing::Sequences => Some(Missing::Sequences),
                SkipMissing::Views => Some(Missing::Views),
                SkipMissing::None => None,
            });
            choice.skip_missing = skip.collect::<BTreeSet<_>>();
        }
        let yes = |word: YesNo| word == YesNo::Yes;
        choice.permissions = self.permissions.map_or(choice.permissions, yes);
        choice.user_settings = self.user_settings.map_or(choice.user_settings, yes);
        choice.owner_to_dbo = self.owner.map_or(choice.owner_to_dbo, |o| o == Owner::Dbo);
        match self.users {
            Some(WhichUsers::AsInFile) => choice.users = Users::AsInFile,
            Some(WhichUsers::None) => choice.users = Users::None,
            None if !self.map_user.is_empty() => {
                choice.users = Users::Map(self.logins()?);
            }
            None => {}
        }
        choice.on_conflict = match self.on_conflict {
            Some(OnConflict::Refuse) => Conflict::Refuse,
            Some(OnConflict::Rename) => Conflict::Rename,
            None => choice.on_conflict,
        };
        choice.collation = self.collation.clone().or(choice.collation);
        choice.compatibility_level = self.compatibility_level.or(choice.compatibility_level);
        if self.into_existing.is_some() {
            // The configuration's defaults are for new databases; what a flag asks for is refused by name.
            choice.collation.clone_from(&self.collation);
            choice.compatibility_level = self.compatibility_level;
        }
        Ok(choice)
    }
}

/// `pacrat restore FILE|BACKUP --to SERVER --database NAME`.
pub fn run(session: &Session, arguments: RestoreArguments) -> Outcome {
    session.with_engine(
        |_| BTreeSet::from([arguments.to.clone()]),
        async |service| {
            let source = source::resolve(&arguments.package, service.stores())?;
            let spec = JobSpec::Restore {
                source,
                server: arguments.to.clone(),
                database: arguments.database.clone(),
                keep_partial: arguments.keep_partial,
                existing: arguments.into_existing.clone(),
                choice: Box::new(arguments.choice(&service.config().restore)?),
            };
            if arguments.dry_run {
                return shown(session, &service.plan(&spec).await?);
            }
            watch::run_jobs(session, service, vec![spec]).await
        },
    )
}

/// The plan of a dry run; the code of what refuses it.
fn shown(session: &Session, plan: &RestorePlan) -> Outcome {
    if session.common.json {
        output::json(plan)?;
    } else {
        let mut out = output::stdout();
        for (_, indent, line) in planned::lines(plan, usize::MAX) {
            writeln!(out, "{}{}", " ".repeat(indent), output::clean(&line))?;
        }
        out.flush()?;
    }
    Ok(plan.refusals.first().map_or(exit::OK, exit::code))
}
