//! The words of the field: values that cannot be wrong. Knows no async, IO, clock, randomness or globals.
//!
//! Every type here is made by a checking constructor and never changes afterwards. A value that holds
//! personal data redacts itself in `Debug`, and no error repeats the text that caused it. Normalising is
//! idempotent: what a type shows as its normalised form parses to the same form again.
//!
//! What this module never does: decide whether two leads are the same. It says what a value *is*
//! (its normalised form, its folded form, whether it is blocked); [`crate::decision`] compares.

mod birth_date;
pub mod blank;
mod company_name;
mod country;
mod domain_name;
mod email;
mod external_id;
mod field;
mod folding;
mod ids;
mod incoming;
mod lead;
mod mail_domains;
mod name_parts;
pub mod nickname;
mod numbering_plan;
mod person_name;
mod phone;
mod phone_text;
mod role_mailbox;
mod tenant;

pub use birth_date::{BirthDate, BirthDateError};
pub use company_name::CompanyName;
pub use country::{CountryCode, CountryError};
pub(crate) use domain_name::registrable;
pub use domain_name::{DomainName, DomainNameError};
pub use email::{Email, EmailError};
pub use external_id::{ExternalId, ExternalIdError, ExternalIdFormat, SourceName, SourceNameError};
pub use field::{Field, FieldKey, UnknownField};
pub(crate) use folding::fold;
pub use ids::{DeadLetterId, LeadId, ParseIdError, ReviewId};
pub use incoming::{IncomingLead, IncomingPhone, InputNote, Redacted};
pub use lead::{
    Claim, ContactPoint, DigestMap, ExternalIdState, FieldValue, Lead, Lifecycle, LinkedBy, LinkedId, SentRecord,
    SystemRecord, ValueDigest,
};
pub use person_name::{Generation, PersonName};
pub use phone::{Phone, PhoneError, PhoneKind};
pub use tenant::{TenantId, TenantIdError};
