//! The command line.

mod destination;
mod exit;
mod import;
mod output;
