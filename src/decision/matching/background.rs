//! What is common in the world, for leads that are too few to tell: nobody's first Smith in London is rare.
//!
//! Shares are whole bits, rounded from facts that are public: the surnames of the 2010 census of the United States and their like in
//! Europe and Asia, given names of births in the twentieth century, inhabitants of cities, employees of companies. Written by hand, because
//! no registry has them as a package.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::frequency::{Term, TermHash};

/// So many people know what is common: below it the world speaks for those that are missing.
pub(super) const POPULATION: u32 = 768;

/// Values of a kind that one in 2^bits holds.
type Share = (Term, u32, &'static str);

const SHARES: &[Share] = &[
    (Term::FamilyName, 7, "smith wang li zhang"),
    (
        Term::FamilyName,
        8,
        "johnson williams brown jones garcia miller davis rodriguez martinez liu chen kim lee nguyen singh kumar khan muller mueller",
    ),
    (
        Term::FamilyName,
        9,
        "hernandez lopez gonzalez wilson anderson thomas taylor moore jackson martin perez thompson white harris sanchez clark ramirez lewis \
         robinson walker young allen king wright scott torres hill flores green adams nelson baker hall rivera campbell mitchell carter roberts \
         yang huang zhao wu park choi tran sharma patel ali ahmed schmidt schneider fischer weber meyer silva santos oliveira souza ivanov \
         rossi russo ferrari bernard dubois petit jansen andersson hansen johansson nielsen novak",
    ),
    (Term::GivenName, 6, "james john robert michael david william mary maria"),
    (
        Term::GivenName,
        7,
        "richard joseph thomas charles christopher daniel matthew anthony mark steven paul andrew patricia jennifer linda elizabeth barbara \
         susan jessica sarah karen lisa nancy anna mohamed mohammed wei jose juan peter",
    ),
    (
        Term::GivenName,
        8,
        "donald joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry \
         justin scott brandon benjamin samuel gregory alexander frank patrick jack betty sandra margaret ashley kimberly emily donna michelle \
         carol amanda melissa deborah stephanie rebecca laura helen sharon cynthia kathleen amy angela shirley emma olivia jane alice martin \
         thomas luis carlos antonio francisco ana laura julia andrea stefan christian klaus hans pierre jean marie ahmed ali li wang",
    ),
    (Term::City, 6, "london newyork paris berlin"),
    (
        Term::City,
        7,
        "losangeles chicago houston sanfrancisco boston seattle austin dallas atlanta toronto sydney melbourne munich munchen hamburg madrid \
         barcelona milan milano rome roma amsterdam dublin singapore mumbai delhi bangalore tokyo shanghai beijing saopaulo mexicocity moscow \
         istanbul stockholm zurich vienna wien brussels",
    ),
    (
        Term::Company,
        8,
        "google microsoft amazon apple ibm oracle sap salesforce facebook meta walmart siemens deloitte accenture",
    ),
    (
        Term::CompanyWord,
        8,
        "google microsoft amazon apple ibm oracle sap salesforce facebook meta walmart siemens deloitte accenture",
    ),
    (
        Term::CompanyWord,
        5,
        "group solutions services systems technology international consulting global partners capital university school",
    ),
    (
        Term::CompanyWord,
        6,
        "management development marketing media design digital energy health hospital bank insurance restaurant hotel center national american",
    ),
    (
        Term::Domain,
        8,
        "google.com microsoft.com amazon.com apple.com ibm.com oracle.com sap.com salesforce.com siemens.com deloitte.com accenture.com",
    ),
    (Term::MailDomain, 3, "gmail.com"),
    (Term::MailDomain, 4, "yahoo.com hotmail.com outlook.com"),
    (Term::MailDomain, 6, "icloud.com aol.com gmx.de web.de mail.ru qq.com 163.com"),
    (
        Term::MailDomain,
        8,
        "google.com microsoft.com amazon.com apple.com ibm.com oracle.com sap.com salesforce.com siemens.com deloitte.com accenture.com",
    ),
    (Term::Mailbox, 5, "info"),
    (Term::Mailbox, 7, "sales contact office admin support mail hello"),
];

/// How many of so many people of the world hold a value; 0 for whatever is not known to be common.
pub(super) fn holders(term: TermHash, of: u32) -> u32 {
    static BITS: LazyLock<HashMap<TermHash, u32, FixedState>> = LazyLock::new(|| {
        let values = SHARES.iter().flat_map(|(term, bits, values)| {
            values.split_ascii_whitespace().map(|value| (TermHash::of(*term, value), *bits))
        });
        // What stands in two lists is as common as the first says.
        let mut known = HashMap::default();
        for (term, bits) in values {
            known.entry(term).or_insert(bits);
        }
        known
    });
    BITS.get(&term).map_or(0, |bits| of >> bits)
}
