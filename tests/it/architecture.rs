//! The dependency graph of DESIGN.md, and what else the sources must not do.
//!
//! ```text
//! main -> cli -> app -> grpc -> engine -> store -> decision -> domain
//!                                  '---> index -> decision -> domain
//! ```

mod source;

use std::fs;
use std::path::Path;

use source::Source;

/// Modules from the bottom to the top: each may name those of lower floors, and itself. Those of one floor do not know each other.
const FLOORS: [&[&str]; 10] = [
    &["domain"],
    &["decision"],
    &["store", "index"],
    &["engine"],
    &["grpc"],
    &["config"],
    &["telemetry"],
    &["app"],
    &["cli"],
    &["fuzzed"],
];

/// The pure ones: what they compute depends on nothing but what they are given.
const PURE: [&str; 2] = ["domain", "decision"];

/// What a pure module does not name: async, input and output, the clock, randomness, threads and what they share.
const IMPURE: [&str; 39] = [
    "async",
    "await",
    "tokio",
    "tokio_stream",
    "futures_util",
    "std::fs",
    "std::net",
    "std::io",
    "std::os",
    "std::env",
    "std::process",
    "std::thread",
    "std::future",
    "std::task",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::sync::mpsc",
    "std::sync::atomic",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::hash::RandomState",
    "std::collections::hash_map::RandomState",
    "foldhash::fast::RandomState",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "rand",
    "getrandom",
    "thread_local",
    "arc_swap",
    "rustix",
    "metrics",
    "tracing",
    "println",
    "eprintln",
];

/// Crates that only one module, or file, names; those that stand here twice have two.
const OWNERS: [(&str, &[&str]); 13] = [
    ("tonic", &["grpc"]),
    ("tonic_prost", &["grpc"]),
    ("tonic_health", &["grpc"]),
    ("tonic_reflection", &["grpc"]),
    ("tonic_types", &["grpc"]),
    ("http", &["grpc"]),
    ("tantivy", &["index"]),
    ("fjall", &["store"]),
    ("xxhash_rust", &["store"]),
    ("xxhash_rust", &["decision", "matching", "frequency"]),
    ("dashmap", &["engine", "sync"]),
    ("clap", &["cli"]),
    ("shuttle", &["engine", "sync"]),
];

/// Names that say nothing about what a file is for.
const NAMELESS: [&str; 6] = ["utils", "util", "helpers", "helper", "common", "misc"];

const MOST_LINES: usize = 500;

/// Everything that is wrong with a file.
fn faults(file: &str, text: &str) -> Vec<String> {
    let source = Source::read(file, text);
    let module = source.modules.first().map_or("", String::as_str);
    let mut faults = Vec::new();
    if source.lines > MOST_LINES {
        faults.push(format!("{file}: {} lines, at most {MOST_LINES}", source.lines));
    }
    if let Some(nameless) = source.modules.iter().find(|name| NAMELESS.contains(&name.as_str())) {
        faults.push(format!("{file}: \"{nameless}\" says nothing"));
    }
    for (line, path) in &source.paths {
        let wrong =
            wrong_way(module, path).or_else(|| impure(module, path)).or_else(|| not_owned(&source.modules, path));
        faults.extend(wrong.map(|wrong| format!("{file}:{line}: {wrong}")));
    }
    faults
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// A path into a module that this one must not know.
fn wrong_way(module: &str, path: &[String]) -> Option<String> {
    if path[0] != "leadgate" {
        return None;
    }
    let other = path.get(1)?.as_str();
    let named = floor(other)?;
    let below = match module {
        "main" => other == "cli",
        "" => true,
        _ => floor(module).is_none_or(|own| named < own) || module == other,
    };
    (!below).then(|| format!("{module} names {other}"))
}

fn impure(module: &str, path: &[String]) -> Option<String> {
    let path = path.join("::");
    let named = |forbidden: &&&str| {
        let inside = |rest: Option<&str>| rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        inside(path.strip_prefix(**forbidden)) || path.ends_with(&format!("::{forbidden}"))
    };
    let forbidden = PURE.contains(&module).then(|| IMPURE.iter().find(named)).flatten()?;
    Some(format!("{module} is pure and names {forbidden}"))
}

fn not_owned(modules: &[String], path: &[String]) -> Option<String> {
    let owners = OWNERS.iter().filter(|(name, _)| path.len() > 1 && path[0] == *name).map(|(_, owner)| *owner);
    let owners: Vec<&[&str]> = owners.collect();
    let owns = |owner: &&[&str]| owner.iter().zip(modules).filter(|(own, module)| own == module).count() == owner.len();
    let explored = path[0] == "shuttle" && modules == ["index", "sync"];
    let stranger = !owners.is_empty() && !owners.iter().any(owns) && !explored;
    let told = || owners.iter().map(|owner| owner.join("::")).collect::<Vec<_>>().join(" and ");
    stranger.then(|| format!("{} belongs to {}", path[0], told()))
}

/// Every source file but tests, as its path within `src/` and its text.
fn sources(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("a type").is_dir() {
            sources(&entry.path(), &format!("{path}/"), found);
        } else if name.ends_with(".rs") {
            found.push((path, fs::read_to_string(entry.path()).expect("text")));
        }
    }
}

fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs")
}

#[test]
fn dependencies_point_one_way() {
    let mut found = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut found);
    assert!(found.len() > 50, "only {} files", found.len());
    let faults: Vec<String> =
        found.iter().filter(|(file, _)| !is_test(file)).flat_map(|(file, text)| faults(file, text)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let modules = found.iter().map(|(file, _)| Source::read(file, "").modules);
    let unknown: Vec<_> = modules
        .filter_map(|modules| modules.first().cloned())
        .filter(|module| module != "main" && floor(module).is_none())
        .collect();
    assert!(unknown.is_empty(), "without a floor: {unknown:?}");
}

#[test]
fn test_files_are_short_too() {
    for folder in ["src", "tests", "benches"] {
        let mut found = Vec::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        if folder.exists() {
            sources(&folder, "", &mut found);
        }
        for (file, text) in found {
            assert!(text.lines().count() <= MOST_LINES, "{file}: {} lines", text.lines().count());
        }
    }
}

/// Each line is a file, a source with one fault, and the fault.
#[test]
fn planted_violations_are_found() {
    let check = |file: &str, text: &str, expected: &str| {
        let found = faults(file, text);
        assert!(found.len() == 1 && found[0].contains(expected), "{file}: {text}\n{found:?}");
    };
    check("store/mod.rs", "use crate::index::LeadIndex;", "store names index");
    check("index/view.rs", "fn f(row: &crate::store::Versioned) {}", "index names store");
    check("store/embedded/view.rs", "use super::super::super::engine::Engine;", "store names engine");
    check("domain/lead.rs", "use crate::{domain::Email, decision::policy::Policy};", "domain names decision");
    check("decision/decide.rs", "use crate::{domain::{Email, Lead}, store::{self as s}};", "decision names store");
    check("engine/mod.rs", "\n\nuse crate::grpc::status;", "engine/mod.rs:3: engine names grpc");
    check("main.rs", "fn main() { leadgate::engine::open() }", "main names engine");
    check("config.rs", "use super::telemetry::start_logging;", "config names telemetry");
    check("domain/email.rs", "use std::time::{Duration, Instant};", "names std::time::Instant");
    check("domain/email.rs", "fn f() { let now = jiff::Timestamp::now(); }", "names Timestamp::now");
    check("decision/plan/mod.rs", "fn f() { Uuid::now_v7() }", "names Uuid::now_v7");
    check("decision/decide.rs", "pub async fn f() {}", "names async");
    check("decision/decide.rs", "fn f() { std::fs::read(\"x\") }", "names std::fs");
    check("domain/phone.rs", "use rand::{Rng as R};", "names rand");
    check("domain/phone.rs", "fn f() { println!(\"{}\", 1) }", "names println");
    check("engine/mod.rs", "use tonic::Status;", "tonic belongs to grpc");
    check("engine/batch.rs", "use dashmap::DashMap;", "dashmap belongs to engine::sync");
    check("decision/digest.rs", "use xxhash_rust::xxh3::Xxh3;", "belongs to store and decision::matching::frequency");
    check("index/mod.rs", "fn f() -> fjall::Result<()> {}", "fjall belongs to store");
    check("grpc/search.rs", "use tantivy::{Index};", "tantivy belongs to index");
    check("store/utils.rs", "", "says nothing");
    check("engine/helpers/mod.rs", "", "says nothing");
    check("engine/mod.rs", &"\n".repeat(501), "501 lines");
}

#[test]
fn what_is_allowed_is_not_found() {
    let check = |file: &str, text: &str| assert_eq!(faults(file, text), Vec::<String>::new(), "{file}: {text}");
    check("engine/mod.rs", "use crate::{index::LeadIndex, store::LeadStore};\nuse super::domain::Email;");
    check("domain/email.rs", "// use crate::store;\n/* tokio::spawn */ const X: &str = \"crate::store \\\" tokio\";");
    check("domain/email.rs", "fn f<'a>(x: &'a str) -> char { '\"' } // crate::store\nuse crate::domain::Lead;");
    check("domain/email.rs", "const X: &str = r#\"use crate::store;\"#; use std::time::Duration;");
    check("domain/email.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use tokio::spawn; use crate::store; }");
    check("decision/matching/frequency.rs", "use xxhash_rust::xxh3::xxh3_64_with_seed;");
    check("store/embedded/journal.rs", "use xxhash_rust::xxh3::Xxh3;");
    check("grpc/mod.rs", "use tonic::{Request, Status}; use crate::engine::Engine;");
    check("main.rs", "fn main() { leadgate::cli::run() }");
    check("decision/plan/mod.rs", "use super::super::domain::Lead; use super::rand_name;");
}
