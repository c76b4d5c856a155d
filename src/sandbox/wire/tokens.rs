//! Tokens of an answer, as bytes.

use super::types::{self, b_varchar, us_varchar};
use crate::sandbox::session::{EnvChange, Message, ResultColumn};
use crate::sandbox::value::{Base, SqlType};

/// Token types.
#[allow(missing_docs)]
pub mod token {
    pub const RETURN_STATUS: u8 = 0x79;
    pub const COLMETADATA: u8 = 0x81;
    pub const ORDER: u8 = 0xA9;
    pub const ERROR: u8 = 0xAA;
    pub const INFO: u8 = 0xAB;
    pub const RETURN_VALUE: u8 = 0xAC;
    pub const LOGIN_ACK: u8 = 0xAD;
    pub const FEATURE_EXT_ACK: u8 = 0xAE;
    pub const ROW: u8 = 0xD1;
    pub const NBC_ROW: u8 = 0xD2;
    pub const ENV_CHANGE: u8 = 0xE3;
    pub const DONE: u8 = 0xFD;
    pub const DONE_PROC: u8 = 0xFE;
    pub const DONE_IN_PROC: u8 = 0xFF;
}

/// Status bits of the DONE tokens.
#[allow(missing_docs)]
pub mod done {
    pub const MORE: u16 = 0x0001;
    pub const ERROR: u16 = 0x0002;
    pub const COUNT: u16 = 0x0010;
    pub const ATTENTION: u16 = 0x0020;
    pub const SERVER_ERROR: u16 = 0x0100;
}

/// Whether a column is announced with a fixed type: its type has one and it can't be NULL (fact 45).
pub fn is_fixed(column: &ResultColumn) -> bool {
    column.flags & 1 == 0 && types::fixed_bytes(&column.ty).is_some()
}

/// COLMETADATA.
pub fn columns(columns: &[ResultColumn], out: &mut Vec<u8>) {
    out.push(token::COLMETADATA);
    out.extend_from_slice(&(columns.len() as u16).to_le_bytes());
    for column in columns {
        out.extend_from_slice(&column.user_type.to_le_bytes());
        out.extend_from_slice(&column.flags.to_le_bytes());
        types::write(&column.ty, is_fixed(column), out);
        if matches!(column.ty.base, Base::Text | Base::NText | Base::Image) {
            // Assumption: the table's name may be left empty; no capture at hand has text, ntext or image.
            out.push(1);
            us_varchar("", out);
        }
        b_varchar(&column.name, out);
    }
}

/// ERROR (class above 10) or INFO.
pub fn message(message: &Message, server: &str, out: &mut Vec<u8>) {
    out.push(if message.class > 10 { token::ERROR } else { token::INFO });
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&message.number.to_le_bytes());
    out.extend_from_slice(&[message.state, message.class]);
    us_varchar(&message.text, out);
    b_varchar(server, out);
    b_varchar(&message.procedure, out);
    out.extend_from_slice(&message.line.to_le_bytes());
    patch_length(at, out);
}

fn patch_length(at: usize, out: &mut [u8]) {
    let length = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&length.to_le_bytes());
}

/// ENVCHANGE.
pub fn env(change: &EnvChange, out: &mut Vec<u8>) {
    out.push(token::ENV_CHANGE);
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    let bytes = |kind: u8, new: &[u8], old: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(&[kind, new.len() as u8]);
        out.extend_from_slice(new);
        out.push(old.len() as u8);
        out.extend_from_slice(old);
    };
    match change {
        EnvChange::Database(new, old) | EnvChange::Language(new, old) => {
            out.push(if matches!(change, EnvChange::Database(..)) { 1 } else { 2 });
            b_varchar(new, out);
            b_varchar(old, out);
        }
        EnvChange::Collation(new) => bytes(7, new, &[], out),
        EnvChange::Begin(new) => bytes(8, new, &[], out),
        EnvChange::Commit(old) => bytes(9, &[], old, out),
        EnvChange::Rollback(old) => bytes(10, &[], old, out),
    }
    patch_length(at, out);
}

/// ENVCHANGE 4: the packet size, as text.
pub fn packet_size(new: usize, old: usize, out: &mut Vec<u8>) {
    out.push(token::ENV_CHANGE);
    let at = out.len();
    out.extend_from_slice(&[0, 0, 4]);
    b_varchar(&new.to_string(), out);
    b_varchar(&old.to_string(), out);
    patch_length(at, out);
}

/// ENVCHANGE 18: RESETCONNECTION is done.
pub fn reset_done(out: &mut Vec<u8>) {
    out.extend_from_slice(&[token::ENV_CHANGE, 3, 0, 18, 0, 0]);
}

/// LOGINACK.
pub fn login_ack(tds: u32, version: (u8, u8, u16), out: &mut Vec<u8>) {
    out.push(token::LOGIN_ACK);
    let at = out.len();
    out.extend_from_slice(&[0, 0, 1]);
    out.extend_from_slice(&tds.to_be_bytes());
    b_varchar("Microsoft SQL Server\0\0", out);
    out.extend_from_slice(&[version.0, version.1]);
    out.extend_from_slice(&version.2.to_be_bytes());
    patch_length(at, out);
}

/// FEATUREEXTACK.
pub fn features(acknowledged: &[(u8, &[u8])], out: &mut Vec<u8>) {
    out.push(token::FEATURE_EXT_ACK);
    for (id, data) in acknowledged {
        out.push(*id);
        out.extend_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(data);
    }
    out.push(0xFF);
}

/// ORDER.
pub fn order(columns: &[u16], out: &mut Vec<u8>) {
    out.push(token::ORDER);
    out.extend_from_slice(&((columns.len() * 2) as u16).to_le_bytes());
    for column in columns {
        out.extend_from_slice(&column.to_le_bytes());
    }
}

/// DONE, DONEPROC, DONEINPROC.
pub fn done_token(token: u8, status: u16, command: u16, rows: u64, out: &mut Vec<u8>) {
    out.push(token);
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
}

/// RETURNSTATUS.
pub fn return_status(status: i32, out: &mut Vec<u8>) {
    out.push(token::RETURN_STATUS);
    out.extend_from_slice(&status.to_le_bytes());
}

/// RETURNVALUE up to its value, which follows in the row form.
pub fn return_value(ordinal: u16, name: &str, ty: &SqlType, out: &mut Vec<u8>) {
    out.push(token::RETURN_VALUE);
    out.extend_from_slice(&ordinal.to_le_bytes());
    b_varchar(name, out);
    // Status 1: an output parameter; user type 0, no flags.
    out.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0]);
    types::write(ty, false, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn fact_77_the_tokens_of_a_login_have_the_captured_bytes() {
        let mut out = Vec::new();
        env(&EnvChange::Database("master".into(), "master".into()), &mut out);
        assert_eq!(out, hex("e31b0001066d0061007300740065007200066d0061007300740065007200"));
        out.clear();
        env(&EnvChange::Collation([0x09, 0x04, 0xD0, 0x00, 0x34]), &mut out);
        assert_eq!(out, hex("e3080007050904d0003400"));
        out.clear();
        env(&EnvChange::Language("us_english".into(), String::new()), &mut out);
        assert_eq!(out, hex("e31700020a750073005f0065006e0067006c0069007300680000"));
        out.clear();
        login_ack(0x7400_0004, (17, 0, 4065), &mut out);
        assert_eq!(
            out,
            hex(
                "ad36000174000004164d006900630072006f0073006f00660074002000530051004c0020005300650072007600650072000000000011000fe1"
            )
        );
        out.clear();
        packet_size(4096, 4096, &mut out);
        assert_eq!(out, hex("e3130004043400300039003600043400300039003600"));
        out.clear();
        features(&[(10, &[1])], &mut out);
        assert_eq!(out, hex("ae0a0100000001ff"));
    }

    #[test]
    fn fact_76_an_error_token_has_the_captured_bytes() {
        let refused = Message {
            number: 18456,
            state: 1,
            class: 14,
            text: "Login failed for user 'sa'.".into(),
            procedure: String::new(),
            line: 1,
        };
        let mut out = Vec::new();
        message(&refused, "c", &mut out);
        let text = "4c006f00670069006e0020006600610069006c0065006400200066006f007200200075007300650072002000270073006100270\
                    02e00";
        // The server's name is taken out of the capture; here it is one letter.
        assert_eq!(out, hex(&format!("aa460018480000010e1b00{text}0163000001000000")));
    }
}
