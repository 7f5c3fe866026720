//! The program as it is run on a file, and what it says of each record.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::truth::rows;

/// The program that is built.
pub(crate) fn leadgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_leadgate"))
}

pub(crate) fn succeeded(run: &Output) {
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// A file of this process alone.
pub(crate) fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("leadgate-accuracy-{}-{name}", std::process::id()))
}

/// The group of each record, as the program finds it under a policy.
pub(crate) fn groups_of(file: &Path, policy: Option<&Path>) -> HashMap<String, String> {
    let groups = temporary("groups.csv");
    let mut command = leadgate();
    command.arg("dedupe").arg(file).arg("--output").arg(&groups);
    command.args(policy.into_iter().flat_map(|policy| [Path::new("--policy"), policy]));
    succeeded(&command.output().unwrap());
    let found = rows(&groups).into_iter().map(|mut row| (row.remove("id").unwrap(), row.remove("group_id").unwrap()));
    let found = found.collect();
    std::fs::remove_file(&groups).unwrap();
    found
}

/// The lead that each record ended on, imported row by row into an empty store. A record that became none is a group of its own.
pub(crate) fn leads_of(file: &Path) -> HashMap<String, String> {
    let (store, report, failed) = (temporary("store"), temporary("report.csv"), temporary("failed.csv"));
    let mut command = leadgate();
    command.arg("import").arg(file).args(["--source", "file"]).arg("--data-dir").arg(&store);
    command.arg("--report").arg(&report).arg("--failed").arg(&failed);
    succeeded(&command.output().unwrap());
    let found = rows(&report).into_iter().map(|mut row| {
        let (id, lead) = (row.remove("id").unwrap(), row.remove("lead_id").unwrap());
        let alone = if lead.is_empty() { format!("none of {id}") } else { lead };
        (id, alone)
    });
    let found = found.collect();
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::remove_file(&report).unwrap();
    // There is none where no row failed.
    let _ = std::fs::remove_file(&failed);
    found
}
