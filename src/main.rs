//! The `pacrat` binary.

fn main() {}
