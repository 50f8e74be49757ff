//! Texts to compress, the same in every run.

use std::fmt::Write as _;

/// A source of numbers that a seed determines.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `end`.
    ///
    /// # Panics
    /// Where `end` is zero.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("below a usize")
    }

    /// Whether the one of `count` cases is there.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A length up to `2^bits`, small ones more often.
    pub fn len(&mut self, bits: usize) -> usize {
        let bits = self.below(bits + 1).min(self.below(bits + 1));
        self.below((1 << bits) + 1)
    }
}

const NAMES: [&str; 12] = [
    "Aberdeen",
    "Bergen",
    "Cuxhaven",
    "Den Helder",
    "Esbjerg",
    "Frederikshavn",
    "Göteborg",
    "Helsingør",
    "İzmir",
    "Jastarnia",
    "Kristiansand",
    "Łeba",
];

/// A document of at least `len` bytes, as an interface sends it.
pub fn json(random: &mut Random, len: usize) -> String {
    let mut text = String::from(r#"{"station":""#);
    text.push_str(random.one_of(&NAMES));
    text.push_str(r#"","readings":["#);
    while text.len() < len {
        let (id, level, up) = (random.below(100_000), random.below(4000), random.one_in(2));
        let name = random.one_of(&NAMES);
        write!(
            text,
            r#"{{"id":{id},"name":"{name}","level":{}.{:02},"rising":{up},"unit":"cm","note":null}},"#,
            level / 100,
            level % 100
        )
        .expect("a string takes all");
    }
    text.push_str(r#"{}],"status":"ok"}"#);
    text
}

/// A text in several scripts of about `len` bytes.
pub fn scripts(random: &mut Random, len: usize) -> String {
    const WORDS: [&str; 12] = [
        "tide ",
        "Ebbe ",
        "прилив ",
        "παλίρροια ",
        "潮汐",
        "満ち潮、",
        "밀물 ",
        "مد وجزر ",
        "ज्वार ",
        "🌊",
        "flóð og fjara ",
        "\n",
    ];
    let mut text = String::with_capacity(len + 32);
    while text.len() < len {
        text.push_str(random.one_of(&WORDS));
        if random.one_in(3) {
            let ideograph = u32::try_from(random.below(2000)).map(|at| char::from_u32(0x4e00 + at));
            text.extend(ideograph.ok().flatten());
        }
    }
    text
}

/// Bytes that nothing makes smaller.
pub fn noise(random: &mut Random, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.number().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Binary records: noise and repeats of what went before, near and far.
pub fn repeats(random: &mut Random, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 600);
    while bytes.len() < len {
        if bytes.is_empty() || random.one_in(3) {
            let fresh = random.below(40);
            bytes.extend(noise(random, fresh));
        } else {
            let back = 1 + random.below(bytes.len().min(40_000));
            let start = bytes.len() - back;
            for i in 0..random.below(500) {
                bytes.push(bytes[start + i]);
            }
        }
    }
    bytes.truncate(len);
    bytes
}

/// A message of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// To be sent as text.
    Text(String),
    /// To be sent as binary.
    Binary(Vec<u8>),
}

impl Text {
    /// A message of any sort, up to about `2^bits` bytes, small ones more often.
    pub fn any(random: &mut Random, bits: usize) -> Self {
        let len = random.len(bits);
        match random.below(8) {
            _ if len == 0 => Self::Binary(Vec::new()),
            0..=2 => Self::Text(json(random, len)),
            3 | 4 => Self::Text(scripts(random, len)),
            5 => Self::Binary(noise(random, len)),
            6 => Self::Binary(repeats(random, len)),
            _ => Self::Binary(vec![len.to_le_bytes()[0]; len]),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}
