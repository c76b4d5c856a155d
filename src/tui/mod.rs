//! The dashboard: state, messages, views. Knows the engine's events, no server and no zip.
