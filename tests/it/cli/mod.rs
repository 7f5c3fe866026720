//! The program as people and scripts run it: files in, tables and exit codes out.

mod bench;
mod commands;
mod dedupe;
mod dry_run;
mod explain;
mod import;
mod interrupted;
mod policy_learning;
mod serve;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder to run in.
struct Place {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program, in the folder, with nothing set in the environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leadgate"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LEADGATE_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().expect("run"))
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
        child.stdin.take().expect("an input").write_all(input.as_bytes()).expect("written");
        ended(child.wait_with_output().expect("ended"))
    }

    /// A server on free ports, ready.
    fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_on("127.0.0.1:0", arguments)
    }

    /// A server that listens on this address, ready.
    fn serve_on(&self, address: &str, arguments: &[&str]) -> Server {
        let mut command = self.command(&["serve", "--listen", address, "--health-listen=127.0.0.1:0"]);
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().expect("run");
        let mut said = BufReader::new(child.stderr.take().expect("an error stream"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        let address = |name: &str| {
            let rest = line.split(name).nth(1).unwrap_or_else(|| panic!("no `{name}` in {line}"));
            rest.split([',', '\n']).next().unwrap_or_default().to_owned()
        };
        let server = Server { address: address("listening on "), health: address("health on "), child };
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        self.wait_until(|| self.run(&["healthcheck", "--address", &server.health]).code == 0);
        server
    }

    fn wait_until(&self, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < deadline, "waited for too long");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Ended {
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The count that a table or report of counts gives for a name.
    fn count(&self, name: &str) -> u64 {
        let line = self.out.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.and_then(|line| line.rsplit(' ').next()).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// A running server; killed at the end.
struct Server {
    child: Child,
    address: String,
    health: String,
}

impl Server {
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill");
        assert!(status.success());
    }

    fn wait(&mut self) -> i32 {
        self.child.wait().expect("ended").code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rows of a report, as cells.
fn report(place: &Place, name: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(place.path(name)).expect("a report");
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// A file of `rows` leads that have nothing in common.
fn distinct_leads(rows: usize) -> String {
    let mut text = "id,name,email,phone,organisation,postcode,source\n".to_owned();
    for row in 0..rows {
        let digits = 1_000_000 + row;
        text.push_str(&format!(
            "{row},Person{row} Family{row},p{row}@company{row}.example,+1212{digits},Company{row} Inc,{row:05},web\n"
        ));
    }
    text
}

/// Whether a folder has a file.
fn exists(path: &Path) -> bool {
    path.try_exists().expect("told")
}
