//! Why something was decided: codes with metadata, never a field's value.

use std::collections::BTreeMap;

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $message:literal;)*) => {
        /// A reason, as a stable code. The numbers are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum ReasonCode {
            $($(#[$doc])* $name = $number,)*
        }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as callers read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// A sentence for people.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

reason_codes! {
    /// A placeholder value stopped being a key.
    BlockedValue = 1, "BLOCKED_VALUE", "A placeholder such as `n/a` is never a key and is not stored on the lead.";
    /// A value could not be read as what its field holds.
    InvalidValue = 2, "INVALID_VALUE", "The value could not be read as what the field holds; it is kept as given and is not a key.";
    /// The source sent no external id.
    BlankExternalId = 3, "BLANK_EXTERNAL_ID", "The source sent no external id of its own; the next tier decides.";
    /// The email's domain looks mistyped.
    EmailTypoSuspected = 4, "EMAIL_TYPO_SUSPECTED", "The email's domain looks mistyped; the address was not changed.";
    /// The payload corrects a mistyped email.
    EmailCorrected = 5, "EMAIL_CORRECTED", "The payload corrects a mistyped email of the lead, which became an alias.";
    /// The primary email changed.
    EmailChanged = 6, "EMAIL_CHANGED", "The lead was matched without its email and has a new primary email; the old one stays as an alias.";
    /// A shared key was held by somebody of another name.
    NameGuardFailed = 7, "NAME_GUARD_FAILED", "A shared phone or mailbox is held by a lead with another name.";
    /// Several live leads hold the key.
    MultipleMatches = 8, "MULTIPLE_MATCHES", "Several live leads hold the key or fit as well, and nothing tells which it is.";
    /// The external id seems to have been given to another person.
    ExternalIdReuseSuspected = 9, "EXTERNAL_ID_REUSE_SUSPECTED", "Name, email and phone all disagree with the lead that holds this external id.";
    /// The lead exists and the mode only creates.
    LeadAlreadyExists = 10, "LEAD_ALREADY_EXISTS", "The lead is already known and the mode only creates.";
    /// The lead does not exist and the mode only updates.
    LeadNotFound = 11, "LEAD_NOT_FOUND", "No lead matches and the request creates none.";
    /// Nothing to find the lead by.
    NoUsableIdentifier = 12, "NO_USABLE_IDENTIFIER", "The payload has no usable key, and no name with one more comparable field.";
    /// The source may only update.
    CreateNotAllowed = 13, "CREATE_NOT_ALLOWED", "The source may only update leads.";
    /// A higher-ranking source set the value.
    LowerPrecedence = 14, "LOWER_PRECEDENCE", "A source of higher rank set the value.";
    /// A newer value stands.
    StaleUpdate = 15, "STALE_UPDATE", "The lead holds a newer value for the field.";
    /// A bulk source does not overwrite.
    BulkOverwrite = 16, "BULK_OVERWRITE", "A bulk source only fills blank fields.";
    /// The values are those we told that system to write.
    Echo = 17, "ECHO", "The values are those that this system was told to write.";
    /// An id was linked and nothing else changed.
    Linked = 18, "LINKED", "An id was linked to the lead; nothing else changed.";
    /// The source holds the lead twice.
    SourceHoldsDuplicate = 19, "SOURCE_HOLDS_DUPLICATE", "The source holds more than one live record of this lead.";
    /// A merged lead was addressed.
    Redirected = 20, "REDIRECTED", "The lead addressed was merged; the answer is about its survivor.";
    /// A soft-deleted lead was revived.
    Revived = 21, "REVIVED", "The lead had been deleted and was revived by a match.";
    /// The clock of the source is ahead.
    ClockSkew = 22, "CLOCK_SKEW", "source_update_time lay more than 10 minutes ahead and was set to the time of receipt.";
    /// A claim had expired.
    ClaimExpired = 23, "CLAIM_EXPIRED", "An earlier claim to create expired; look for the lead in the target by lead_id first.";
    /// The score is below every threshold.
    BelowThreshold = 24, "BELOW_THRESHOLD", "The best candidate is below the review threshold.";
    /// The score is in the review band.
    InReviewBand = 25, "IN_REVIEW_BAND", "The best candidate is in the review band.";
    /// The lead's identifiers passed a limit by accumulation.
    IdentifierLimit = 26, "IDENTIFIER_LIMIT", "The lead would hold more identifiers than allowed.";
    /// The value belongs to another lead.
    ContestedValue = 27, "CONTESTED_VALUE", "The value is a unique key of another lead.";
    /// The person asked to be forgotten.
    Suppressed = 28, "SUPPRESSED", "The person was erased; nothing of the payload was stored.";
    /// The policy shields the field.
    Protected = 29, "PROTECTED", "The policy shields the field against this source.";
    /// The policy's or mode's blank filling kept the value.
    NotBlank = 30, "NOT_BLANK", "The update mode fills only blank fields.";
    /// An external id may not be taken from a report for another lead.
    ConflictingKey = 31, "CONFLICTING_KEY", "The key is held by another live lead.";
    /// A claim token does not match the current claim.
    UnknownClaim = 32, "UNKNOWN_CLAIM", "The claim token is not the current one; the report was applied without it.";
    /// A bulk source never updates what was found by likeness alone.
    BulkFuzzyMatch = 33, "BULK_FUZZY_MATCH", "A bulk source does not update a lead that was found by likeness alone: a person decides.";
}

impl ReasonCode {
    /// Marketo's number for the same thing, where it has one.
    pub fn marketo_code(self) -> Option<&'static str> {
        match self {
            Self::InvalidValue => Some("1001"),
            Self::LeadNotFound => Some("1004"),
            Self::LeadAlreadyExists => Some("1005"),
            Self::MultipleMatches => Some("1007"),
            _ => None,
        }
    }

    /// The code with this stable number, as stored.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| *code as u16 == number)
    }
}

/// A reason with its details. The metadata holds field names, lead ids and numbers, never a person's data, except for
/// `suggestion`, which repeats the caller's own corrected email and is left out of anything stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What.
    pub code: ReasonCode,
    /// Which field, lead or number.
    pub metadata: BTreeMap<&'static str, Box<str>>,
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        let metadata = code.marketo_code().map(|number| ("marketo_code", number.into())).into_iter().collect();
        Self { code, metadata }
    }
}

impl Reason {
    /// The same reason with one more detail.
    pub fn with(mut self, key: &'static str, value: impl Into<Box<str>>) -> Self {
        self.metadata.insert(key, value.into());
        self
    }
}
