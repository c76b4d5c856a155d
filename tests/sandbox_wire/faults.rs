//! Faults on demand, as a client suffers them.

use pacrat::sandbox::server::ListenConfig;

use super::client::{Client, PASSWORD, contains, done, utf16};
use super::facts::{Running, hex};

fn set(running: &Running, fault: &str) {
    running.server().faults().add(fault.parse().unwrap());
}

/// Bytes until the connection drops.
fn drain(client: &mut Client) -> usize {
    let mut bytes = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.socket, &mut bytes);
    bytes.len()
}

#[test]
fn the_connection_drops_after_so_many_bytes_or_rows() {
    let running = Running::start();
    let mut client = running.client();
    set(&running, "drop-after-bytes=10000,on=SELECT rows");
    client.send_batch("SELECT rows 100000");
    assert_eq!(drain(&mut client), 10_000);

    let mut client = running.client();
    set(&running, "drop-after-rows=3,on=SELECT rows");
    client.send_batch("SELECT rows 100000");
    let bytes = drain(&mut client);
    let header = hex("81 0200 00000000 0800 38 02 69006400 00000000 0900 e7 2800 0904d00034 04 6e0061006d006500").len();
    // The third row has a NULL: NBCROW, with a bitmap of one byte.
    let rows = (1 + 4 + 2 + 12) * 2 + (1 + 1 + 4);
    assert_eq!(bytes, 8 + header + rows);

    let mut client = running.client();
    set(&running, "drop,on=SELECT 1");
    client.send_batch("SELECT 1");
    assert_eq!(drain(&mut client), 0);

    let mut client = running.client();
    set(&running, "drop-after-bytes=100,direction=received");
    client.send_batch("SELECT 1 -- some more words, so that the request is long enough for this");
    assert_eq!(drain(&mut client), 0);
    running.client().batch("SELECT 1");
}

#[test]
fn a_bulk_load_drops_or_fails_in_the_middle() {
    let running = Running::start();
    let mut client = running.client();
    let stream =
        hex(&format!("81 0100 00000000 0400 26 04 0161 00 {} fd000000000000000000000000", "d1 04 01000000".repeat(5)));
    set(&running, "error=1105,after-rows=3,on=insert bulk");
    client.batch("insert bulk t ([a] int)");
    client.send(7, &stream);
    let answer = client.receive().unwrap().1;
    assert!(contains(&answer, &1105i32.to_le_bytes()));
    assert!(answer.ends_with(&done(0xFD, 2, 253, 0)));
    assert_eq!(running.seen(|seen| seen.bulk_ends.clone()), ["refused 1105"]);

    client.batch("insert bulk t ([a] int)");
    client.send(7, &stream);
    assert_eq!(client.receive().unwrap().1, done(0xFD, 0x10, 240, 5), "once");

    set(&running, "drop-after-rows=3,on=insert bulk");
    client.batch("insert bulk t ([a] int)");
    client.send(7, &stream);
    assert!(client.is_closed());
    assert_eq!(running.seen(|seen| seen.bulk_ends.last().cloned()), Some("abandoned".to_owned()));
}

#[test]
fn statements_and_logins_are_answered_by_errors() {
    let running = Running::start();
    let mut client = running.client();
    set(&running, "error=1205,nth=2,on=select 1");
    client.batch("SELECT 1");
    let answer = client.batch("SELECT 1");
    let text = "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as \
                the deadlock victim. Rerun the transaction.";
    assert!(contains(&answer, &utf16(text)));
    assert!(answer.ends_with(&done(0xFD, 2, 253, 0)));
    client.batch("SELECT 1");

    set(&running, "error=40501,on=SELECT");
    assert!(contains(&client.batch("SELECT 1"), &40501i32.to_le_bytes()));
    assert!(client.is_closed(), "class 20");

    set(&running, "error=40613,on=login");
    let mut refused = Client::connect(running.address());
    let answer = refused.log_in("sa", PASSWORD, "tenant", 0, None);
    assert!(contains(&answer, &utf16("Database 'tenant' on server 'sandbox' is not currently available.")));
    assert!(refused.is_closed());

    set(&running, "error=1205,after-rows=10,on=SELECT rows");
    let mut client = running.client();
    let answer = client.batch("SELECT rows 1000");
    assert!(contains(&answer, &utf16("name 9")));
    assert!(!contains(&answer, &utf16("name 10")));
    assert!(answer.ends_with(&done(0xFD, 2, 253, 0)));
    assert!(client.batch("SELECT 1").ends_with(&done(0xFD, 0x10, 193, 1)));
}

#[test]
fn a_stall_holds_until_released_or_for_its_time() {
    let config = ListenConfig { faults: vec!["stall,on=SELECT".parse().unwrap()], ..ListenConfig::default() };
    let running = Running::with(config);
    let mut client = running.client();
    client.send_batch("SELECT 1");
    client.socket.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    assert!(std::io::Read::read(&mut client.socket, &mut [0]).is_err(), "nothing comes");
    client.socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    running.server().faults().release();
    assert!(client.receive().unwrap().1.ends_with(&done(0xFD, 0x10, 193, 1)));

    set(&running, "stall=50ms,on=SELECT");
    let before = std::time::Instant::now();
    client.batch("SELECT 1");
    assert!(before.elapsed() >= std::time::Duration::from_millis(50));

    // A client that gives up is not waited for.
    set(&running, "stall,on=SELECT");
    client.send_batch("SELECT 1");
    drop(client);
    for _ in 0..200 {
        if running.seen(|seen| seen.dropped) == 1 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the session is still there");
}
