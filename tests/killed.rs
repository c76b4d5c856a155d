//! The process killed in the middle of its work, with no chance to clean up: what lies there then, and what the next
//! start does about it.

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pacrat::sandbox::Sandbox;
use pacrat::sqlserver::connect;
use pacrat::sqlserver::error::SqlError;
use support::place::{self, PASSWORD};
use tokio_util::sync::CancellationToken;

struct Place {
    server: Sandbox,
    home: tempfile::TempDir,
}

impl Place {
    /// A server with a database of one table of 5,000 rows.
    async fn new() -> Place {
        let server = place::sandbox(&["operator"]).await;
        let home = tempfile::tempdir().unwrap();
        let text = place::configuration(&server, "password_env = \"BOX_PASSWORD\"", ("shop", "Shop"), "");
        std::fs::write(home.path().join("config.toml"), text).unwrap();
        let place = Place { server, home };
        place.order("master", "CREATE DATABASE Shop").await;
        place.order("Shop", "CREATE TABLE dbo.Sale (Id int NOT NULL PRIMARY KEY, Note nvarchar(50) NULL)").await;
        for first in (1..=5000).step_by(500) {
            let rows = (first..first + 500).map(|n| format!("({n}, N'sale {n}')")).collect::<Vec<_>>().join(", ");
            place.order("Shop", &format!("INSERT INTO dbo.Sale (Id, Note) VALUES {rows}")).await;
        }
        place
    }

    async fn order(&self, database: &str, sql: &str) -> Vec<String> {
        self.tried(database, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The tables of a database that is being restored; none while its options are being set, which ends every other
    /// session in it.
    async fn tables(&self, database: &str) -> Vec<String> {
        self.tried(database, "SELECT name FROM sys.tables").await.unwrap_or_default()
    }

    async fn tried(&self, database: &str, sql: &str) -> Result<Vec<String>, SqlError> {
        let never = CancellationToken::new();
        let mut orders = connect::open(&place::target(&self.server, database), &never).await?;
        let answer = orders.batch(sql, "preparing", &never).await?;
        Ok(answer.sets.iter().flat_map(|s| s.records()).map(|r| r.string("name")).collect())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pacrat"));
        command.env_clear().env("HOME", self.home.path()).env("PACRAT_CONFIG", self.home.path().join("config.toml"));
        command.env("BOX_PASSWORD", PASSWORD).args(arguments);
        command
    }

    /// Runs to the end: code, results, what was said.
    async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Starts, waits until `there` is so, and kills at once.
    async fn kill_when<F: AsyncFnMut() -> bool>(&self, arguments: &[&str], mut there: F) {
        let mut child: Child = self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while !there().await {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            assert!(begun.elapsed() < Duration::from_secs(30), "it never came so far");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // SIGKILL: nothing of its own runs any more.
        child.kill().unwrap();
        child.wait().unwrap();
        self.server.faults().clear();
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.home.path().join("store")) else { return Vec::new() };
        let mut files: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    }

    async fn databases(&self) -> Vec<String> {
        self.order("master", "SELECT name FROM sys.databases WHERE database_id > 4 ORDER BY name").await
    }

    async fn jobs(&self) -> Vec<serde_json::Value> {
        let (code, out, err) = self.run(&["jobs", "--json"]).await;
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_backup() {
    let place = Place::new().await;
    place.server.faults().add("stall-after-rows=1000,on=FROM [dbo].[Sale]".parse().unwrap());
    place.kill_when(&["backup", "shop"], async || place.files().iter().any(|f| f.ends_with(".partial"))).await;
    let left = place.files();
    println!("left behind: {left:?}");
    // Nothing has the name of a backup.
    assert!(left.iter().all(|f| !f.ends_with(".bacpac")), "{left:?}");
    assert_eq!(left.iter().filter(|f| f.ends_with(".partial")).count(), 1, "{left:?}");
    assert_eq!(place.run(&["list", "--json"]).await.1.trim(), "[]");

    // The next start: the file goes, the job is told, and the backup is made.
    let (code, out, said) = place.run(&["backup", "shop"]).await;
    println!("{said}");
    assert_eq!(code, 0, "{out}{said}");
    assert!(said.contains("job #1 was interrupted: the process ended while tenant shop was being backed up"), "{said}");
    assert!(said.contains(".partial") && said.contains("its job is dead; removed"), "{said}");
    assert!(place.files().iter().all(|f| !f.ends_with(".partial")), "{:?}", place.files());
    let states: Vec<String> = place.jobs().await.iter().map(|j| j["state"].to_string()).collect();
    assert_eq!(states, ["\"completed\"", "\"interrupted\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_restore() {
    let place = Place::new().await;
    assert_eq!(place.run(&["backup", "shop"]).await.0, 0);
    let file = place.files().into_iter().find(|f| f.ends_with(".bacpac")).unwrap();
    let path: PathBuf = place.home.path().join("store").join(&file);
    let restore = ["restore", path.to_str().unwrap(), "--to", "box", "--database", "Half"];
    place.server.faults().add("stall-after-rows=1000,on=INSERT BULK".parse().unwrap());
    // In the middle of the load: the table is there.
    place
        .kill_when(&restore, async || {
            place.databases().await.contains(&"Half".to_owned()) && place.tables("Half").await == ["Sale"]
        })
        .await;
    assert_eq!(place.databases().await, ["Half", "Shop"]);

    // The next start names it, and how to be rid of it; it is not dropped by itself, nor written into.
    let (code, _, said) = place.run(&restore).await;
    println!("{said}");
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("job #2 was interrupted: the process ended while database Half on box was being restored"),
        "{said}"
    );
    assert!(said.contains("if Half is there, it is not complete: drop it on box, then restore again"), "{said}");
    assert!(said.contains("database Half exists already on box"), "{said}");
    assert_eq!(place.databases().await, ["Half", "Shop"]);
    let jobs = place.jobs().await;
    let states: Vec<String> = jobs.iter().map(|j| j["state"].to_string()).collect();
    assert_eq!(states, ["\"failed\"", "\"interrupted\"", "\"completed\""]);
    // The file that it read is as good as before.
    assert_eq!(place.run(&["verify", path.to_str().unwrap()]).await.0, 0);
    place.order("master", "DROP DATABASE Half").await;
    assert_eq!(place.run(&restore).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_restoring_into_a_database_that_was_there() {
    let place = Place::new().await;
    assert_eq!(place.run(&["backup", "shop"]).await.0, 0);
    let file = place.files().into_iter().find(|f| f.ends_with(".bacpac")).unwrap();
    place.order("master", "CREATE DATABASE Live").await;
    place.order("Live", "CREATE TABLE dbo.Own (Id int NOT NULL)").await;
    let path = place.home.path().join("store").join(&file);
    let restore = ["restore", path.to_str().unwrap(), "--to", "box", "--database", "Live", "--into-existing", "Live"];
    place.server.faults().add("stall-after-rows=1000,on=INSERT BULK".parse().unwrap());
    place.kill_when(&restore, async || place.tables("Live").await.len() == 2).await;
    // Nobody is told to drop a database that was there before.
    let (_, _, said) = place.run(&["backup", "shop"]).await;
    println!("{said}");
    assert!(said.contains("look into Live: what it had before is there"), "{said}");
    assert!(!said.contains("drop it"), "{said}");
    assert!(place.order("Live", "SELECT name FROM sys.tables ORDER BY name").await.contains(&"Own".to_owned()));
}
