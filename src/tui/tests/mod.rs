//! Tests of the whole dashboard: its updates, its screens, the program driven by keys.

mod restores;
mod samples;
mod screens;
mod updates;
mod whole;
