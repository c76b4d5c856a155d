//! config.toml, layered: defaults < file < environment < flags.
