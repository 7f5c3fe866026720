//! Compiles `proto/` without a system protoc: messages, client and server code, and the descriptor set for reflection.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

const PACKAGE: &str = "leadgate.v1";

/// Messages that hold personal data, with the one field that their `Debug` may still show.
const PERSONAL: [(&str, Option<&str>); 13] = [
    ("Comparison", Some("field")),
    ("ContactPoint", Some("primary")),
    ("CrmWriteFailed", Some("code")),
    ("ExternalId", Some("source")),
    ("GetLeadRequest", None),
    ("EraseLeadRequest", None),
    ("Lead", Some("lead_id")),
    ("LeadInput", None),
    ("MergedField", Some("field")),
    ("Reason", Some("code")),
    ("SearchLeadsRequest", None),
    ("SplitLeadRequest", Some("lead_id")),
    ("WithheldField", Some("field")),
];

/// Fields that hold a whole lead and are mostly absent: boxed, so that their absence costs a pointer.
const BOXED: [&str; 4] = ["Candidate.lead", "DecisionEvent.lead", "MatchLeadResponse.lead", "UpsertResponse.lead"];

fn main() -> Result<(), Box<dyn Error>> {
    // tonic emits no directive for descriptor sets that it is handed.
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");
    // A short name for what the sources ask for at every seam.
    if std::env::var_os("CARGO_FEATURE_SHUTTLE").is_some() {
        println!("cargo:rustc-cfg=shuttle");
    }
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);

    let descriptors = protox::Compiler::new(["proto"])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(proto_files()?)?
        .file_descriptor_set();
    fs::write(out_dir.join("leadgate_descriptor.bin"), descriptors.encode_to_vec())?;

    // Ordered maps make equal messages equal bytes, which request hashes and replayed decisions rest on.
    let mut builder = tonic_prost_build::configure().btree_map(".").skip_debug(PERSONAL.map(|(name, _)| path_of(name)));
    for field in BOXED {
        builder = builder.boxed(path_of(field));
    }
    builder.compile_fds(descriptors)?;
    append_redacting_debug(&out_dir.join(format!("{PACKAGE}.rs")))
}

/// Every proto file of the package, in a stable order.
fn proto_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = fs::read_dir("proto/leadgate/v1")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    Ok(files)
}

fn path_of(name: &str) -> String {
    format!(".{PACKAGE}.{name}")
}

/// Gives the messages that hold personal data a `Debug` that shows none of it, in the generated file itself.
fn append_redacting_debug(generated: &Path) -> Result<(), Box<dyn Error>> {
    let mut code = fs::read_to_string(generated)?;
    for (name, shown) in PERSONAL {
        let field = shown.map(|field| format!(".field({field:?}, &self.{field})")).unwrap_or_default();
        code.push_str(&format!(
            "impl ::core::fmt::Debug for {name} {{\n    \
                 fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        \
                     formatter.debug_struct({name:?}){field}.finish_non_exhaustive()\n    \
                 }}\n}}\n"
        ));
    }
    Ok(fs::write(generated, code)?)
}
