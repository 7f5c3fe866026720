//! The messages and services of `leadgate.v1`, as generated from `proto/`. The proto files are their manual.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args,
    reason = "generated code"
)]

tonic::include_proto!("leadgate.v1");

/// The descriptors of every message and service, comments included, for reflection.
pub const DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("leadgate_descriptor");
