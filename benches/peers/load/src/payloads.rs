//! What is sent.

use serde_json::{Value, json};

use crate::frames::{BINARY, TEXT};
use crate::random::Random;
use crate::replies::Message;

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Bytes that look random.
    Binary,
    /// Mostly ASCII, with a character of two bytes in every seventeen.
    Text,
    /// One script alone, with spaces.
    Ascii,
    Latin,
    Greek,
    Cjk,
    Emoji,
    /// A document of the kind that services exchange.
    Json,
}

impl Content {
    /// A message of this many bytes.
    pub(crate) fn message(self, len: usize, random: &mut Random) -> Message {
        let characters: &[char] = match self {
            Self::Binary => {
                return Message {
                    opcode: BINARY,
                    payload: random.bytes(len),
                };
            }
            Self::Json => return text(document(len, random), len),
            Self::Text | Self::Ascii => &['e', 't', 'a', 'o', 'i', 'n', 's', 'r', 'h', 'l', 'd', ' ', '.'],
            // Letters with marks stand among plain ones, as in French or German.
            Self::Latin => &['e', 'a', 'n', 'é', 'r', 's', 'ä', 't', 'ü', 'i', 'ñ', ' ', 'ß'],
            Self::Greek => &['α', 'ο', 'ι', 'ε', 'τ', 'σ', 'ν', 'η', 'υ', 'ρ', 'π', ' ', 'κ'],
            Self::Cjk => &[
                '的', '一', '是', '不', '了', '人', '我', '在', '有', '他', '这', '中', '。',
            ],
            Self::Emoji => &['😀', '😂', '🎉', '👍', '🚀', '🔥', '🌍', '🐢'],
        };
        let mut out = String::with_capacity(len + 4);
        let mut count = 0;
        while out.len() < len {
            count += 1;
            out.push(match self {
                Self::Text if count % 17 == 0 => 'é',
                _ => random.pick(characters),
            });
        }
        text(out, len)
    }
}

/// Cuts a text to its length between two characters, and fills it up.
fn text(mut text: String, len: usize) -> Message {
    text.truncate(text.floor_char_boundary(len));
    text.extend(std::iter::repeat_n(' ', len - text.len()));
    Message {
        opcode: TEXT,
        payload: text.into_bytes(),
    }
}

/// A page of orders, long enough.
fn document(len: usize, random: &mut Random) -> String {
    let mut out = String::new();
    while out.len() < len {
        out.push_str(&order(random).to_string());
        out.push(',');
    }
    out
}

fn order(random: &mut Random) -> Value {
    const NAMES: &[&str] = &["Ada Byron", "Grace Murray", "Alan Mathison", "Émilie Breteuil"];
    const CITIES: &[&str] = &["Rotterdam", "Lisboa", "Malmö", "Gdańsk", "Torino", "Wien"];
    const GOODS: &[&str] = &[
        "lamp, brass",
        "rope 12 mm",
        "anchor 15 kg",
        "sailcloth",
        "paint, white",
    ];
    const STATES: &[&str] = &["open", "paid", "shipped", "returned"];
    let day = random.next() % 28 + 1;
    let lines: Vec<Value> = (0..=random.next() % 3)
        .map(|_| {
            json!({
                "sku": format!("{:08X}", random.next() >> 32),
                "name": random.pick(GOODS),
                "quantity": random.next() % 12 + 1,
                "price": format!("{}.{:02}", random.next() % 200, random.next() % 100),
            })
        })
        .collect();
    json!({
        "id": random.next() >> 20,
        "created": format!("2026-11-{day:02}T{:02}:{:02}:07Z", random.next() % 24, random.next() % 60),
        "state": random.pick(STATES),
        "customer": { "name": random.pick(NAMES), "city": random.pick(CITIES), "newsletter": day.is_multiple_of(2) },
        "lines": lines,
        "note": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_length_and_is_valid_text() {
        use Content::{Ascii, Binary, Cjk, Emoji, Greek, Json, Latin, Text};
        for content in [Binary, Text, Ascii, Latin, Greek, Cjk, Emoji, Json] {
            for len in [16, 125, 1024, 65536] {
                let message = content.message(len, &mut Random::new(1));
                assert_eq!(message.payload.len(), len, "{content:?}");
                if message.opcode == TEXT {
                    str::from_utf8(&message.payload).unwrap();
                }
            }
        }
    }
}
