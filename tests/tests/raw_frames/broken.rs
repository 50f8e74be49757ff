use tidewire_tokio::ProtocolError;
use tidewire_tokio::raw::{Frame, LengthForm};

/// Whether a connection failed for this.
pub(crate) type Named = fn(&ProtocolError) -> bool;

macro_rules! named {
    ($pattern:pat) => {
        |error| matches!(error, $pattern)
    };
}

/// Frames that break a rule whoever sends them, each by itself, and what an endpoint calls it.
pub(crate) fn broken() -> Vec<(Frame, Named)> {
    vec![
        (
            Frame::new(0x3, "hi"),
            named!(ProtocolError::ReservedOpcode { .. }),
        ),
        (Frame::new(0xf, ""), named!(ProtocolError::ReservedOpcode { .. })),
        (
            Frame::text("hi").reserved(0b100),
            named!(ProtocolError::ReservedBits { .. }),
        ),
        (
            Frame::text("hi").reserved(0b001),
            named!(ProtocolError::ReservedBits { .. }),
        ),
        (
            Frame::ping("hi").unfinished(),
            named!(ProtocolError::FragmentedControl),
        ),
        (Frame::ping(vec![0; 126]), named!(ProtocolError::LongControl)),
        (
            Frame::continuation("hi"),
            named!(ProtocolError::NothingToContinue),
        ),
        (Frame::text(b"\xff"), named!(ProtocolError::InvalidText)),
        (Frame::new(0x8, [3]), named!(ProtocolError::CloseLength)),
        (Frame::close(1005, ""), named!(ProtocolError::CloseCode { .. })),
        (
            Frame::text("hi").length_form(LengthForm::TwoBytes),
            named!(ProtocolError::LengthNotMinimal { .. }),
        ),
        (
            Frame::text([b'x'; 200]).length_form(LengthForm::EightBytes),
            named!(ProtocolError::LengthNotMinimal { .. }),
        ),
        (
            Frame::text("hi").announced_len(1 << 63),
            named!(ProtocolError::LengthOverflow),
        ),
        (
            Frame::text("hi").announced_len(1 << 40),
            named!(ProtocolError::FrameTooBig { .. }),
        ),
    ]
}
