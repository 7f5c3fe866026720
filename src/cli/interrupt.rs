//! What is done when a command that only computes is interrupted.

use std::path::PathBuf;

use super::exit::Exit;

/// With Ctrl-C, removes the files that are not whole yet and ends the process. Where nobody can wait for it, it ends as any process does.
pub(crate) fn remove_when_interrupted(parts: Vec<PathBuf>) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            // One that is not there needs not be removed.
            parts.iter().for_each(|part| drop(std::fs::remove_file(part)));
            std::process::exit(Exit::Interrupted as i32);
        }
    });
}
