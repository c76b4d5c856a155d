//! A club's package, a server to restore it to, and the binary configured for both.

use assert_cmd::Command;
use pacrat::sandbox::{LoginOptions, Sandbox, SandboxOptions};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::orders::Orders;
use tokio_util::sync::CancellationToken;

use super::binary::{Ran, ran};
use super::place::{self, PASSWORD};

/// A club with members, visits and cards, users, a role and permissions; made by DacFx from the script beside it.
pub const CLUB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages/club.bacpac");

/// A server, and the binary configured for it in a home of its own.
pub struct Place {
    pub server: Sandbox,
    pub home: tempfile::TempDir,
}

impl Place {
    pub async fn new() -> Place {
        Place::configured("").await
    }

    /// `more` goes to the end of the configuration.
    pub async fn configured(more: &str) -> Place {
        let mut logins = ["operator", "steward", "warden"].map(|n| LoginOptions::administrator(n, PASSWORD)).to_vec();
        // May log in, and nothing else.
        logins.push(LoginOptions { name: "clerk".into(), password: PASSWORD.into(), roles: Vec::new() });
        let options = SandboxOptions { logins, ..SandboxOptions::default() };
        let server = Sandbox::start(options).await.expect("the sandbox starts");
        let home = tempfile::tempdir().unwrap();
        let poor = format!(
            "[servers.poor]\nhost = \"127.0.0.1\"\nport = {}\nlogin = \"clerk\"\n\
             password_env = \"BOX_PASSWORD\"\ntrust_certificate = true\n",
            server.address().port()
        );
        let more = poor + more;
        let text = place::configuration(&server, "password_env = \"BOX_PASSWORD\"", ("club", "Club"), &more);
        std::fs::write(home.path().join("config.toml"), text).unwrap();
        Place { server, home }
    }

    pub async fn pacrat(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::cargo_bin("pacrat").unwrap();
        command.env_clear().env("HOME", self.home.path()).env("PACRAT_CONFIG", self.home.path().join("config.toml"));
        command.env("BOX_PASSWORD", PASSWORD).args(arguments);
        tokio::task::spawn_blocking(move || ran(&mut command)).await.unwrap()
    }

    /// Restores the club under a name; what was said while it was restored comes back.
    pub async fn restore(&self, database: &str, options: &[&str]) -> Ran {
        let fixed = ["restore", CLUB, "--to", "box", "--database", database];
        self.pacrat(&[&fixed[..], options].concat()).await
    }

    pub async fn restored(&self, database: &str, options: &[&str]) -> String {
        let ran = self.restore(database, options).await;
        assert_eq!(ran.code, 0, "{options:?}: {}{}", ran.out, ran.err);
        ran.err
    }

    pub async fn orders(&self, database: &str) -> Box<dyn Orders> {
        connect::open(&place::target(&self.server, database), &CancellationToken::new()).await.expect("a connection")
    }

    pub async fn order(&self, database: &str, sql: &str) {
        let mut orders = self.orders(database).await;
        orders.batch(sql, "preparing", &CancellationToken::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// The rows of a question, the fields of each joined by blanks.
    pub async fn ask(&self, database: &str, sql: &str) -> Vec<String> {
        let mut orders = self.orders(database).await;
        let answer = orders.batch(sql, "asking", &CancellationToken::new()).await;
        let answer = answer.unwrap_or_else(|e| panic!("{sql}: {e}"));
        place::rows(&answer)
    }

    pub async fn one(&self, database: &str, sql: &str) -> String {
        self.ask(database, sql).await.join(", ")
    }

    pub async fn rows(&self, database: &str, table: &str) -> String {
        self.one(database, &format!("SELECT COUNT(*) AS n FROM {table}")).await
    }

    pub async fn databases(&self) -> Vec<String> {
        self.ask("master", "SELECT name FROM sys.databases WHERE database_id > 4 ORDER BY name").await
    }
}
