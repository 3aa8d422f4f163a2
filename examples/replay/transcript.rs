//! A transcript's lines: what was asked, and what a real kernel answered.

use std::collections::BTreeMap;

use serde_json::Value;

/// One line: a call and its answer, as `tests/transcripts/README.md` describes them.
#[derive(Debug)]
pub(crate) struct Line(Value);

/// What to put into a request: a value as a transcript writes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// NULL with length 0.
    Null,
    /// Bytes.
    Bytes(Vec<u8>),
    /// The descriptor in a slot, as an int.
    Slot(String),
}

impl Line {
    /// Reads a line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// The name of the call.
    pub(crate) fn call(&self) -> &str {
        self.text("call")
    }

    /// A member that is a text, empty if it is not there.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.0.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member that is a number, 0 if it is not there.
    pub(crate) fn number(&self, member: &str) -> i64 {
        self.0.get(member).and_then(Value::as_i64).unwrap_or_default()
    }

    /// A member that is a list of texts.
    pub(crate) fn list(&self, member: &str) -> Option<Vec<&str>> {
        let list = self.0.get(member)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }

    /// A member that is an int.
    pub(crate) fn int(&self, member: &str) -> Result<i32, String> {
        let number = self.number(member);
        i32::try_from(number).map_err(|_| format!("{member}: {number} is no int"))
    }

    /// The pairs of a request.
    pub(crate) fn pairs(&self) -> Result<Vec<(Vec<u8>, Given)>, String> {
        let pairs = self.0.get("in").and_then(Value::as_array).ok_or("no pairs")?;
        let read =
            |pair: &Value| match (pair.get(0).and_then(Value::as_str), pair.get(1).and_then(Value::as_str)) {
                (Some(name), Some(value)) => Ok(([name.as_bytes(), b"\0"].concat(), Given::parse(value)?)),
                _ => Err(format!("no pair: {pair}")),
            };
        pairs.iter().map(read).collect()
    }

    /// A member of jail(2)'s structure.
    pub(crate) fn field(&self, member: &str) -> Result<Given, String> {
        let value = self.0.get("in").and_then(|fields| fields.get(member)).and_then(Value::as_str);
        value.map_or(Ok(Given::Null), Given::parse)
    }

    /// The recorded answer, those members of the line that were not part of the question.
    pub(crate) fn answer(&self) -> BTreeMap<&'static str, Value> {
        let members = ["ret", "errno", "out", "ino", "mode", "cloexec", "value", "exit", "signal", "events"];
        members.into_iter().filter_map(|member| Some((member, self.0.get(member)?.clone()))).collect()
    }
}

impl Given {
    /// Reads a value.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("no value: {text}");
        if text == "-" {
            return Ok(Self::Null);
        }
        if text.starts_with('@') {
            return Ok(Self::Slot(text.to_owned()));
        }
        if let Some(hex) = text.strip_prefix('x') {
            return unhex(hex).map(Self::Bytes).ok_or_else(wrong);
        }
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let bytes = match kind {
            "s" => [rest.as_bytes(), b"\0"].concat(),
            "i" => {
                i32::try_from(integer(rest).ok_or_else(wrong)?).map_err(|_| wrong())?.to_ne_bytes().to_vec()
            }
            "l" => match rest.parse::<u64>() {
                Ok(number) => number.to_ne_bytes().to_vec(),
                Err(_) => integer(rest).ok_or_else(wrong)?.to_ne_bytes().to_vec(),
            },
            "0" => vec![0; rest.parse().map_err(|_| wrong())?],
            _ => return Err(wrong()),
        };
        Ok(Self::Bytes(bytes))
    }
}

fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// Bytes in hexadecimal, without trailing zero bytes.
pub(crate) fn hex_trimmed(bytes: &[u8]) -> String {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    hex(bytes.get(..len).unwrap_or_default())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}
