//! The index folder: opened where it is whole and of this format, else emptied and begun anew.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::index::SegmentComponent;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::store::Compressor;
use tantivy::{Index, IndexReader, IndexSettings as TantivySettings, IndexWriter, ReloadPolicy, SegmentMeta};

use super::error::{IndexError, OpenError};
use super::indexed::Indexed;
use super::schema::{FORMAT, Fields};

/// The files without which a folder holds no index.
const OWN_FILES: [&str; 2] = ["meta.json", ".managed.json"];

/// The files of every segment; one with deleted documents has another.
const SEGMENT_FILES: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
    SegmentComponent::Terms,
    SegmentComponent::Store,
];

/// Least memory that a writer works with.
const MIN_WRITER_MEMORY_BYTES: usize = 15_000_000;

/// How much is read for one document, at least.
const STORED_BLOCK_BYTES: usize = 2_048;

/// From this share of deleted documents on a segment is rewritten; without it never, and every update is a delete.
const DELETED_RATIO: f32 = 0.2;

/// Why the index was begun anew instead of being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// There was none: no folder, or an empty one.
    Missing,
    /// Files are missing, cut short or changed.
    Damaged,
    /// It was written by another version of Leadgate.
    OtherFormat,
}

impl fmt::Display for RebuildReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "there was no index",
            Self::Damaged => "the index was damaged",
            Self::OtherFormat => "the index had another format",
        })
    }
}

/// An open index folder.
pub(super) struct Folder {
    pub(super) writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    /// The last sequence that the index holds.
    pub(super) payload: u64,
}

impl Folder {
    /// Opens the folder as it is, or says why it has to be begun anew.
    pub(super) fn open(path: &Path, writer_memory_bytes: usize) -> Result<Result<Self, RebuildReason>, OpenError> {
        if OWN_FILES.iter().all(|file| !path.join(file).exists()) {
            return Ok(Err(RebuildReason::Missing));
        }
        check_unused(path)?;
        match Self::open_whole(path, writer_memory_bytes) {
            Ok(opened) => Ok(opened),
            Err(error) => match OpenError::from(error) {
                OpenError::InUse => Err(OpenError::InUse),
                _ => Ok(Err(RebuildReason::Damaged)),
            },
        }
    }

    /// Empties the folder and begins an index in it.
    pub(super) fn create(path: &Path, writer_memory_bytes: usize) -> Result<Self, OpenError> {
        empty(path).map_err(OpenError::Folder)?;
        let (schema, fields) = Fields::schema();
        let directory = MmapDirectory::open(path).map_err(IndexError::from)?;
        let builder = Index::builder().schema(schema).settings(tantivy_settings());
        let index = builder.open_or_create(directory).map_err(IndexError::from)?;
        let mut folder = Self::of_index(&index, fields, 0, writer_memory_bytes)?;
        // A folder without a payload would count as damaged.
        folder.commit(0)?;
        Ok(folder)
    }

    /// Makes what was added and deleted searchable, and durable together with the sequence.
    pub(super) fn commit(&mut self, payload: u64) -> Result<(), IndexError> {
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&payload_text(payload));
        prepared.commit()?;
        self.payload = payload;
        Ok(())
    }

    /// The index as the last commit left it; `before` is what an earlier one left.
    pub(super) fn indexed(&self, before: Option<&Indexed>) -> Result<Indexed, IndexError> {
        self.reader.reload()?;
        Indexed::new(self.reader.searcher(), self.fields, before)
    }

    /// The fields of the index.
    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// Ends the writer's threads, so that nothing writes to the folder any more.
    pub(super) fn close(self) {
        // Its only error is that a thread had already failed.
        let _ = self.writer.wait_merging_threads();
    }

    fn open_whole(path: &Path, writer_memory_bytes: usize) -> Result<Result<Self, RebuildReason>, IndexError> {
        if OWN_FILES.iter().any(|file| !path.join(file).exists()) {
            return Ok(Err(RebuildReason::Damaged));
        }
        let index = Index::open(MmapDirectory::open(path)?)?;
        let (schema, fields) = Fields::schema();
        let payload = index.load_metas()?.payload.as_deref().map(read_payload);
        let payload = match payload {
            Some(Some(payload)) if index.schema() == schema => payload,
            None => return Ok(Err(RebuildReason::Damaged)),
            _ => return Ok(Err(RebuildReason::OtherFormat)),
        };
        if !is_whole(&index)? {
            return Ok(Err(RebuildReason::Damaged));
        }
        Self::of_index(&index, fields, payload, writer_memory_bytes).map(Ok)
    }

    fn of_index(index: &Index, fields: Fields, payload: u64, writer_memory_bytes: usize) -> Result<Self, IndexError> {
        Fields::register(index);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(writer_memory_bytes.max(MIN_WRITER_MEMORY_BYTES))
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merge_policy()));
        // Crashes leave files behind that no segment knows.
        writer.garbage_collect_files().wait()?;
        let reader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(0).try_into()?;
        Ok(Self { writer, reader, fields, payload })
    }
}

fn check_unused(path: &Path) -> Result<(), OpenError> {
    let directory = MmapDirectory::open(path).map_err(IndexError::from)?;
    let lock = directory.acquire_lock(&INDEX_WRITER_LOCK);
    lock.map(drop).map_err(|error| OpenError::from(IndexError::from(tantivy::TantivyError::from(error))))
}

/// Whether every file of every segment is there and has its checksum: tantivy looks only at what it reads, and trusts it.
fn is_whole(index: &Index) -> Result<bool, IndexError> {
    let managed = index.directory().list_managed_files();
    for segment in index.searchable_segment_metas()? {
        for file in files_of(&segment) {
            if !managed.contains(&file) || !index.directory().validate_checksum(&file)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn files_of(segment: &SegmentMeta) -> impl Iterator<Item = PathBuf> {
    let deleted = segment.has_deletes().then_some(SegmentComponent::Delete);
    SEGMENT_FILES.into_iter().chain(deleted).map(|component| segment.relative_path(component))
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(DELETED_RATIO);
    policy
}

fn tantivy_settings() -> TantivySettings {
    // What is stored is short and read one by one: blocks as small as can be, and nothing to compress.
    TantivySettings {
        docstore_blocksize: STORED_BLOCK_BYTES,
        docstore_compression: Compressor::None,
        docstore_compress_dedicated_thread: false,
        ..TantivySettings::default()
    }
}

fn payload_text(payload: u64) -> String {
    format!("leadgate {FORMAT} {payload}")
}

/// `None` for a payload of another format.
fn read_payload(text: &str) -> Option<u64> {
    text.strip_prefix(&format!("leadgate {FORMAT} "))?.parse().ok()
}

/// Removes what the folder holds but not the folder, which may be a mount point.
fn empty(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
