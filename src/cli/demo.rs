//! `pacrat demo`: two sandbox servers with five tenants in this process, a store with some history, the dashboard on
//! them. Everything is temporary and removed at the end.

mod gate;
mod history;
mod line;
mod rows;
mod seed;
