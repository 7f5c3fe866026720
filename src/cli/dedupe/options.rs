//! What can be said about a purge on the command line.

use std::path::{Path, PathBuf};

use crate::cli::exit::CommandError;
use crate::cli::import::MapRule;
use crate::cli::taken_paths::TakenPaths;

/// Find the duplicates within a file.
///
/// Records are compared field by field and the weights add up to a probability; those at or above 0.85 are grouped, unless something
/// within a group says that it is two people. Nothing is unique by decree here: an equal email or phone is a comparison like any other.
/// Headers are understood as in `leadgate import`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DedupeOptions {
    /// The file: CSV with a header row, or a JSON object on each line; UTF-8.
    pub(super) file: PathBuf,

    /// Where the groups go: `id,group_id` for every record. Groups are numbered from 1; a record that stands alone is its own group.
    #[arg(long, value_name = "FILE")]
    pub(super) output: PathBuf,

    /// Where the pairs go that match or possibly match, with their probability and the weight of every comparison.
    #[arg(long, value_name = "FILE")]
    pub(super) pairs: Option<PathBuf>,

    /// Where a page for people goes: counts, probabilities, the largest groups, and pairs near the threshold. It shows values of the file.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// A policy file with other weights or thresholds; `leadgate policy learn` writes one. What it says of sources is for those that write.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,

    /// What a column means, as in `leadgate import`.
    #[arg(long, value_name = "HEADER=FIELD")]
    pub(super) map: Vec<MapRule>,
}

impl DedupeOptions {
    /// Refuses to write over a file that is read, or one output over another.
    pub(super) fn check_paths(&self) -> Result<(), CommandError> {
        let mut taken = TakenPaths::default();
        taken.read("the file that is read", &self.file);
        self.policy.iter().for_each(|path| taken.read("the policy that is read", path));
        self.outputs().try_for_each(|(flag, path)| taken.write_whole(flag, path))
    }

    /// Where something is written, each behind its flag.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let pairs = self.pairs.iter().map(|path| ("--pairs", &**path));
        let report = self.report.iter().map(|path| ("--report", &**path));
        [("--output", &*self.output)].into_iter().chain(pairs).chain(report)
    }
}
