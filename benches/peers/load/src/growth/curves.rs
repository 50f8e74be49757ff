use std::fmt;

use crate::compression::Deflate;
use crate::payloads::Content;
use crate::turns::Shape;

/// What grows, while all else stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    Connections,
    Size,
    Fragments,
}

/// Work of one amount: on each connection a message is echoed, then the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) curve: Curve,
    pub(crate) connections: usize,
    /// Bytes of payload in a message.
    pub(crate) size: usize,
    /// Frames in a message.
    pub(crate) fragments: usize,
}

/// Bytes of payload where it is the connections that grow.
const SMALL: usize = 125;
/// Bytes of payload in each fragment.
const FRAGMENT: usize = 16;

const CONNECTIONS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const FRAGMENTS: [usize; 11] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];

/// All points, curve by curve.
pub(crate) fn all() -> impl Iterator<Item = Point> {
    let connections = CONNECTIONS.map(|connections| Point {
        curve: Curve::Connections,
        connections,
        size: SMALL,
        fragments: 1,
    });
    // Nothing, and the powers of four up to 64 MiB.
    let sizes = [0].into_iter().chain((0..=13).map(|power| 1 << (2 * power)));
    let sizes = sizes.map(|size| Point {
        curve: Curve::Size,
        connections: 1,
        size,
        fragments: 1,
    });
    let fragments = FRAGMENTS.map(|fragments| Point {
        curve: Curve::Fragments,
        connections: 1,
        size: fragments * FRAGMENT,
        fragments,
    });
    connections.into_iter().chain(sizes).chain(fragments)
}

impl Curve {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Size => "size",
            Self::Fragments => "fragments",
        }
    }
}

impl Point {
    /// How much it is of what grows.
    pub(crate) fn amount(&self) -> usize {
        match self.curve {
            Curve::Connections => self.connections,
            Curve::Size => self.size,
            Curve::Fragments => self.fragments,
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape {
            content: Content::Binary,
            size: self.size,
            batch: 1,
            fragments: self.fragments,
            deflate: Deflate::Off,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.curve.name(), self.amount())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_curve_goes_as_far_as_it_says() {
        for (curve, most) in [
            (Curve::Connections, 10_000),
            (Curve::Size, 64 << 20),
            (Curve::Fragments, 100_000),
        ] {
            let amounts = all()
                .filter(|point| point.curve == curve)
                .map(|point| point.amount());
            assert_eq!(amounts.max(), Some(most), "{curve:?}");
        }
    }
}
