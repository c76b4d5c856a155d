//! A connection to the file of a database: transactions, rows and keys.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

/// What a scan's consumer wants: go on or not.
pub type Stop = ControlFlow<()>;

/// How long a short lock is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How deep a connection is in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    None,
    Read,
    Write,
}

/// A connection.
#[derive(Debug)]
pub struct Link {
    conn: Connection,
    depth: Depth,
    generation: u32,
}

fn busy(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn missing(e: &rusqlite::Error) -> bool {
    e.to_string().contains("no such table")
}

/// A tree that another connection dropped since the statement was prepared has no rows.
fn present<T>(found: rusqlite::Result<Option<T>>) -> rusqlite::Result<Option<T>> {
    match found {
        Err(e) if missing(&e) => Ok(None),
        other => other,
    }
}

impl Link {
    pub(super) fn open(path: &Path, generation: u32, keeps: bool) -> rusqlite::Result<Link> {
        let conn = Connection::open(path)?;
        // Readers too meet a short lock now and then: the last connection of a file tidies up when it closes.
        conn.busy_timeout(PATIENCE)?;
        conn.pragma_update(None, "page_size", 16384)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        // A crash of the machine may lose the sandbox's last seconds; a crash of the process may not.
        conn.pragma_update(None, "synchronous", if keeps { "NORMAL" } else { "OFF" })?;
        conn.pragma_update(None, "cache_size", -16_000)?;
        conn.pragma_update(None, "mmap_size", 1i64 << 30)?;
        conn.pragma_update(None, "temp_store", "FILE")?;
        conn.set_prepared_statement_cache_capacity(128);
        Ok(Link { conn, depth: Depth::None, generation })
    }

    pub(super) fn memory() -> rusqlite::Result<Link> {
        let conn = Connection::open_in_memory()?;
        conn.set_prepared_statement_cache_capacity(64);
        Ok(Link { conn, depth: Depth::None, generation: 0 })
    }

    /// Of which database of its number this is the file.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether a transaction is open here.
    pub fn active(&self) -> bool {
        self.depth != Depth::None
    }

    /// Whether it has the right to write.
    pub fn writing(&self) -> bool {
        self.depth == Depth::Write
    }

    /// Starts reading: from here on the same state is seen until the end of the transaction (its point is the first
    /// access, fact 64).
    pub fn read(&mut self) -> rusqlite::Result<()> {
        if self.depth == Depth::None {
            self.conn.execute_batch("BEGIN DEFERRED")?;
            self.depth = Depth::Read;
            // Takes the snapshot here and now: a statement that met a lock while it is prepared would take the table for
            // missing.
            let looked = self
                .conn
                .prepare_cached("SELECT 1 FROM sqlite_master LIMIT 1")
                .and_then(|mut s| s.query_row([], |_| Ok(())).optional());
            if let Err(e) = looked {
                self.rollback();
                return Err(e);
            }
        }
        Ok(())
    }

    /// Starts writing: waits for the other writer. `Ok(false)` if the snapshot that is held is no longer the last state
    /// (an update conflict). `poll` is asked now and then whether to go on waiting.
    pub fn write<E: From<rusqlite::Error>>(
        &mut self,
        patience: Option<Duration>,
        mut poll: impl FnMut() -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.depth == Depth::Write {
            return Ok(true);
        }
        // Here it is waited in small steps, so that the client is heard.
        self.conn.busy_timeout(Duration::ZERO)?;
        let out = self.wait_to_write(patience, &mut poll);
        self.conn.busy_timeout(PATIENCE)?;
        out
    }

    fn wait_to_write<E: From<rusqlite::Error>>(
        &mut self,
        patience: Option<Duration>,
        poll: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<bool, E> {
        let started = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            let tried = if self.depth == Depth::Read {
                // Any write asks for the lock; this one changes nothing.
                self.conn
                    .execute_batch("DELETE FROM sqlite_sequence WHERE 0")
                    .or_else(|e| if missing(&e) { self.conn.execute_batch("PRAGMA user_version = 1") } else { Err(e) })
            } else {
                self.conn.execute_batch("BEGIN IMMEDIATE")
            };
            match tried {
                Ok(()) => {
                    self.depth = Depth::Write;
                    return Ok(true);
                }
                Err(e) if busy(&e) => {
                    let snapshot = e.sqlite_error().is_some_and(|e| e.extended_code == 517);
                    if snapshot {
                        return Ok(false);
                    }
                    if patience.is_some_and(|p| started.elapsed() > p) {
                        return Err(e.into());
                    }
                }
                Err(e) => return Err(e.into()),
            }
            poll()?;
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Ends the transaction for good.
    pub fn commit(&mut self) -> rusqlite::Result<()> {
        if self.depth != Depth::None {
            // A reader that cannot let the writer finish passes soon.
            let started = Instant::now();
            loop {
                match self.conn.execute_batch("COMMIT") {
                    Err(e) if busy(&e) && started.elapsed() < Duration::from_secs(60) => {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    other => {
                        other?;
                        break;
                    }
                }
            }
            self.depth = Depth::None;
        }
        Ok(())
    }

    /// Ends the transaction as if it had not been.
    pub fn rollback(&mut self) {
        if self.depth != Depth::None {
            self.conn.flush_prepared_statement_cache();
            let _ = self.conn.execute_batch("ROLLBACK");
            self.depth = Depth::None;
        }
    }

    /// A point to come back to.
    pub fn savepoint(&mut self, name: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(&format!("SAVEPOINT \"{}\"", name.replace('"', "\"\"")))?.execute([]).map(drop)
    }

    /// Back to a point; it stays.
    pub fn rollback_to(&mut self, name: &str) -> rusqlite::Result<()> {
        self.conn.execute_batch(&format!("ROLLBACK TO \"{}\"", name.replace('"', "\"\"")))
    }

    /// Forgets a point.
    pub fn release(&mut self, name: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(&format!("RELEASE \"{}\"", name.replace('"', "\"\"")))?.execute([]).map(drop)
    }

    /// Whether a table has its tree, that is, ever had a row.
    pub fn has_table(&self, table: i32) -> rusqlite::Result<bool> {
        let mut s = self.conn.prepare_cached("SELECT 1 FROM sqlite_master WHERE name = ?1")?;
        Ok(s.query_row([format!("t{table}")], |_| Ok(())).optional()?.is_some())
    }

    /// Makes the trees of a table and its indexes, if they are not there. Asked anew every time: another connection may
    /// have emptied the table.
    pub fn ensure(&self, table: i32, indexes: impl Iterator<Item = i32>) -> rusqlite::Result<()> {
        if !self.has_table(table)? {
            self.conn.execute_batch(&format!("CREATE TABLE t{table}(id INTEGER PRIMARY KEY, row BLOB NOT NULL)"))?;
            for index in indexes {
                self.make_index(table, index)?;
            }
        }
        Ok(())
    }

    /// Makes the tree of an index.
    pub fn make_index(&self, table: i32, index: i32) -> rusqlite::Result<()> {
        self.conn.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS x{table}_{index}(key BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID"
        ))
    }

    /// Forgets the tree of an index.
    pub fn drop_index(&self, table: i32, index: i32) -> rusqlite::Result<()> {
        self.conn.flush_prepared_statement_cache();
        self.conn.execute_batch(&format!("DROP TABLE IF EXISTS x{table}_{index}"))
    }

    /// Forgets the rows and keys of a table.
    pub fn drop_table(&self, table: i32) -> rusqlite::Result<()> {
        self.conn.flush_prepared_statement_cache();
        let names: Vec<String> = {
            let mut s = self
                .conn
                .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND (name = ?1 OR name GLOB ?2)")?;
            let rows = s.query_map(params![format!("t{table}"), format!("x{table}_*")], |r| r.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        for name in names {
            self.conn.execute_batch(&format!("DROP TABLE {name}"))?;
        }
        Ok(())
    }

    /// Appends a row; gives its id.
    pub fn insert(&self, table: i32, row: &[u8]) -> rusqlite::Result<i64> {
        let mut s = self.conn.prepare_cached(&format!("INSERT INTO t{table}(row) VALUES (?1)"))?;
        s.execute([row])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Appends rows, as many as `work` has, by one statement.
    pub fn insert_all<T, E: From<rusqlite::Error>>(
        &self,
        table: i32,
        work: impl FnOnce(&mut dyn FnMut(&[u8]) -> rusqlite::Result<i64>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut s = self.conn.prepare_cached(&format!("INSERT INTO t{table}(row) VALUES (?1)"))?;
        work(&mut |row| s.insert([row]))
    }

    /// Replaces a row.
    pub fn update(&self, table: i32, id: i64, row: &[u8]) -> rusqlite::Result<()> {
        let mut s = self.conn.prepare_cached(&format!("UPDATE t{table} SET row = ?2 WHERE id = ?1"))?;
        s.execute(params![id, row]).map(drop)
    }

    /// Removes a row.
    pub fn delete(&self, table: i32, id: i64) -> rusqlite::Result<()> {
        let mut s = self.conn.prepare_cached(&format!("DELETE FROM t{table} WHERE id = ?1"))?;
        s.execute([id]).map(drop)
    }

    /// A row by its id.
    pub fn row(&self, table: i32, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        let mut s = match self.conn.prepare_cached(&format!("SELECT row FROM t{table} WHERE id = ?1")) {
            Err(e) if missing(&e) => return Ok(None),
            other => other?,
        };
        present(s.query_row([id], |r| r.get(0)).optional())
    }

    /// How many rows.
    pub fn count(&self, table: i32) -> rusqlite::Result<i64> {
        let mut s = match self.conn.prepare_cached(&format!("SELECT count(*) FROM t{table}")) {
            Err(e) if missing(&e) => return Ok(0),
            other => other?,
        };
        present(s.query_row([], |r| r.get(0)).map(Some)).map(|n| n.unwrap_or(0))
    }

    /// Puts a key; `false` if it is there already.
    pub fn put_key(&self, table: i32, index: i32, key: &[u8], id: i64) -> rusqlite::Result<bool> {
        let mut s = self.conn.prepare_cached(&format!("INSERT OR IGNORE INTO x{table}_{index} VALUES (?1, ?2)"))?;
        Ok(s.execute(params![key, id])? == 1)
    }

    /// Puts keys, as many as `work` has, by one statement; of each it is told whether it was not there yet.
    pub fn put_all<T, E: From<rusqlite::Error>>(
        &self,
        table: i32,
        index: i32,
        work: impl FnOnce(&mut dyn FnMut(&[u8], i64) -> rusqlite::Result<bool>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut s = self.conn.prepare_cached(&format!("INSERT OR IGNORE INTO x{table}_{index} VALUES (?1, ?2)"))?;
        work(&mut |key, id| Ok(s.execute(params![key, id])? == 1))
    }

    /// Takes a key out.
    pub fn take_key(&self, table: i32, index: i32, key: &[u8]) -> rusqlite::Result<()> {
        let mut s = self.conn.prepare_cached(&format!("DELETE FROM x{table}_{index} WHERE key = ?1"))?;
        s.execute([key]).map(drop)
    }

    /// The row with a key, or whose key begins so.
    pub fn find_key(&self, table: i32, index: i32, prefix: &[u8]) -> rusqlite::Result<Option<i64>> {
        let sql = format!("SELECT id FROM x{table}_{index} WHERE key >= ?1 AND key < ?2 LIMIT 1");
        let mut s = match self.conn.prepare_cached(&sql) {
            Err(e) if missing(&e) => return Ok(None),
            other => other?,
        };
        present(s.query_row(params![prefix, after(prefix)], |r| r.get(0)).optional())
    }

    /// All rows of a table: by id, or by an index from keys at or after `from` and before `to`.
    pub fn scan<E: From<rusqlite::Error>>(
        &self,
        table: i32,
        order: Option<Order<'_>>,
        mut each: impl FnMut(i64, &[u8]) -> Result<Stop, E>,
    ) -> Result<(), E> {
        let sql = match &order {
            None => format!("SELECT id, row FROM t{table}"),
            Some(o) => {
                let mut sql =
                    format!("SELECT t.id, t.row FROM x{table}_{i} x CROSS JOIN t{table} t ON t.id = x.id", i = o.index);
                match (o.from, o.to) {
                    (Some(_), Some(_)) => sql.push_str(" WHERE x.key >= ?1 AND x.key < ?2"),
                    (Some(_), None) => sql.push_str(" WHERE x.key >= ?1"),
                    (None, Some(_)) => sql.push_str(" WHERE x.key < ?1"),
                    (None, None) => {}
                }
                sql.push_str(if o.backwards { " ORDER BY x.key DESC" } else { " ORDER BY x.key" });
                sql
            }
        };
        let mut s = match self.conn.prepare_cached(&sql) {
            Err(e) if missing(&e) => return Ok(()),
            other => other?,
        };
        let bounds: Vec<&[u8]> = order.iter().flat_map(|o| [o.from, o.to]).flatten().collect();
        let mut rows = s.query(rusqlite::params_from_iter(bounds))?;
        while let Some(r) = present(rows.next())? {
            let id: i64 = r.get(0)?;
            let row = match r.get_ref(1)? {
                ValueRef::Blob(b) => b,
                _ => &[],
            };
            if each(id, row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The keys of an index in order.
    pub fn keys<E: From<rusqlite::Error>>(
        &self,
        table: i32,
        index: i32,
        mut each: impl FnMut(&[u8], i64) -> Result<Stop, E>,
    ) -> Result<(), E> {
        let mut s = match self.conn.prepare_cached(&format!("SELECT key, id FROM x{table}_{index} ORDER BY key")) {
            Err(e) if missing(&e) => return Ok(()),
            other => other?,
        };
        let mut rows = s.query([])?;
        while let Some(r) = present(rows.next())? {
            let id: i64 = r.get(1)?;
            let ValueRef::Blob(key) = r.get_ref(0)? else { continue };
            if each(key, id)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Which way to go through a table.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// By this index.
    pub index: i32,
    /// From this key on.
    pub from: Option<&'a [u8]>,
    /// Up to this key, it not among them.
    pub to: Option<&'a [u8]>,
    /// From the end.
    pub backwards: bool,
}

/// The first key behind all that begin with `prefix`.
pub fn after(prefix: &[u8]) -> Vec<u8> {
    let mut out = prefix.to_vec();
    while let Some(last) = out.pop() {
        if last < 255 {
            out.push(last + 1);
            return out;
        }
    }
    // Keys begin with a tag far below this.
    vec![255; 9]
}

#[cfg(test)]
mod tests {
    use super::super::Storage;

    #[test]
    fn a_reader_keeps_its_state_while_a_writer_commits() {
        let storage = Storage::private().unwrap();
        let mut a = storage.connect(5).unwrap();
        let mut b = storage.connect(5).unwrap();
        let go = || Ok::<(), rusqlite::Error>(());
        assert!(a.write(None, go).unwrap());
        a.ensure(1, [1].into_iter()).unwrap();
        let id = a.insert(1, b"one").unwrap();
        assert!(a.put_key(1, 1, b"k", id).unwrap() && !a.put_key(1, 1, b"k", 9).unwrap());
        a.commit().unwrap();
        b.read().unwrap();
        assert_eq!(b.count(1).unwrap(), 1);
        a.write(None, go).unwrap();
        a.ensure(1, [1].into_iter()).unwrap();
        a.insert(1, b"two").unwrap();
        a.commit().unwrap();
        assert_eq!(b.count(1).unwrap(), 1, "fact 64: the point is the first access");
        assert!(!b.write(None, go).unwrap(), "fact 66: the state moved on");
        b.rollback();
        assert_eq!(b.count(1).unwrap(), 2);
        assert_eq!(b.find_key(1, 1, b"k").unwrap(), Some(id));
        assert_eq!(b.count(77).unwrap(), 0);
    }

    #[test]
    fn a_writer_waits_for_the_other_and_gives_up_when_told() {
        let storage = Storage::private().unwrap();
        let mut a = storage.connect(5).unwrap();
        let mut b = storage.connect(5).unwrap();
        a.write(None, || Ok::<(), rusqlite::Error>(())).unwrap();
        let mut asked = 0;
        let refused = b.write(None, || {
            asked += 1;
            if asked > 3 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
        });
        assert!(refused.is_err() && !b.active());
    }
}
