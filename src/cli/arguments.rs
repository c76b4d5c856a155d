//! What can stand on the command line. The help comes from here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::exit;
use crate::sandbox::fault::Fault;

/// pacrat's command line.
#[derive(Debug, Parser)]
#[command(
    name = "pacrat",
    version,
    about = "Backs up SQL Server and Azure SQL databases as bacpac files, restores them, proves the restore",
    long_about = "Backs up SQL Server and Azure SQL databases (\"tenants\") as bacpac files, keeps them, restores them \
                  and proves that the restore is good. Without a command it opens the dashboard.",
    after_help = exit::TABLE,
    max_term_width = 100,
    disable_help_subcommand = false,
    subcommand_help_heading = "Commands"
)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// The command; the dashboard without one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const CONFIG_HELP: &str = if cfg!(target_os = "macos") {
    "The configuration file [default: ~/Library/Application Support/pacrat/config.toml; also PACRAT_CONFIG]"
} else if cfg!(windows) {
    "The configuration file [default: %APPDATA%\\pacrat\\config\\config.toml; also PACRAT_CONFIG]"
} else {
    "The configuration file [default: ~/.config/pacrat/config.toml; also PACRAT_CONFIG]"
};
const DATA_HELP: &str = if cfg!(target_os = "macos") {
    "Where journal, log and locks are [default: ~/Library/Application Support/pacrat; also data_dir, PACRAT_DATA_DIR]"
} else if cfg!(windows) {
    "Where journal, log and locks are [default: %LOCALAPPDATA%\\pacrat\\data; also data_dir, PACRAT_DATA_DIR]"
} else {
    "Where journal, log and locks are [default: ~/.local/share/pacrat; also data_dir, PACRAT_DATA_DIR]"
};

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    #[arg(long, global = true, value_name = "FILE", help = CONFIG_HELP)]
    #[allow(missing_docs, reason = "its help is the doc")]
    pub config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR", help = DATA_HELP)]
    #[allow(missing_docs, reason = "its help is the doc")]
    pub data_dir: Option<PathBuf>,
    /// Jobs at once, 0 for one per core [also workers, PACRAT_WORKERS]
    #[arg(long, global = true, value_name = "N")]
    pub workers: Option<usize>,
    /// Print JSON in place of text: one document, or one event a line while jobs run
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What the log takes
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info", value_parser = LOG_LEVELS)]
    pub log: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an embedded server that speaks SQL Server's protocol: for trying and testing, not for keeping data
    #[command(display_order = 12)]
    Sandbox(SandboxArguments),
    /// List the configured tenants with their newest backup
    #[command(display_order = 5)]
    Tenants,
    /// List backups, newest first
    #[command(display_order = 3)]
    List {
        /// Only those of this tenant
        tenant: Option<String>,
    },
    /// Back up tenants
    #[command(
        display_order = 1,
        after_help = "\
Examples:
  pacrat backup acme --comment \"before 4.2\"
  pacrat backup acme fabrikam --json"
    )]
    Backup {
        /// Names of tenants in the configuration
        #[arg(required = true)]
        tenants: Vec<String>,
        /// A remark to be kept with the backup
        #[arg(long)]
        comment: Option<String>,
    },
    /// Restore a package into a new database
    ///
    /// Everything is checked before anything is made. A database that a restore made is dropped again when the restore
    /// fails or is cancelled; one that was there before never is. What does not come back is named with its reason.
    #[command(
        display_order = 2,
        after_help = "\
Examples:
  pacrat restore acme_20261120013000 --to main --database acme_look --dry-run
  pacrat restore acme_20261120013000 --to main --database acme_look
  pacrat restore /mnt/usb/acme.bacpac --to test --database acme --users none --permissions no
  pacrat restore acme_20261120013000 --to main --database acme_orders --table dbo.Orders
  pacrat restore acme_20261120013000 --to main --database Live --into-existing Live --on-conflict rename"
    )]
    Restore(Box<super::restore::RestoreArguments>),
    /// Check a package: the archive, its checksums, every row
    #[command(display_order = 4)]
    Verify {
        /// A file, or a backup as `pacrat list` names it
        #[arg(value_name = "FILE|BACKUP")]
        package: String,
    },
    /// Show what a package says of itself
    #[command(display_order = 7)]
    Inspect {
        /// A file, or a backup as `pacrat list` names it
        #[arg(value_name = "FILE|BACKUP")]
        package: String,
    },
    /// Print rows of a table of a package
    #[command(
        display_order = 8,
        after_help = "\
Examples:
  pacrat rows acme_20261120013000 dbo.Customer --limit 20
  pacrat rows acme.bacpac \"sales.Order Details\" --format csv > details.csv"
    )]
    Rows {
        /// A file, or a backup as `pacrat list` names it
        #[arg(value_name = "FILE|BACKUP")]
        package: String,
        /// The table as `schema.table`, names without brackets
        table: String,
        /// How [default: table]
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<RowFormat>,
        /// At most so many rows; 0 for all [default: 100 for table, else all]
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
    /// Print a package's schema as T-SQL
    #[command(
        display_order = 9,
        after_help = "\
Examples:
  pacrat script acme.bacpac > acme.sql
  pacrat script acme.bacpac --object dbo.Customer"
    )]
    Script {
        /// A file, or a backup as `pacrat list` names it
        #[arg(value_name = "FILE|BACKUP")]
        package: String,
        /// For whom
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ScriptFormat::Server)]
        format: ScriptFormat,
        /// One object with what belongs to it (of a table its keys, indexes, constraints, triggers, permissions): as
        /// `schema.name`, or the name alone where only one object has it
        #[arg(long, value_name = "NAME")]
        object: Option<String>,
    },
    /// Show what differs between two schemas, of files, backups or live databases
    ///
    /// A and B are each a file, a backup as `pacrat list` names it, a tenant (its live database), or SERVER/DATABASE
    /// with a server of the configuration. Objects that only A or only B has are shown with their T-SQL, others line
    /// by line where they differ. What differs with the place and not with the schema is not compared: the server's
    /// version, where identity columns and sequences stand, whether a constraint is trusted. The exit code is 0 when
    /// nothing differs and 6 when something does.
    #[command(
        display_order = 10,
        after_help = "\
Examples:
  pacrat diff acme_20261119013000 acme_20261120013000    two backups
  pacrat diff acme_20261120013000 acme                   a backup and the tenant as it is now
  pacrat diff main/acme test/acme_look --rows            two databases, with their rows counted
  pacrat diff old.bacpac new.dacpac --names              two files, names of objects alone"
    )]
    Diff(DiffArguments),
    /// List jobs: those that wait or work, then those that ended, newest first
    #[command(display_order = 6)]
    Jobs {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Try it: the dashboard on two servers with five tenants, all inside this process
    ///
    /// Servers, databases, backups and the journal are temporary and gone at the end. What the dashboard does with
    /// them is real: only the line to the servers has the speed of a slow network, so that progress can be watched.
    #[command(display_order = 11)]
    Demo {
        /// Speed of the line to each server in MB/s, so that progress can be watched; 0 for as fast as it goes
        #[arg(long, value_name = "MB/S", default_value_t = 2.0, value_parser = speed)]
        line: f64,
    },
    /// Print the exit codes
    #[command(display_order = 13)]
    #[command(long_about = exit::TABLE)]
    ExitCodes,
}

/// The levels of the log.
const LOG_LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Where a server listens.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an address with a port, as 127.0.0.1:1433 or [::1]:1433".into())
}

/// A speed that makes sense.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && (0.0..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("give a number of megabytes a second, 0 or more".into()),
    }
}

/// For whom a script is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScriptFormat {
    /// A server: everything, with GO between the batches, for sqlcmd and the like
    Server,
    /// DacFx: definitions only; options, version and settings in lines that begin with --@
    Dacfx,
}

/// `pacrat diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArguments {
    /// The first side: FILE, BACKUP, TENANT or SERVER/DATABASE
    #[arg(value_name = "A")]
    pub a: String,
    /// The second side
    #[arg(value_name = "B")]
    pub b: String,
    /// Count the rows of every table on both sides, and take another number for a difference
    #[arg(long)]
    pub rows: bool,
    /// Only kinds and names, without the T-SQL
    #[arg(long)]
    pub names: bool,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Aligned columns, for looking at
    Table,
    /// RFC 4180, NULL as nothing between the commas and an empty text as ""
    Csv,
    /// A JSON object a line
    Jsonl,
    /// A JSON array of exact cell texts a line, for comparing and digesting
    Canonical,
}

/// What the sandbox does about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncryptionRule {
    /// None; a client that insists is refused
    Off,
    /// As the client wishes: the login alone, or all
    On,
    /// All; a client that can't is refused
    Required,
    /// TLS before anything else (TDS 8.0)
    Strict,
}

/// `pacrat sandbox`.
#[derive(Debug, Clone, Args)]
pub struct SandboxArguments {
    /// The address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1433", value_parser = address)]
    pub listen: SocketAddr,
    /// Keep the databases in this folder; without it they vanish at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What it presents itself as: 2012, 2014, 2016, 2017, 2019, 2022, 2025 or azure
    #[arg(long = "as", value_name = "VERSION", default_value = "2019")]
    pub version: String,
    /// About encryption: off (clients that insist on it are refused), on (as the client wishes), required, or strict
    /// (TLS before anything else, as SQL Server 2022 does)
    #[arg(long, value_enum, value_name = "RULE", default_value_t = EncryptionRule::On)]
    pub encryption: EncryptionRule,
    /// A login, several are possible; without ROLES (such as dbcreator, or none) it may do everything. Without any
    /// login there is sa with a password that is made up and printed. The password may be @NAME, the value of an
    /// environment variable, to keep it out of the list of processes
    #[arg(long, value_name = "NAME:PASSWORD[:ROLES]")]
    pub login: Vec<String>,
    /// A fault to show, several are possible: drop, stall=5s or error=1205, then after-rows=N, nth=N, times=N or on=TEXT
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<Fault>,
}
