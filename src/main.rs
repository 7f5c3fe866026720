//! The `leadgate` program.

use std::process::ExitCode;

/// Many small allocations on many threads: less contention and fragmentation than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    leadgate::cli::main()
}
