//! Clients that lie, dawdle or send noise: the server goes on, and does not grow.

use std::io::Write;
use std::net::TcpStream;

use proptest::prelude::*;

use super::client::{PASSWORD, contains, done, headers, login7, packets, utf16};
use super::facts::{Running, hex};

/// Sends bytes, and waits until the server has answered or closed.
fn throw(running: &Running, bytes: &[u8]) {
    let mut socket = TcpStream::connect(running.address()).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let _ = std::io::Read::read_to_end(&mut socket, &mut Vec::new());
}

#[test]
fn noise_before_the_login_closes_the_connection_only() {
    let running = Running::start();
    let prelogin = packets(18, 0, &[1, 0, 6, 0, 1, 0xFF, 2], 4096);
    let mut noises: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x16; 100],
        vec![0; 100],
        vec![0xFF; 100],
        packets(1, 0, &utf16("SELECT 1"), 4096),
        packets(18, 0, &[1, 0xFF, 0xFF, 0, 1, 0xFF], 4096),
        [prelogin.clone(), packets(1, 0, &[0; 100], 4096)].concat(),
        [prelogin.clone(), packets(16, 0, &[0xFF; 94], 4096)].concat(),
        [prelogin.clone(), packets(16, 0, &[0; 100], 4096)].concat(),
        // A login that never ends: more than 128 KiB.
        [prelogin.clone(), (0..40).flat_map(|_| [&[16, 0, 0x10, 0, 0, 0, 1, 0][..], &[0; 4088]].concat()).collect()]
            .concat(),
    ];
    let good = login7("sa", PASSWORD, "", 0, None);
    for at in (0..94).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 0xFF;
        noises.push([prelogin.clone(), packets(16, 0, &bad, 4096)].concat());
    }
    for noise in noises {
        throw(&running, &noise);
    }
    running.client().batch("SELECT 1");
}

#[test]
fn encryption_that_is_insisted_on_but_not_spoken_is_refused() {
    let config = pacrat::sandbox::server::ListenConfig {
        encryption: pacrat::sandbox::wire::connection::EncryptionMode::Required,
        ..Default::default()
    };
    let running = Running::with(config);
    let mut socket = TcpStream::connect(running.address()).unwrap();
    socket.write_all(&packets(18, 0, &[1, 0, 6, 0, 1, 0xFF, 2], 4096)).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut socket, &mut answer).unwrap();
    assert_eq!(answer[answer.len() - 3], 3, "ENCRYPT_REQ, then closed");
}

#[test]
fn requests_that_can_not_be_read_are_errors_and_the_connection_goes_on() {
    let running = Running::start();
    let mut client = running.client();
    for (kind, payload) in [
        (1, vec![]),
        (1, vec![0xFF; 30]),
        (1, [headers(), vec![65]].concat()),
        (3, headers()),
        (3, [headers(), hex("ffff ffff 0000")].concat()),
        (3, [headers(), hex("ffff 0a00 0000 00 00 26 05 05")].concat()),
        (3, [headers(), hex("ffff 0a00 0000 00 00 a7 ffff 0904d00034 feffffffffffffff ffffffff")].concat()),
        (14, headers()),
    ] {
        client.send(kind, &payload);
        let answer = client.receive().unwrap().1;
        assert_eq!(answer[0], 0xAA, "{kind} {payload:02x?}");
        assert_eq!(answer[answer.len() - 12], 2, "the error bit");
    }
    client.send(7, &hex("81 0000"));
    assert_eq!(client.receive().unwrap().1[0], 0xAA, "a bulk load nobody asked for");
    client.batch("SELECT 1");
}

#[test]
fn packets_that_lie_end_the_connection() {
    let running = Running::start();
    for bad in [
        hex("01 01 0007 0000 01 00"),
        hex("01 01 ffff 0000 01 00"),
        hex("63 01 0008 0000 01 00"),
        // A message that changes its type.
        hex("01 00 0009 0000 01 00 00 03 01 0009 0000 01 00 00"),
    ] {
        let mut client = running.client();
        client.socket.write_all(&bad).unwrap();
        assert!(client.is_closed(), "{bad:02x?}");
    }
    running.client().batch("SELECT 1");
}

#[test]
fn a_client_that_vanishes_in_a_bulk_load_rolls_it_back() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("insert bulk t ([a] int)");
    let start = hex("81 0100 00000000 0400 26 04 0161 00 d1 04 01000000 d1 04");
    let mut packet = packets(7, 0, &start, 4096);
    packet[1] = 0;
    client.socket.write_all(&packet).unwrap();
    drop(client);
    for _ in 0..200 {
        if running.seen(|seen| seen.bulk_ends.clone()) == ["abandoned"] {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the load is still open");
}

#[test]
fn an_attention_in_the_middle_of_a_bulk_load_takes_it_back() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("insert bulk t ([a] int)");
    let mut packet = packets(7, 0, &hex("81 0100 00000000 0400 26 04 0161 00 d1 04 01000000"), 4096);
    packet[1] = 0;
    client.socket.write_all(&packet).unwrap();
    client.send(6, &[]);
    assert_eq!(client.receive().unwrap().1, done(0xFD, 2, 192, 0));
    assert_eq!(client.receive().unwrap().1, hex("fd2000fd000000000000000000"));
    assert_eq!(running.seen(|seen| seen.bulk_ends.clone()), ["abandoned"]);
    client.batch("SELECT 1");
}

#[test]
fn a_client_that_does_not_read_holds_the_session_and_not_the_memory() {
    let running = Running::start();
    let mut client = running.client();
    client.send_batch("FOREVER");
    std::thread::sleep(std::time::Duration::from_millis(300));
    // The socket's buffers and a few chunks are all that can be under way; then the session waits.
    client.send(6, &[]);
    let answer = client.receive().unwrap().1;
    assert!(answer.len() < 32 * 1024 * 1024, "{}", answer.len());
    assert!(contains(&client.receive().unwrap().1, &hex("fd2000fd00")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_request_is_answered_or_closed(kind in prop::sample::select(vec![1u8, 3, 7, 14]), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        static RUNNING: std::sync::OnceLock<Running> = std::sync::OnceLock::new();
        let running = RUNNING.get_or_init(Running::start);
        let mut client = running.client();
        client.batch("insert bulk t ([a] int)");
        client.send(kind, &[if kind == 7 { vec![] } else { headers() }, payload].concat());
        let _ = client.receive();
    }
}
