//! The command line: configuration → one command, human text or `--json`, documented exit codes.
