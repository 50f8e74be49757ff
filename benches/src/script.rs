/// What a text is written in; it decides how much work its check is.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// One byte a character.
    Ascii,
    /// One byte a character, but for one of two bytes in every sixteen.
    MostlyAscii,
    /// Two bytes a character, and spaces.
    Greek,
    /// Three bytes a character.
    Chinese,
    /// Four bytes a character.
    Emoji,
}

impl Script {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ascii,
        Self::MostlyAscii,
        Self::Greek,
        Self::Chinese,
        Self::Emoji,
    ];

    /// Its name in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::MostlyAscii => "mostly ascii",
            Self::Greek => "greek",
            Self::Chinese => "chinese",
            Self::Emoji => "emoji",
        }
    }

    /// A text of just this many bytes; where no character fits any more, it ends with dashes.
    pub fn text(self, len: usize) -> String {
        let sample = self.sample();
        let mut text = sample.repeat(len / sample.len() + 1);
        while text.len() > len {
            text.pop();
        }
        let missing = len - text.len();
        text + &"-".repeat(missing)
    }

    const fn sample(self) -> &'static str {
        match self {
            Self::Ascii => "the tide turns, ",
            Self::MostlyAscii => "the tide turns ü",
            Self::Greek => "η παλίρροια γυρίζει ",
            Self::Chinese => "潮水正在转向",
            Self::Emoji => "🌊🌕🌊🌑",
        }
    }
}
