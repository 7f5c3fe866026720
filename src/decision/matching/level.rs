//! The comparison levels: per field an ordered list, the first that fits wins, and missing data is a level of its own.

use super::weights::LevelWeight;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComparedField {
    /// The name as a whole, where one side has none.
    Name,
    /// The family name.
    FamilyName,
    /// The first given name.
    GivenName,
    /// The other given names.
    MiddleName,
    /// Jr, Sr, II, III.
    Generation,
    /// The company's name.
    Company,
    /// The domain of web site and work addresses.
    Domain,
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
    /// Street and house number.
    Street,
    /// The city.
    City,
    /// The postal code.
    PostalCode,
    /// The state or province.
    State,
    /// The country.
    Country,
    /// The date of birth.
    DateOfBirth,
    /// The job title.
    Title,
}

impl ComparedField {
    /// Every field, in the order of its levels.
    pub const ALL: [Self; 16] = [
        Self::FamilyName,
        Self::Name,
        Self::GivenName,
        Self::MiddleName,
        Self::Generation,
        Self::Company,
        Self::Domain,
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::City,
        Self::PostalCode,
        Self::State,
        Self::Country,
        Self::DateOfBirth,
        Self::Title,
    ];

    /// Its levels, in the order in which they are tried.
    pub fn levels(self) -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(move |level| level.field() == self)
    }

    /// Its name in answers and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FamilyName => "last_name",
            Self::GivenName => "first_name",
            Self::MiddleName => "middle_name",
            Self::Generation => "generation",
            Self::Company => "company",
            Self::Domain => "domain",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Street => "street",
            Self::City => "city",
            Self::PostalCode => "postal_code",
            Self::State => "state",
            Self::Country => "country",
            Self::DateOfBirth => "date_of_birth",
            Self::Title => "title",
        }
    }
}

macro_rules! levels {
    ($($(#[$doc:meta])* $variant:ident = $field:ident $name:literal $weight:literal $rarity:literal $kind:ident,)*) => {
        /// How two values of a field agree. The order within a field is that in which they are tried.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Level {
            $($(#[$doc])* $variant,)*
        }

        impl Level {
            /// Every level.
            pub const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];

            /// The field it is a level of.
            pub fn field(self) -> ComparedField {
                match self { $(Self::$variant => ComparedField::$field,)* }
            }

            /// Its name within its field.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it speaks for one lead, beyond the name.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// Whether both have one mailbox, which is no function's.
            pub(super) fn is_one_mailbox(self) -> bool {
                matches!(self, Self::EmailExact | Self::EmailExactNamed)
            }

            /// Whether a side has no value: nothing to learn from.
            pub(super) fn is_missing(self) -> bool {
                matches!(self, Self::FamilyMissing | Self::GivenMissing)
            }

            /// The weight that ships: learned from labelled files by `cargo bench --bench accuracy -- --data DIR --learn`. The rarity is set.
            pub(super) fn shipped(self) -> LevelWeight {
                match self { $(Self::$variant => LevelWeight { bits: $weight, of_rarity: $rarity },)* }
            }
        }
    };
}

/// What a level says beside its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name itself: alone it never matches.
    Name,
    /// Something beside the name agrees.
    Support,
    /// It agrees, but so it does for strangers.
    Weak,
    /// Nothing speaks for one lead.
    Against,
    /// It says that they are two.
    Contrary,
}

impl Kind {
    /// Whether the values agree, more or less.
    pub fn agrees(self) -> bool {
        matches!(self, Self::Name | Self::Support | Self::Weak)
    }
}

levels! {
    /// The same family name.
    FamilyExact = FamilyName "exact" -0.44 0.95 Name,
    /// One is a part of the other: a double name, or a particle left out.
    FamilyPart = FamilyName "part" -0.96 0.8 Name,
    /// Mistyped.
    FamilyMisspelt = FamilyName "misspelt" -1.63 0.75 Name,
    /// Sounds the same.
    FamilySound = FamilyName "sound" -2.44 0.6 Name,
    /// One is an initial of the other.
    FamilyInitial = FamilyName "initial" 1.0 0.0 Name,
    /// Half of the letters.
    FamilyAlike = FamilyName "alike" -1.83 0.4 Name,
    /// Two names.
    FamilyDifferent = FamilyName "different" -5.0 0.0 Against,
    /// One side has none.
    FamilyMissing = FamilyName "missing" 0.0 0.0 Against,

    /// One side names nobody, and its mailbox is made of the other's name.
    PersonInMailbox = Name "in mailbox" 1.03 0.5 Support,
    /// One side names nobody, and its mailbox has the other's initials.
    PersonInitials = Name "initials" 0.03 0.0 Weak,
    /// One side names nobody, and its mailbox is somebody else's.
    PersonElsewhere = Name "other mailbox" -4.92 0.0 Against,
    /// One side names nobody and writes for a function.
    PersonForFunction = Name "function" -10.0 0.0 Contrary,
    /// One side names nobody.
    PersonMissing = Name "nobody" -3.0 0.0 Against,

    /// The same first name.
    GivenExact = GivenName "exact" -0.93 0.9 Name,
    /// A short form, or another spelling.
    GivenNickname = GivenName "nickname" -1.05 0.75 Name,
    /// Mistyped.
    GivenMisspelt = GivenName "misspelt" -1.61 0.75 Name,
    /// One is an initial of the other.
    GivenInitial = GivenName "initial" 1.51 0.0 Name,
    /// A second name of one is the first of the other.
    GivenSecond = GivenName "second name" -0.37 0.5 Name,
    /// Half of the letters.
    GivenAlike = GivenName "alike" -1.87 0.4 Name,
    /// Two names of people who were born on one day: one was taken down wrongly.
    GivenMistaken = GivenName "mistaken" -5.35 0.0 Against,
    /// Two names.
    GivenDifferent = GivenName "different" -11.0 0.0 Contrary,
    /// Two names, and two family names: two people.
    GivenUnrelated = GivenName "unrelated" -14.0 0.0 Contrary,
    /// One side has none.
    GivenMissing = GivenName "missing" 0.0 0.0 Against,

    /// The same second name or its initial.
    MiddleAgrees = MiddleName "agrees" 1.73 0.0 Name,
    /// Two second names.
    MiddleDifferent = MiddleName "different" -2.97 0.0 Against,

    /// The same suffix.
    GenerationAgrees = Generation "agrees" 2.01 0.0 Name,
    /// Two suffixes.
    GenerationDifferent = Generation "different" -25.0 0.0 Contrary,
    /// Only one has one.
    GenerationOneSided = Generation "one-sided" -4.99 0.0 Against,

    /// The same company.
    CompanyExact = Company "exact" -0.8 0.8 Support,
    /// The same words, in another order, form or spelling.
    CompanyWords = Company "words" -1.08 0.7 Support,
    /// One is the initials of the other.
    CompanyAcronym = Company "acronym" 2.0 0.0 Support,
    /// One name within the other.
    CompanyPart = Company "part" -1.99 0.6 Support,
    /// Some of the words that matter.
    CompanySome = Company "some words" -1.41 0.3 Weak,
    /// The domain of one is made of the company of the other.
    CompanyOfDomain = Company "domain" 2.4 0.0 Support,
    /// Two names of organisations.
    OrganisationDifferent = Company "different organisation" -6.89 0.0 Against,
    /// Two companies.
    CompanyDifferent = Company "different" -2.79 0.0 Against,

    /// The same domain.
    DomainExact = Domain "exact" -0.59 0.75 Support,
    /// The same name under another suffix, or mistyped.
    DomainAlike = Domain "alike" 2.96 0.0 Support,
    /// Two domains.
    DomainDifferent = Domain "different" -0.86 0.0 Against,

    /// The same mailbox, whatever its tag, made of the name that both have: beyond the name it says only where. The rarity is the domain's.
    EmailExactNamed = Email "exact of name" 2.71 1.0 Support,
    /// The same mailbox, whatever its tag.
    EmailExact = Email "exact" 0.02 1.0 Support,
    /// The same mailbox name, made of the name that both have, at a mistyped domain.
    EmailNamedMisspelt = Email "misspelt of name" 3.0 0.0 Support,
    /// A mistyped address.
    EmailMisspelt = Email "misspelt" -1.33 0.8 Support,
    /// The same unusual mailbox name elsewhere.
    EmailMailbox = Email "mailbox" -0.97 0.7 Support,
    /// The same mailbox name elsewhere, but it is only the person's name.
    EmailNamed = Email "named mailbox" -0.1 0.0 Weak,
    /// The same address of a function, behind which are several people.
    EmailRole = Email "role mailbox" 0.0 0.0 Weak,
    /// Two mailboxes that differ in a number only: the second bearer of a name gets one.
    EmailNumbered = Email "numbered" -25.0 0.0 Contrary,
    /// Two people's mailboxes at one company.
    EmailColleagues = Email "colleagues" -4.0 0.0 Against,
    /// A function's address on one side only.
    EmailFunction = Email "function" -4.05 0.0 Against,
    /// Two functions' addresses.
    EmailFunctions = Email "functions" -14.02 0.0 Against,
    /// One has a number at its company: somebody else there has the same name.
    EmailSecond = Email "second bearer" -4.97 0.0 Against,
    /// Two addresses.
    EmailDifferent = Email "different" -0.84 0.0 Against,

    /// The same number.
    PhoneExact = Phone "exact" -1.12 0.9 Support,
    /// The same switchboard, two extensions.
    PhoneExtension = Phone "other extension" 1.0 0.0 Weak,
    /// A mistyped number.
    PhoneMisspelt = Phone "misspelt" 4.02 0.0 Support,
    /// Numbers of one block: one organisation's, often.
    PhoneBlock = Phone "block" -0.12 0.0 Weak,
    /// Two numbers.
    PhoneDifferent = Phone "different" -2.55 0.0 Against,

    /// The same house.
    StreetExact = Street "exact" -0.39 0.8 Support,
    /// The same house, mistyped.
    StreetMisspelt = Street "misspelt" -0.94 0.7 Support,
    /// The same street, another house.
    StreetOtherHouse = Street "other house" -2.44 0.3 Weak,
    /// Two streets of organisations: two sites of one, it may be.
    SiteDifferent = Street "different site" -6.9 0.0 Against,
    /// Two streets.
    StreetDifferent = Street "different" -3.15 0.0 Against,

    /// The same city.
    CityExact = City "exact" -0.68 0.6 Support,
    /// Mistyped.
    CityMisspelt = City "misspelt" -0.75 0.6 Support,
    /// Half of the letters.
    CityAlike = City "alike" 0.23 0.0 Weak,
    /// Two cities.
    CityDifferent = City "different" -1.19 0.0 Against,

    /// The same postal code.
    PostalCodeExact = PostalCode "exact" -0.71 0.6 Support,
    /// One digit off.
    PostalCodeMisspelt = PostalCode "misspelt" 0.92 0.0 Weak,
    /// Two codes.
    PostalCodeDifferent = PostalCode "different" -2.22 0.0 Against,

    /// The same state.
    StateExact = State "exact" 1.05 0.0 Weak,
    /// Two states.
    StateDifferent = State "different" -1.74 0.0 Against,

    /// The same country.
    CountryExact = Country "exact" 0.45 0.0 Weak,
    /// Two countries.
    CountryDifferent = Country "different" -0.8 0.0 Against,

    /// The same day.
    BirthDateExact = DateOfBirth "exact" 0.2 0.9 Support,
    /// Day and month swapped, or one digit off.
    BirthDateMisspelt = DateOfBirth "misspelt" 6.08 0.0 Support,
    /// Two of day, month and year, all but two digits, or a month apart.
    BirthDateAlike = DateOfBirth "alike" 3.49 0.0 Support,
    /// A year apart.
    BirthDateNear = DateOfBirth "near" 0.45 0.0 Weak,
    /// Two days.
    BirthDateDifferent = DateOfBirth "different" -2.74 0.0 Against,

    /// The same position.
    TitleExact = Title "exact" 2.16 0.0 Weak,
    /// Some of its words.
    TitleAlike = Title "alike" 1.01 0.0 Weak,
    /// Two positions.
    TitleDifferent = Title "different" -3.05 0.0 Against,
}
