use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a handler takes of a path: the values of the parameters of its route, read as types.
///
/// That is `()` for a route without parameters; `String`, a number, a `bool`, a `char` or an IP address for one parameter;
/// and for one to four parameters, a tuple of types that are [`FromStr`](std::str::FromStr), `(Id,)` for one of your own.
/// Text may have any character in it, slashes and control characters too, since a peer may send each percent-encoded.
///
/// Values that have names are read by an implementation:
///
/// ```
/// use std::borrow::Cow;
/// # use tidewire_common::PathParameters;
///
/// struct Place {
///     room: String,
///     seat: u32,
/// }
///
/// impl PathParameters for Place {
///     const COUNT: usize = 2;
///
///     fn parse(values: &[Cow<'_, str>]) -> Option<Self> {
///         let (room, seat) = PathParameters::parse(values)?;
///         Some(Self { room, seat })
///     }
/// }
///
/// let place = Place::parse(&["blue".into(), "7".into()]).ok_or("no place")?;
/// assert_eq!((place.room.as_str(), place.seat), ("blue", 7));
/// # Ok::<(), &str>(())
/// ```
pub trait PathParameters: Sized {
    /// How many there are.
    const COUNT: usize;

    /// Reads as many values, in the order of the route and without percent-encoding; `None` where one is not what it should
    /// be, which is answered with 404. Called twice for each connection, once before it is accepted.
    fn parse(values: &[Cow<'_, str>]) -> Option<Self>;
}

impl PathParameters for () {
    const COUNT: usize = 0;

    fn parse(values: &[Cow<'_, str>]) -> Option<Self> {
        values.is_empty().then_some(())
    }
}

macro_rules! one {
    ($($one:ty)*) => {$(
        impl PathParameters for $one {
            const COUNT: usize = 1;

            fn parse(values: &[Cow<'_, str>]) -> Option<Self> {
                PathParameters::parse(values).map(|(value,)| value)
            }
        }
    )*};
}

one!(String bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 IpAddr Ipv4Addr Ipv6Addr);

macro_rules! several {
    ($count:literal: $($type:ident $value:ident),+) => {
        impl<$($type: std::str::FromStr),+> PathParameters for ($($type,)+) {
            const COUNT: usize = $count;

            fn parse(values: &[Cow<'_, str>]) -> Option<Self> {
                let [$($value),+] = values else {
                    return None;
                };
                Some(($($value.parse().ok()?,)+))
            }
        }
    };
}

several!(1: A a);
several!(2: A a, B b);
several!(3: A a, B b, C c);
several!(4: A a, B b, C c, D d);
