//! What real servers were seen to do, byte by byte; the numbers are those of the facts' list.

use pacrat::sandbox::server::{ListenConfig, Server};

use super::client::{Client, PASSWORD, contains, done, headers, message, packets, utf16};
use super::engine::Engine;

/// A server on a runtime of its own, so that tests may block.
pub struct Running {
    pub engine: Engine,
    pub server: Option<Server>,
    pub runtime: tokio::runtime::Runtime,
}

impl Running {
    pub fn start() -> Self {
        Self::with(ListenConfig::default())
    }

    pub fn with(config: ListenConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let engine = Engine::default();
        let server = runtime.block_on(engine.start(config));
        Self { engine, server: Some(server), runtime }
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.as_ref().unwrap().address()
    }

    pub fn client(&self) -> Client {
        Client::login(self.address())
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn seen<T>(&self, look: impl FnOnce(&super::engine::Seen) -> T) -> T {
        look(&self.engine.seen.lock().unwrap())
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const ATTENTION_ACKNOWLEDGED: &str = "fd2000fd000000000000000000";
const METADATA: &str = "81030000000000040026040269006400000000000500e720000904d00034056c006100620065006c000000000005\
                        00a51000077000610079006c006f0061006400";

#[test]
fn fact_01_a_bulk_load_is_the_captured_exchange() {
    let running = Running::start();
    let mut client = running.client();
    assert_eq!(client.batch("insert bulk dbo.BulkWireProbe ([id] int)"), hex("fd0000fd000000000000000000"));
    client.send(7, &hex(&format!("{METADATA} d10401000000fffffffffd000000000000000000000000")));
    assert_eq!(client.receive().unwrap().1, hex("fd1000f0000100000000000000"));
    assert_eq!(running.seen(|seen| seen.bulk.len()), 1);
}

#[test]
fn fact_03_any_other_request_after_insert_bulk_is_4022_and_not_executed() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("insert bulk t ([id] int)");
    let answer = client.batch("SELECT 1");
    let text = "Bulk load data was expected but not sent. The batch will be terminated.";
    assert_eq!(answer, [message(4022, 1, 16, text), done(0xFD, 2, 253, 0)].concat());
    assert!(contains(&client.batch("SELECT 1"), &done(0xFD, 0x10, 193, 1)), "the connection is usable");
    assert_eq!(running.seen(|seen| seen.statements.len()), 2);
}

#[test]
fn fact_12_the_nullable_flag_of_the_stream_reaches_the_engine() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("insert bulk t ([id] int)");
    client.send(7, &hex(&format!("{METADATA} fd000000000000000000000000")));
    client.receive().unwrap();
    assert_eq!(running.seen(|seen| seen.bulk_columns.iter().map(|c| c.2).collect::<Vec<_>>()), [false, true, true]);
}

#[test]
fn fact_14_broken_streams_are_4804_and_the_connection_stays() {
    let running = Running::start();
    let mut client = running.client();
    let premature = |state, class| {
        let text = "While reading current row from host, a premature end-of-message was encountered--an incoming data \
                    stream was interrupted when the server expected to see more data. The host program may have \
                    terminated. Ensure that you are using a supported client application programming interface (API).";
        [message(4804, state, class, text), done(0xFD, 2, 253, 0)].concat()
    };
    client.batch("insert bulk t ([id] int)");
    client.send(7, &hex("fd000000000000000000000000"));
    assert_eq!(client.receive().unwrap().1, premature(2, 16), "a stream of only DONE");
    client.batch("insert bulk t ([id] int)");
    client.send(7, &hex(&format!("{METADATA} d104010000000600e9")));
    assert_eq!(client.receive().unwrap().1, premature(1, 17), "a row that does not fit");
    client.batch("insert bulk t ([id] int)");
    let columns = "00000000 0500 2604 0161 00".repeat(51);
    client.send(7, &hex(&format!("81 3300 {columns} {}", "d1".to_owned() + &"00".repeat(51))));
    let answer = client.receive().unwrap().1;
    assert!(contains(&answer, &4804i32.to_le_bytes()), "the engine counts the columns");
    assert_eq!(running.seen(|seen| seen.bulk_ends.clone()), ["refused 4804", "refused 4804", "complete"]);
    client.batch("SELECT 1");
}

#[test]
fn fact_15_columns_and_done_without_rows_is_a_load_of_none() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("insert bulk t ([id] int)");
    client.send(7, &hex(&format!("{METADATA} fd000000000000000000000000")));
    assert_eq!(client.receive().unwrap().1, done(0xFD, 0x10, 240, 0));
}

#[test]
fn fact_26_collations_of_the_stream_are_taken_zero_or_known() {
    let running = Running::start();
    let mut client = running.client();
    let stream = |collation: &str| {
        hex(&format!("81 0100 00000000 0500 a7 0500 {collation} 0161 00 d1 0100 61 fd000000000000000000000000"))
    };
    for good in ["0904d00034", "1904002200", "0904002600", "0000000000"] {
        client.batch("insert bulk t ([a] varchar(5))");
        client.send(7, &stream(good));
        assert_eq!(client.receive().unwrap().1, done(0xFD, 0x10, 240, 1), "{good}");
    }
    client.batch("insert bulk t ([a] varchar(5))");
    client.send(7, &stream("ffff0f0000"));
    let text = "An invalid tabular data stream (TDS) collation was encountered.";
    assert_eq!(client.receive().unwrap().1, [message(4012, 1, 16, text), done(0xFD, 2, 253, 0)].concat());
}

#[test]
fn fact_28_characters_are_split_between_packets() {
    let running = Running::start();
    let mut client = Client::connect(running.address());
    client.log_in("sa", PASSWORD, "", 512, None);
    let text = "žluťoučký 🦆".repeat(40);
    client.batch(&format!("SELECT {text}"));
    assert!(running.seen(|seen| seen.statements[0].ends_with(&text)));
    let answer = client.batch("SELECT rows 500");
    assert!(answer.ends_with(&done(0xFD, 0x10, 193, 500)));
    assert!(contains(&answer, &utf16("name 498")));
}

#[test]
fn fact_45_not_null_columns_are_fixed_types_and_nullable_ones_are_not() {
    let running = Running::start();
    let mut client = running.client();
    let answer = client.batch("SELECT rows 1");
    let expected = hex("81 0200 00000000 0800 38 02 69006400 00000000 0900 e7 2800 0904d00034 04 6e0061006d006500
         d1 00000000 0c00 6e0061006d00650020003000");
    assert_eq!(answer, [expected, done(0xFD, 0x10, 193, 1)].concat());
    let answer = client.batch("SELECT fixed");
    for token in [0x32u8, 0x30, 0x34, 0x38, 0x7F, 0x3B, 0x3E, 0x7A, 0x3C, 0x3D, 0x3A] {
        assert!(contains(&answer, &[8, 0, token]), "{token:#x}");
    }
}

#[test]
fn fact_51_both_errors_of_a_failed_constraint_arrive() {
    let running = Running::start();
    let expected = [
        message(1776, 0, 16, "There are no primary or candidate keys."),
        message(1750, 1, 16, "Could not create constraint or index. See previous errors."),
        done(0xFD, 2, 216, 0),
    ];
    assert_eq!(running.client().batch("ERROR"), expected.concat());
}

#[test]
fn fact_61_and_68_transactions_tell_their_descriptor() {
    let running = Running::start();
    let mut client = running.client();
    let answer = client.batch("BEGIN TRAN; BEGIN TRAN; COMMIT; ROLLBACK");
    let expected = [
        hex("e3 0b00 08 08 0102030405060708 00"),
        done(0xFD, 1, 212, 0),
        done(0xFD, 1, 212, 0),
        done(0xFD, 1, 213, 0),
        hex("e3 0b00 0a 00 08 0102030405060708"),
        done(0xFD, 0, 210, 0),
    ];
    assert_eq!(answer, expected.concat());
}

#[test]
fn fact_67_transaction_manager_requests() {
    let running = Running::start();
    let mut client = running.client();
    let mut ask = |rest: &str| {
        client.send(14, &[headers(), hex(rest)].concat());
        client.receive().unwrap().1
    };
    assert_eq!(ask("0500 05 00"), [hex("e3 0b00 08 08 0101010101010101 00"), done(0xFD, 0, 212, 0)].concat());
    assert_eq!(ask("0900 04 73003100"), done(0xFD, 0, 214, 0));
    assert_eq!(ask("0700 00 00"), [hex("e3 0b00 09 00 08 0101010101010101"), done(0xFD, 0, 213, 0)].concat());
    assert!(contains(&ask("0000 00"), &8501i32.to_le_bytes()), "no distributed transactions");
    let seen = running.seen(|seen| seen.transactions.clone());
    assert_eq!(seen[0], "Begin { isolation: 5, name: \"\" }");
    assert_eq!(seen[1], "Save { name: \"s1\" }");
}

#[test]
fn fact_71_a_cancelled_request_ends_without_error_token_and_is_acknowledged_apart() {
    let running = Running::start();
    let mut client = running.client();
    client.send_batch("WAIT");
    std::thread::sleep(std::time::Duration::from_millis(30));
    client.send(6, &[]);
    assert_eq!(client.receive().unwrap().1, [done(0xFD, 0x11, 195, 1), done(0xFD, 2, 192, 0)].concat());
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
    // A procedure ends with DONEPROC.
    let call = [headers(), hex("ffff 0a00 0000 00 00 e7 4000 0904d00034 0800"), utf16("WAIT")].concat();
    client.send(3, &call);
    std::thread::sleep(std::time::Duration::from_millis(30));
    client.send(6, &[]);
    assert_eq!(client.receive().unwrap().1, done(0xFE, 2, 192, 0));
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
    assert!(client.batch("SELECT 1").ends_with(&done(0xFD, 0x10, 193, 1)), "the connection is usable");
}

#[test]
fn fact_72_a_select_is_cut_between_rows_and_idle_attentions_are_answered_each() {
    let running = Running::start();
    let mut client = running.client();
    client.send_batch("FOREVER");
    std::thread::sleep(std::time::Duration::from_millis(50));
    client.send(6, &[]);
    let answer = client.receive().unwrap().1;
    assert_eq!(answer[0], 0x81, "columns and rows may have been sent");
    assert!(answer.ends_with(&done(0xFD, 2, 192, 0)));
    let metadata = 1 + 2 + 6 + 1 + 1 + 4;
    assert_eq!((answer.len() - metadata - 13) % 5, 0, "whole rows only");
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
    let two = [packets(6, 0, &[], 4096), packets(6, 0, &[], 4096)].concat();
    std::io::Write::write_all(&mut client.socket, &two).unwrap();
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
    client.batch("SELECT 1");
}

#[test]
fn fact_73_with_xact_abort_the_rollback_is_told_before_the_error_done() {
    let running = Running::start();
    let mut client = running.client();
    client.batch("SET XACT_ABORT ON");
    client.send_batch("WAIT");
    std::thread::sleep(std::time::Duration::from_millis(30));
    client.send(6, &[]);
    let expected = [done(0xFD, 0x11, 195, 1), hex("e3 0b00 0a 00 08 0101010101010101"), done(0xFD, 2, 192, 0)].concat();
    assert_eq!(client.receive().unwrap().1, expected);
    assert_eq!(client.receive().unwrap().1, hex(ATTENTION_ACKNOWLEDGED));
}

#[test]
fn fact_74_an_ignored_message_is_not_executed() {
    let running = Running::start();
    let mut client = running.client();
    client.send_with(1, 2, &[headers(), utf16("SELECT 1")].concat());
    assert_eq!(client.receive().unwrap().1, hex("fd 0200 0000 0000000000000000"));
    assert_eq!(running.seen(|seen| seen.statements.len()), 0);
    client.batch("insert bulk t ([id] int)");
    client.send_with(7, 2, &hex(METADATA));
    assert!(client.receive().unwrap().1.starts_with(&[0xFD, 2, 0]));
    assert_eq!(running.seen(|seen| seen.bulk_ends.clone()), ["abandoned"]);
    client.batch("SELECT 1");
}

#[test]
fn fact_75_a_killed_session_hears_596_and_an_idle_one_is_closed() {
    let running = Running::start();
    let mut client = running.client();
    client.send_batch("KILL");
    let text = "Cannot continue the execution because the session is in the kill state.";
    let expected = [message(596, 1, 21, text), done(0xFD, 0x102, 0, 0)].concat();
    assert_eq!(client.receive().unwrap().1, expected);
    assert!(client.is_closed());
    let mut idle = running.client();
    idle.batch("KILL LATER");
    assert!(idle.is_closed());
}

#[test]
fn fact_76_failed_logins_say_why_and_are_closed() {
    let running = Running::start();
    let mut client = Client::connect(running.address());
    let expected = [
        message(4060, 1, 11, "Cannot open database \"foo\" requested by the login. The login failed."),
        message(18456, 1, 14, "Login failed for user 'sa'."),
        done(0xFD, 2, 0, 0),
    ];
    assert_eq!(client.log_in("sa", PASSWORD, "foo", 0, None), expected.concat());
    assert!(client.is_closed());
    let mut client = Client::connect(running.address());
    assert_eq!(client.log_in("sa", "wrong", "foo", 0, None), expected[1..].concat());
    assert!(client.is_closed());
}

#[test]
fn fact_77_a_good_login_is_answered_in_the_captured_order() {
    let running = Running::start();
    let mut client = Client::connect(running.address());
    let answer = client.log_in("sa", PASSWORD, "master", 4096, Some(&[1, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0xFF]));
    let expected = [
        hex("e31b0001066d0061007300740065007200066d0061007300740065007200"),
        message(5701, 2, 0, "Changed database context to 'master'."),
        hex("e3080007050904d0003400"),
        hex("e31700020a750073005f0065006e0067006c0069007300680000"),
        message(5703, 1, 0, "Changed language setting to us_english."),
        hex("ad36000174000004164d006900630072006f0073006f00660074002000530051004c0020005300650072007600650072000000\
             000011000fe1"),
        hex("e3130004043400300039003600043400300039003600"),
        hex("ae0a0100000001ff"),
        done(0xFD, 0, 0, 0),
    ];
    assert_eq!(answer, expected.concat());
    let login = running.seen(|seen| seen.logins[0].clone());
    assert_eq!((login.host.as_str(), login.application.as_str(), login.library.as_str()), ("host", "tests", "raw"));
}

#[test]
fn fact_78_the_database_is_echoed_as_it_was_spelt() {
    let running = Running::start();
    let mut client = Client::connect(running.address());
    let answer = client.log_in("sa", PASSWORD, "MaStEr", 0, None);
    assert!(contains(&answer, &utf16("MaStEr")));
    // USE says 5701 with state 1 (fact 77).
    let answer = client.batch("USE other");
    assert!(answer.starts_with(&[0xE3]));
    assert!(contains(&answer, &message(5701, 1, 0, "Changed database context to 'other'.")));
}

#[test]
fn fact_79_a_reset_connection_is_reset_and_acknowledged() {
    let running = Running::start();
    let mut client = running.client();
    for (bit, keeps) in [(8, false), (16, true)] {
        client.send_with(1, bit, &[headers(), utf16("SELECT 1")].concat());
        let answer = client.receive().unwrap().1;
        assert!(answer.starts_with(&hex("e3 0300 12 00 00 81")), "{answer:02x?}");
        assert_eq!(running.seen(|seen| seen.resets.last().copied()), Some(keeps));
    }
    client.batch("SELECT 1");
    assert_eq!(running.seen(|seen| seen.resets.len()), 2);
}

#[test]
fn fact_83_counts_more_and_order_tokens() {
    let running = Running::start();
    let mut client = running.client();
    let metadata = hex("81 0100 00000000 2000 38 00");
    let row = hex("d1 01000000");
    let answer = client.batch("SELECT ordered");
    assert_eq!(answer, [&metadata[..], &hex("a9 0200 0100"), &row, &done(0xFD, 0x10, 193, 1)].concat());
    let answer = client.batch("IF 1=1 SELECT 1");
    assert_eq!(answer, [&done(0xFD, 1, 192, 0)[..], &metadata, &row, &done(0xFD, 0x10, 193, 1)].concat());
}

#[test]
fn fact_84_a_procedure_inside_a_batch_ends_with_doneproc() {
    let running = Running::start();
    let answer = running.client().batch("EXEC p");
    let end = [done(0xFF, 0x11, 193, 1), hex("79 00000000"), done(0xFE, 0, 224, 0)].concat();
    assert!(answer.ends_with(&end), "{answer:02x?}");
}

#[test]
fn fact_86_and_87_every_type_is_announced_and_sent_as_the_protocol_says() {
    let running = Running::start();
    let answer = running.client().batch("SELECT types");
    assert!(contains(&answer, &hex("0900 6a 11 26 0a")), "decimal says 17 whatever its precision");
    assert!(contains(&answer, &hex("0900 6c 11 09 00")), "numeric is another type");
    assert!(contains(&answer, &hex("0900 a7 ffff 0904d00034")), "max says 0xFFFF");
    assert!(contains(&answer, &hex("0900 62 491f0000")), "fact 43: sql_variant says 8009");
    // The second row is all NULL: NBCROW, a bitmap of 34 columns, nothing else.
    let nulls = [hex("d2 ffffffff 03"), done(0xFD, 0x10, 193, 2)].concat();
    assert!(answer.ends_with(&nulls));
}

#[test]
fn rpc_results_status_and_output_values() {
    let running = Running::start();
    let mut client = running.client();
    // Two calls: an echo with an output parameter, then one that fails.
    let call = [
        headers(),
        hex("0400"),
        utf16("echo"),
        hex("0000 02"),
        utf16("@o"),
        hex("01 26 04 04 2a000000 ff 0500"),
        utf16("fails"),
        hex("0000"),
    ]
    .concat();
    client.send(3, &call);
    let answer = client.receive().unwrap().1;
    let name = utf16("@o");
    let expected = [
        &hex("81 0100 00000000 2100 26 04 02")[..],
        &name,
        &hex("d1 04 2a000000"),
        &done(0xFF, 0x11, 193, 1),
        &hex("79 00000000"),
        &hex("ac 0000 02"),
        &name,
        &hex("01 00000000 0000 26 04 04 2a000000"),
        &done(0xFE, 1, 224, 0),
        &message(2812, 62, 16, "Could not find stored procedure 'fails'."),
        &done(0xFE, 2, 224, 0),
    ];
    assert_eq!(answer, expected.concat());
    // A table-valued parameter is refused, and the connection goes on.
    client.send(3, &[headers(), hex("0400"), utf16("echo"), hex("0000 00 00 f3 00 00 00 0000")].concat());
    assert!(contains(&client.receive().unwrap().1, &8009i32.to_le_bytes()));
    client.batch("SELECT 1");
}

#[test]
fn the_packet_size_is_settled_and_kept() {
    let running = Running::start();
    for (asked, given) in
        [(0u32, "4096"), (512, "512"), (8000, "8000"), (32767, "32767"), (70_000, "32767"), (1, "512")]
    {
        let mut client = Client::connect(running.address());
        let answer = client.log_in("sa", PASSWORD, "", asked, None);
        let size = utf16(given);
        assert!(contains(&answer, &[&[4, given.len() as u8][..], &size].concat()), "{asked}");
        client.size = given.parse().unwrap();
        let answer = client.batch("SELECT rows 20000");
        assert!(answer.ends_with(&done(0xFD, 0x10, 193, 20_000)));
    }
}

#[test]
fn the_session_id_stands_in_every_packet() {
    let running = Running::start();
    let mut client = running.client();
    client.send_batch("SELECT 1");
    let mut header = [0; 8];
    std::io::Read::read_exact(&mut client.socket, &mut header).unwrap();
    assert_eq!(header[4..8], [0, 51, 1, 0], "spid, first packet");
}

#[test]
fn a_defect_of_the_engine_is_told_and_ends_the_connection() {
    let running = Running::start();
    let mut client = running.client();
    let answer = client.batch("SELECT wrong");
    assert!(contains(&answer, &utf16("column 1: the value is no Int")));
    assert!(client.is_closed());
}

#[test]
fn stopping_the_server_ends_connections_and_drops_sessions() {
    let mut running = Running::start();
    let mut busy = running.client();
    let mut idle = running.client();
    busy.send_batch("WAIT");
    let server = running.server.take().unwrap();
    running.runtime.block_on(server.stop());
    assert!(busy.is_closed());
    assert!(idle.is_closed());
    for _ in 0..200 {
        if running.seen(|seen| seen.dropped) == 2 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("sessions are left over");
}
