//! How people write phone numbers: labels, separators, digits of other scripts, extensions.

use super::PhoneError;

/// Fewest and most digits of a number, extension not counted.
pub(super) const MIN_DIGITS: usize = 5;
pub(super) const MAX_DIGITS: usize = 20;

/// Most digits of an extension.
const MAX_EXTENSION_DIGITS: usize = 9;

/// What a text says is to be dialled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    /// True when a plus stood before the digits.
    pub(super) plus: bool,
    /// ASCII digits.
    pub(super) digits: String,
    /// ASCII digits to dial once the call is answered.
    pub(super) extension: Option<String>,
}

impl Dialled {
    /// Reads a text that is trimmed and normalised to NFKC.
    pub(super) fn read(text: &str) -> Result<Self, PhoneError> {
        let text = without_label(text);
        let mut dialled = Self { plus: false, digits: String::with_capacity(text.len()), extension: None };
        for (at, c) in text.char_indices() {
            match decimal_digit(c) {
                Some(digit) => dialled.digits.push(digit),
                None if c == '+' && dialled.digits.is_empty() => dialled.plus = true,
                None if is_separator(c) => {}
                None => {
                    dialled.extension = Some(extension(&text[at..]).ok_or(PhoneError::Malformed)?);
                    break;
                }
            }
        }
        dialled.checked()
    }

    fn checked(self) -> Result<Self, PhoneError> {
        match self.digits.len() {
            0 => Err(PhoneError::Malformed),
            1..MIN_DIGITS => Err(PhoneError::TooShort),
            MIN_DIGITS..=MAX_DIGITS => Ok(self),
            _ => Err(PhoneError::TooLong),
        }
    }
}

/// What people write before a number, lower-case.
const LABELS: &[&str] = &[
    "call",
    "cell",
    "cellphone",
    "direct",
    "fax",
    "fon",
    "h",
    "handy",
    "home",
    "landline",
    "m",
    "main",
    "mob",
    "mobil",
    "mobile",
    "o",
    "office",
    "p",
    "ph",
    "phone",
    "t",
    "tel",
    "telefon",
    "telefono",
    "telephone",
    "tlf",
    "tél",
    "téléphone",
    "w",
    "whatsapp",
    "work",
];

/// What people write between a number and its extension, lower-case.
const EXTENSION_MARKS: &[&str] = &[
    "anexo",
    "anschluss",
    "apparat",
    "durchwahl",
    "dw",
    "ext",
    "extension",
    "extn",
    "extensión",
    "int",
    "interno",
    "nst",
    "poste",
    "ramal",
    "toestel",
    "x",
    "доб",
];

fn without_label(text: &str) -> &str {
    let label = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let is_label = !label.is_empty() && LABELS.contains(&&*label.to_lowercase());
    let rest = if is_label { &text[label.len()..] } else { text };
    if is_label {
        rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | '-' | '#'))
    } else {
        rest
    }
}

/// The digits of `ext. 12`, `x12`, `#12`, `;ext=12`, with nothing but a bracket behind them.
fn extension(text: &str) -> Option<String> {
    let start = text.find(|c| decimal_digit(c).is_some())?;
    let (mark, rest) = text.split_at(start);
    let letters: String = mark.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let signs = mark.chars().filter(|c| !c.is_alphabetic()).all(|c| c.is_whitespace() || ".:=#;,(-".contains(c));
    let digits: String = rest.chars().map_while(decimal_digit).collect();
    let bare = rest.chars().skip(digits.len()).all(|c| c.is_whitespace() || matches!(c, ')' | '.' | ']'));
    let marked = EXTENSION_MARKS.contains(&&*letters) || (letters.is_empty() && mark.contains(['#', ';', ',']));
    (signs && marked && bare && digits.len() <= MAX_EXTENSION_DIGITS).then_some(digits)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '(' | ')' | '/' | '[' | ']' | '~' | '_' | '·' | '•' | '‐'..='―' | '−' | 'ー' | '\u{00AD}'
        )
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

/// The ASCII digit for a decimal digit of the scripts in which numbers are written; NFKC leaves these as they are.
fn decimal_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 9] = [0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xE50, 0xFF10];
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |text: &str, plus: bool, digits: &str, extension: Option<&str>| {
            let read = Dialled::read(text).unwrap();
            assert_eq!((read.plus, &*read.digits, read.extension.as_deref()), (plus, digits, extension), "{text}");
        };
        check("+49 (0)30/12 34-56", true, "49030123456", None);
        check("(030) 123456", false, "030123456", None);
        check("+1 (210) 853 7755", true, "12108537755", None);
        check("750.977.4713 ext. 760", false, "7509774713", Some("760"));
        check("(689) 756-2991#121", false, "6897562991", Some("121"));
        check("0401 3527352 ext 146", false, "04013527352", Some("146"));
        check("555 123 4567 x 12", false, "5551234567", Some("12"));
        check("5551234567x12", false, "5551234567", Some("12"));
        check("030 123456 Durchwahl 12", false, "030123456", Some("12"));
        check("030 123456 (ext. 12)", false, "030123456", Some("12"));
        check("tel:+49-30-123456;ext=12", true, "4930123456", Some("12"));
        check("Tel. 030 123456", false, "030123456", None);
        check("Mobile: 0171 1234567", false, "01711234567", None);
        check("٠٣٠١٢٣٤٥٦", false, "030123456", None);
        check("+\u{202A}49 30 123456\u{202C}", true, "4930123456", None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let check = |text: &str, error: PhoneError| assert_eq!(Dialled::read(text), Err(error), "{text}");
        check("", PhoneError::Malformed);
        check("ext 12", PhoneError::Malformed);
        check("jane", PhoneError::Malformed);
        check("jane@example.com", PhoneError::Malformed);
        check("someletters1110", PhoneError::Malformed);
        check("030 123456 / 030 654321 or so", PhoneError::Malformed);
        check("030 123456, 030 654321", PhoneError::Malformed);
        check("1-800-FLOWERS", PhoneError::Malformed);
        check("49+30123456", PhoneError::Malformed);
        check("1234", PhoneError::TooShort);
        check("123456789012345678901", PhoneError::TooLong);
    }
}
