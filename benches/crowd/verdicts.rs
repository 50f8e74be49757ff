use std::fmt::Debug;
use std::process::ExitCode;

/// Which promises were kept; each is printed as it is judged.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    broken: usize,
}

impl Verdicts {
    /// Judges a promise of one very value.
    pub(crate) fn exactly<T: PartialEq + Debug + Copy>(&mut self, promise: &str, found: T, promised: T) {
        if found == promised {
            println!("kept    {promise}: {found:.1?}");
        } else {
            self.note_broken(&format!(
                "{promise}: {found:.1?}, where {promised:.1?} was promised"
            ));
        }
    }

    /// Judges a promise of an upper bound.
    pub(crate) fn at_most<T: PartialOrd + Debug + Copy>(&mut self, promise: &str, found: T, bound: T) {
        if found <= bound {
            println!("kept    {promise}: {found:.1?}, of at most {bound:.1?}");
        } else {
            self.note_broken(&format!("{promise}: {found:.1?}, where {bound:.1?} is the most"));
        }
    }

    /// Judges a promise of a lower bound.
    pub(crate) fn at_least<T: PartialOrd + Debug + Copy>(&mut self, promise: &str, found: T, bound: T) {
        if found >= bound {
            println!("kept    {promise}: {found:.1?}, of at least {bound:.1?}");
        } else {
            self.note_broken(&format!("{promise}: {found:.1?}, where {bound:.1?} is the least"));
        }
    }

    fn note_broken(&mut self, what: &str) {
        println!("BROKEN  {what}");
        self.broken += 1;
    }

    /// Failure where a promise was broken.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.broken > 0))
    }
}
