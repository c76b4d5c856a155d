//! Jobs against the sandbox: what a backup or restore leaves behind when it ends well, is cancelled during each step,
//! or loses its connection during each step.

mod bench;
mod cancelled;
mod clr;
mod dropped;
mod honest;
#[path = "../support/mod.rs"]
mod support;
mod whole;
