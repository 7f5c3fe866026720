//! A YAML file as a tree that remembers on which line everything stands, duplicates included.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A value with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Counted from 1.
    pub(crate) line: u64,
    /// What stands there.
    pub(crate) value: Value,
}

/// What YAML can say, as far as settings need it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`; `yes` and `no` are texts.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// Anything else that is a scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; a key may occur twice.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) line: u64,
    /// What it is set to.
    pub(crate) node: Node,
}

/// Why a text is no YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Counted from 1; 0 where it is not known.
    pub(crate) line: u64,
    /// What is wrong there.
    pub(crate) message: String,
}

impl Node {
    /// Reads one document. A file without content is `Null`.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
            non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
            with_snippet: false,
        };
        match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
            Ok(spanned) => Ok(spanned.into()),
            Err(error) => Err(SyntaxError {
                line: error.location().map_or(0, |location| location.line()),
                message: first_line(&error.to_string()),
            }),
        }
    }

    /// A scalar as the text it was written as; `None` for nothing, lists and maps.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Number(value) => Some(value.to_string()),
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

impl Value {
    /// The value for a message to the person who wrote it: short, and only its kind where it is not a scalar.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "nothing".into(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Integer(value) => format!("`{value}`"),
            Self::Number(value) => format!("`{value}`"),
            Self::Text(text) => format!("`{}`", shortened(text)),
            Self::List(_) => "a list".into(),
            Self::Map(_) => "a map".into(),
        }
    }
}

/// At most forty characters of a text.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let text = text.replace(char::is_control, " ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { line: spanned.referenced.line(), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let node = access.next_value::<Spanned<Value>>()?.into();
            entries.push(Entry { line: key.referenced.line(), key: key.value, node });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(String, u64, Value)> {
        match Node::parse(text).expect("YAML").value {
            Value::Map(entries) => {
                entries.into_iter().map(|entry| (entry.key, entry.node.line, entry.node.value)).collect()
            }
            other => panic!("a map, not {other:?}"),
        }
    }

    #[test]
    fn every_value_remembers_its_line_and_a_key_may_come_twice() {
        assert_eq!(
            lines("# comment\na: 1\nb: no\n\na: 0.5\nc: \"2\"\nd:\n1: true\n"),
            [
                ("a".into(), 2, Value::Integer(1)),
                ("b".into(), 3, Value::Text("no".into())),
                ("a".into(), 5, Value::Number(0.5)),
                ("c".into(), 6, Value::Text("2".into())),
                ("d".into(), 7, Value::Null),
                ("1".into(), 8, Value::Bool(true)),
            ]
        );
    }

    #[test]
    fn nesting_is_kept() {
        let entries = lines("list:\n  - x\n  - {y: 1}\n");
        let Value::List(items) = &entries[0].2 else { panic!("a list") };
        assert_eq!((items[0].line, items[1].line), (2, 3));
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_line() {
        let error = Node::parse("a: 1\nb: [1,\n").expect_err("not YAML");
        assert!(error.line >= 2, "{error:?}");
        assert!(Node::parse("a: b: c").is_err());
        assert_eq!(Node::parse("").map(|node| node.value), Ok(Value::Null));
    }
}
