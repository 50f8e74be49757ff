use std::str;

use tidewire_proto::deflate::{
    ClientMaxWindowBits, Context, Contexts, ParameterError, Parameters, Takeover, WindowBits,
};

use super::Source;

/// Any offer that can be read is answered within the server's limits and as its client may expect, and any answer
/// that a client takes keeps within the offer. Limits first, then the offer and the answer with NUL between them.
///
/// # Panics
/// Where it is not so.
pub fn extension_parameters(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = Contexts {
        server: context(source.byte()),
        client: context(source.byte()),
    };
    let Ok(text) = str::from_utf8(source.take(usize::MAX)) else {
        return;
    };
    let (offer, answer) = text.split_once('\0').unwrap_or((text, ""));
    let (offer, answer) = (read(offer), read(answer));
    if let Ok(offer) = offer {
        assert_answered(limits, offer);
        if let Ok(answer) = answer {
            assert_judged(offer, answer);
        }
    }
    // What we offer has every kind of demand; what arrives may be no answer to it.
    if let Ok(answer) = answer {
        assert_judged(limits.offer(), answer);
    }
}

fn context(byte: u8) -> Context {
    Context {
        takeover: if byte & 8 == 0 {
            Takeover::Allowed
        } else {
            Takeover::Forbidden
        },
        window_bits: WindowBits::new(8 + byte % 8).expect("8 to 15 are windows"),
    }
}

fn read(element: &str) -> Result<Parameters, ()> {
    match Parameters::parse(element) {
        Ok(parameters) => {
            assert_eq!(Parameters::parse(&parameters.to_string()), Ok(parameters));
            Ok(parameters)
        }
        Err(error) => {
            assert_is_a_line(&error);
            Err(())
        }
    }
}

fn assert_answered(limits: Contexts, offer: Parameters) {
    let (answer, agreed) = limits.answer(offer);
    assert_eq!(Parameters::parse(&answer.to_string()), Ok(answer));
    assert_eq!(
        offer.judge(answer),
        Ok(agreed),
        "{offer} is answered with {answer}"
    );
    assert_within(agreed.server, limits.server);
    // Who does not offer to be limited has its whole window.
    let window_bits = match offer.client_max_window_bits() {
        ClientMaxWindowBits::Absent => WindowBits::MAX,
        ClientMaxWindowBits::WithoutValue | ClientMaxWindowBits::Value(_) => limits.client.window_bits,
    };
    assert_within(
        agreed.client,
        Context {
            window_bits,
            ..limits.client
        },
    );
}

fn assert_judged(offer: Parameters, answer: Parameters) {
    let agreed = match offer.judge(answer) {
        Ok(agreed) => agreed,
        Err(error) => return assert_is_a_line(&error),
    };
    for stated in [offer, answer] {
        assert_within(
            agreed.server,
            Context {
                takeover: takeover(stated.server_no_context_takeover()),
                window_bits: stated.server_max_window_bits().unwrap_or(WindowBits::MAX),
            },
        );
        assert_within(
            agreed.client,
            Context {
                takeover: takeover(stated.client_no_context_takeover()),
                window_bits: match stated.client_max_window_bits() {
                    ClientMaxWindowBits::Absent | ClientMaxWindowBits::WithoutValue => WindowBits::MAX,
                    ClientMaxWindowBits::Value(bits) => bits,
                },
            },
        );
    }
}

fn takeover(is_forbidden: bool) -> Takeover {
    if is_forbidden {
        Takeover::Forbidden
    } else {
        Takeover::Allowed
    }
}

fn assert_within(agreed: Context, limit: Context) {
    assert!(agreed.window_bits <= limit.window_bits, "{agreed:?} {limit:?}");
    if limit.takeover == Takeover::Forbidden {
        assert_eq!(agreed.takeover, Takeover::Forbidden, "{agreed:?} {limit:?}");
    }
}

fn assert_is_a_line(error: &ParameterError) {
    let text = error.to_string();
    assert!(
        !text.chars().any(char::is_control),
        "a control character would reach a log"
    );
    // An excerpt is 64 bytes, each four when escaped.
    assert!(text.len() < 400, "a text of {} bytes", text.len());
}
