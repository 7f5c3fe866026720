//! The fields of the index and the terms in them.
//!
//! Every term begins with its tenant, so that no term of one tenant can ever be found by another. A tenant holds no
//! control character, hence neither of the marks.

use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, NumericOptions, STORED, Schema, TantivyDocument, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{Index, Term};

use crate::decision::comparable::Comparable;
use crate::domain::{LeadId, TenantId};

use super::document::IndexDocument;
use super::search_text::{ITEM_START, SearchText};

/// Raised with every change of fields, terms, folding or of what is compared: an index of another format is rebuilt.
pub(super) const FORMAT: u32 = 8;

/// The name under which the index knows [`ScopedTokenizer`].
const TOKENIZER: &str = "scoped";

/// Stands between the tenant and the rest of a term.
const TENANT_MARK: char = '\u{0}';

/// How many bits of a blocking key its term holds. Every further six cost a node of the term dictionary for each key of each lead. Of
/// ten million keys one in a hundred shares its bits with another: a lead that such two bring together is one candidate too many.
const BLOCK_BITS: u32 = 30;

/// The digits of a block's term: six bits each.
const BLOCK_DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Tenant and id: what a document is deleted by.
    pub(super) key: Field,
    /// Items of [`SearchText`].
    pub(super) words: Field,
    /// Blocking keys.
    pub(super) blocks: Field,
    /// What the lead is compared by: all that is stored of it here.
    pub(super) comparable: Field,
    high: Field,
    low: Field,
    signature: Field,
}

/// The column of the first eight bytes of the lead's id.
pub(super) const ID_HIGH: &str = "id_high";

/// The column of the last eight bytes of the lead's id.
pub(super) const ID_LOW: &str = "id_low";

/// The column of the lead's signature.
pub(super) const SIGNATURE: &str = "signature";

impl Fields {
    /// The schema with its fields.
    pub(super) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let column = NumericOptions::from(FAST);
        let fields = Self {
            key: schema.add_bytes_field("key", BytesOptions::default().set_indexed()),
            words: schema.add_text_field("words", text_options()),
            blocks: schema.add_text_field("blocks", text_options()),
            comparable: schema.add_bytes_field("comparable", STORED),
            high: schema.add_u64_field(ID_HIGH, column.clone()),
            low: schema.add_u64_field(ID_LOW, column.clone()),
            signature: schema.add_u64_field(SIGNATURE, column),
        };
        (schema.build(), fields)
    }

    /// Teaches an index that was made or opened how its texts fall into terms.
    pub(super) fn register(index: &Index) {
        index.tokenizers().register(TOKENIZER, ScopedTokenizer::default());
    }

    /// The document of a live lead.
    pub(super) fn document(
        &self,
        document: &IndexDocument,
        words: &SearchText,
        comparable: &Comparable,
    ) -> TantivyDocument {
        let (high, low) = halves(document.lead_id);
        let scope = document.tenant.as_str();
        let mut result = TantivyDocument::default();
        result.add_bytes(self.key, &key(&document.tenant, document.lead_id));
        result.add_text(self.words, format!("{scope}{}", words.as_str()));
        result.add_text(self.blocks, blocks_text(scope, &document.blocks));
        result.add_bytes(self.comparable, &comparable.to_bytes());
        result.add_u64(self.high, high);
        result.add_u64(self.low, low);
        result.add_u64(self.signature, comparable.profile.signature().to_bits());
        result
    }

    /// The term by which a lead's document is found and deleted.
    pub(super) fn key_term(&self, tenant: &TenantId, lead_id: LeadId) -> Term {
        Term::from_field_bytes(self.key, &key(tenant, lead_id))
    }

    /// The term of a blocking key.
    pub(super) fn block_term(&self, tenant: &TenantId, block: u64) -> Term {
        let mut text = format!("{}{TENANT_MARK}", tenant.as_str());
        push_block(&mut text, block);
        Term::from_field_text(self.blocks, &text)
    }
}

/// The beginning of every term of a tenant.
pub(super) fn scope(tenant: &TenantId) -> Vec<u8> {
    format!("{}{TENANT_MARK}", tenant.as_str()).into_bytes()
}

/// Sorts behind every term of a tenant and before those of the next.
pub(super) fn after_scope(tenant: &str) -> Vec<u8> {
    format!("{tenant}\u{1}").into_bytes()
}

/// The tenant and the lead that a key term names; `None` where it is no such term.
pub(super) fn split_key(key: &[u8]) -> Option<(&str, LeadId)> {
    let (scope, id) = key.split_last_chunk::<16>()?;
    let tenant = std::str::from_utf8(scope).ok()?.strip_suffix(TENANT_MARK)?;
    Some((tenant, LeadId::from_bytes(*id)))
}

/// The id whose halves stand in the two columns.
pub(super) fn joined(high: u64, low: u64) -> LeadId {
    LeadId::from_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
}

fn halves(lead_id: LeadId) -> (u64, u64) {
    let id = u128::from_be_bytes(*lead_id.as_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "each half has 64 bits")]
    ((id >> 64) as u64, id as u64)
}

fn key(tenant: &TenantId, lead_id: LeadId) -> Vec<u8> {
    let mut key = scope(tenant);
    key.extend_from_slice(lead_id.as_bytes());
    key
}

fn text_options() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    TextOptions::default().set_indexing_options(indexing)
}

fn blocks_text(scope: &str, blocks: &[u64]) -> String {
    let mut text = scope.to_owned();
    for block in blocks {
        text.push(ITEM_START);
        push_block(&mut text, *block);
    }
    text
}

fn push_block(text: &mut String, block: u64) {
    for shift in (0..BLOCK_BITS).step_by(6) {
        text.push(char::from(BLOCK_DIGITS[(block >> shift) as usize & 63]));
    }
}

/// Splits `tenant ITEM_START item ITEM_START item …` into terms `tenant TENANT_MARK item`.
#[derive(Clone, Default)]
struct ScopedTokenizer {
    token: Token,
}

/// The terms of one text.
struct ScopedTokens<'a> {
    scope: &'a str,
    items: std::str::Split<'a, char>,
    token: &'a mut Token,
}

impl Tokenizer for ScopedTokenizer {
    type TokenStream<'a> = ScopedTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> ScopedTokens<'a> {
        self.token.reset();
        let mut items = text.split(ITEM_START);
        ScopedTokens { scope: items.next().unwrap_or(""), items, token: &mut self.token }
    }
}

impl TokenStream for ScopedTokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(item) = self.items.next() else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        self.token.text.clear();
        self.token.text.push_str(self.scope);
        self.token.text.push(TENANT_MARK);
        self.token.text.push_str(item);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
