//! TDS 7.2 to 7.4 (and 8.0's TLS first), the server's side: packets, login, requests in, tokens out.
//!
//! It knows no SQL: requests go to a [`super::session::Session`] on a thread of its own, and its answers are written to
//! packets that an asynchronous task sends. Everything that comes from a client is bounded and checked; nothing from it
//! can panic the server.

pub mod answer;
pub mod bulk;
pub mod connection;
pub mod cursor;
pub mod login;
pub mod packet;
pub mod prelogin;
pub mod request;
pub mod tls;
pub mod tokens;
pub mod types;
pub mod worker;
