//! Under which circumstances something was measured: without them a number says nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// What a run was measured under, as names and values.
pub(crate) fn facts(folder: &Path) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("build", if cfg!(debug_assertions) { "debug: these numbers mean nothing" } else { "optimised" }.to_owned()),
        ("commit", commit().unwrap_or_else(|| "unknown".to_owned())),
        ("time", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        (
            "cores",
            format!("{cores} {}, client and server share them", processor().unwrap_or_default()).replace("  ", " "),
        ),
        ("load before", load_average().unwrap_or_else(|| "?".to_owned())),
        ("fsync", fsyncs_per_second(folder).map_or_else(|error| error.to_string(), |rate| format!("{rate:.0}/s"))),
    ]
}

/// The commit of the working copy that the benchmark is run in, marked where files differ from it.
fn commit() -> Option<String> {
    let output =
        std::process::Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=10"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    line.split(':').nth(1).map(|name| name.trim().to_owned())
}

fn load_average() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// How many small appends, each made durable, the disk takes one after the other.
fn fsyncs_per_second(folder: &Path) -> std::io::Result<f64> {
    const APPENDS: u32 = 200;
    let path = folder.join("fsync-probe");
    let mut file = File::create(&path)?;
    let begun = Instant::now();
    for _ in 0..APPENDS {
        file.write_all(&[0; 512])?;
        file.sync_data()?;
    }
    let rate = f64::from(APPENDS) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
