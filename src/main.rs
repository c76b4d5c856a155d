//! The `pacrat` binary.

fn main() -> std::process::ExitCode {
    pacrat::cli::run()
}
