use super::context::{Context, Contexts, Takeover, WindowBits};
use super::parameter_error::ParameterError;
use super::parameters::{
    CLIENT_MAX_WINDOW_BITS, ClientMaxWindowBits, Parameters, SERVER_MAX_WINDOW_BITS,
    SERVER_NO_CONTEXT_TAKEOVER,
};

impl Contexts {
    /// The offer of a client that wants this much at most.
    ///
    /// The server's limits become demands, which an answer must meet. The client's own become hints, which it keeps
    /// whatever the answer. The server may always limit the client's window.
    pub const fn offer(self) -> Parameters {
        Parameters {
            // §7.1.1.1: "By including this extension parameter in an extension negotiation offer, a client
            // prevents the peer server from using context takeover."
            server_no_context_takeover: matches!(self.server.takeover, Takeover::Forbidden),
            client_no_context_takeover: matches!(self.client.takeover, Takeover::Forbidden),
            // §7.1.2.1: "a client limits the LZ77 sliding window size that the server will use to compress
            // messages".
            server_max_window_bits: limit(self.server.window_bits),
            // §7.1.2.2: it "informs the peer server that the client supports the "client_max_window_bits"
            // extension parameter in an extension negotiation response and, optionally, a hint by attaching a
            // value to the parameter".
            client_max_window_bits: match limit(self.client.window_bits) {
                Some(bits) => ClientMaxWindowBits::Value(bits),
                None => ClientMaxWindowBits::WithoutValue,
            },
        }
    }

    /// The answer of a server that wants this much at most, and what it agrees on: of each limit the stricter one.
    ///
    /// Every offer can be met. One limit cannot be imposed: where the offer lacks `client_max_window_bits`, the
    /// client's window is 32 KiB.
    pub fn answer(self, offer: Parameters) -> (Parameters, Self) {
        let agreed = Self {
            server: Context {
                // §7.1.1.1: "A server MAY include the "server_no_context_takeover" extension parameter in an
                // extension negotiation response even if the extension negotiation offer being accepted by the
                // extension negotiation response didn't include" it.
                takeover: stricter(self.server.takeover, offer.server_takeover()),
                // §7.1.2.1: "with the same or smaller value as the offer".
                window_bits: at_most(self.server.window_bits, offer.server_max_window_bits),
            },
            client: Context {
                // §7.1.1.2: "the server may either ignore the parameter or use the parameter to avoid taking
                // over the LZ77 sliding window unnecessarily".
                takeover: stricter(self.client.takeover, offer.client_takeover()),
                window_bits: match offer.client_max_window_bits {
                    // §7.1.2.2: "If a received extension negotiation offer doesn't have the
                    // "client_max_window_bits" extension parameter, the corresponding extension negotiation
                    // response to the offer MUST NOT include the "client_max_window_bits" extension parameter."
                    ClientMaxWindowBits::Absent => WindowBits::MAX,
                    ClientMaxWindowBits::WithoutValue => self.client.window_bits,
                    // "with a value equal to or smaller than the received value".
                    ClientMaxWindowBits::Value(offered) => at_most(self.client.window_bits, Some(offered)),
                },
            },
        };
        let answer = Parameters {
            server_no_context_takeover: agreed.server.takeover == Takeover::Forbidden,
            client_no_context_takeover: agreed.client.takeover == Takeover::Forbidden,
            // §7.1.2.1: "A server accepts an extension negotiation offer with this parameter by including the
            // "server_max_window_bits" extension parameter in the extension negotiation response", 15 too.
            server_max_window_bits: match offer.server_max_window_bits {
                Some(_) => Some(agreed.server.window_bits),
                None => limit(agreed.server.window_bits),
            },
            client_max_window_bits: match limit(agreed.client.window_bits) {
                Some(bits) => ClientMaxWindowBits::Value(bits),
                None => ClientMaxWindowBits::Absent,
            },
        };
        (answer, agreed)
    }

    /// The [answer](Self::answer) to the first good offer of permessage-deflate among the extensions that a client
    /// offers, and what is agreed on; `None` where there is none.
    ///
    /// Offers with mistakes are passed over, as are other extensions.
    pub fn accept<'e>(self, extensions: impl IntoIterator<Item = &'e str>) -> Option<(Parameters, Self)> {
        // §5: "An element preceding another element has higher preference." §7: "A server MUST decline" an offer
        // with a mistake, which leaves the others.
        let mut offers = extensions
            .into_iter()
            .filter_map(|extension| Parameters::parse(extension).ok());
        offers.next().map(|offer| self.answer(offer))
    }
}

impl Parameters {
    /// Judges the answer to this offer: what the client may do, and what it must expect.
    ///
    /// # Errors
    ///
    /// When the answer does not meet the offer. The client is to fail the connection.
    pub fn judge(self, answer: Self) -> Result<Contexts, ParameterError> {
        // §7.1.1.1: "A server accepts an extension negotiation offer that includes the
        // "server_no_context_takeover" extension parameter by including the "server_no_context_takeover"
        // extension parameter in the corresponding extension negotiation response".
        if self.server_no_context_takeover && !answer.server_no_context_takeover {
            return Err(ParameterError::NotAccepted {
                parameter: SERVER_NO_CONTEXT_TAKEOVER,
            });
        }
        Ok(Contexts {
            server: Context {
                takeover: answer.server_takeover(),
                window_bits: self.server_window(answer)?,
            },
            client: Context {
                // §7.1.1.2: "even if the server doesn't include the "client_no_context_takeover" extension
                // parameter in the corresponding extension negotiation response to the offer, the client is not
                // going to use context takeover", and "A client MUST support" it in an answer.
                takeover: stricter(self.client_takeover(), answer.client_takeover()),
                window_bits: self.client_window(answer)?,
            },
        })
    }

    /// Judges an answer to several offers, the favourite first, by the first that it meets; `None` without offers.
    ///
    /// # Errors
    ///
    /// What the last one finds, which asks for the least.
    pub(crate) fn judge_first(offers: &[Self], answer: Self) -> Option<Result<Contexts, ParameterError>> {
        let mut judged = None;
        for offer in offers {
            let result = offer.judge(answer);
            let is_met = result.is_ok();
            judged = Some(result);
            if is_met {
                break;
            }
        }
        judged
    }

    fn server_window(self, answer: Self) -> Result<WindowBits, ParameterError> {
        match (self.server_max_window_bits, answer.server_max_window_bits) {
            (None, answered) => Ok(answered.unwrap_or(WindowBits::MAX)),
            (Some(_), None) => Err(ParameterError::NotAccepted {
                parameter: SERVER_MAX_WINDOW_BITS,
            }),
            // §7.1.2.1: "with the same or smaller value as the offer".
            (Some(offered), Some(answered)) if answered > offered => Err(ParameterError::TooLarge {
                parameter: SERVER_MAX_WINDOW_BITS,
                offered,
                answered,
            }),
            (Some(_), Some(answered)) => Ok(answered),
        }
    }

    fn client_window(self, answer: Self) -> Result<WindowBits, ParameterError> {
        use ClientMaxWindowBits::{Absent, Value, WithoutValue};

        match (self.client_max_window_bits, answer.client_max_window_bits) {
            // Only of the offer says §7.1.2.2: "This parameter has no value or a decimal integer value".
            (_, WithoutValue) => Err(ParameterError::MissingValue {
                parameter: CLIENT_MAX_WINDOW_BITS,
            }),
            (Absent, Value(_)) => Err(ParameterError::NotOffered),
            (Absent | WithoutValue, Absent) => Ok(WindowBits::MAX),
            (WithoutValue, Value(answered)) => Ok(answered),
            // §7.1.2.2: "if the server doesn't include the extension parameter at all, the client is not going
            // to use an LZ77 sliding window size greater than the size specified by the value in the extension
            // negotiation offer".
            (Value(offered), Absent) => Ok(offered),
            // The offer's value is "a hint", which a server "may either ignore [...] or use": some answer with their
            // own limit, whatever the hint.
            (Value(offered), Value(answered)) => Ok(offered.min(answered)),
        }
    }
}

/// The window as a parameter, which is needed below the largest alone.
const fn limit(bits: WindowBits) -> Option<WindowBits> {
    if bits.get() < WindowBits::MAX.get() {
        Some(bits)
    } else {
        None
    }
}

fn at_most(ours: WindowBits, theirs: Option<WindowBits>) -> WindowBits {
    theirs.map_or(ours, |theirs| ours.min(theirs))
}

const fn stricter(ours: Takeover, theirs: Takeover) -> Takeover {
    match (ours, theirs) {
        (Takeover::Allowed, Takeover::Allowed) => Takeover::Allowed,
        (Takeover::Forbidden, _) | (_, Takeover::Forbidden) => Takeover::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};

    use proptest::prelude::*;

    use super::*;

    const UNLIMITED: Contexts = Contexts {
        server: Context::UNLIMITED,
        client: Context::UNLIMITED,
    };

    fn context(takeover: Takeover, bits: u8) -> Context {
        Context {
            takeover,
            window_bits: WindowBits::new(bits).expect("8 to 15 is given"),
        }
    }

    fn contexts(server: (Takeover, u8), client: (Takeover, u8)) -> Contexts {
        Contexts {
            server: context(server.0, server.1),
            client: context(client.0, client.1),
        }
    }

    /// The extension with these parameters.
    fn with(parameters: &str) -> Result<Parameters, ParameterError> {
        Parameters::parse(&format!("permessage-deflate{parameters}"))
    }

    fn written(parameters: Parameters) -> String {
        let element = parameters.to_string();
        element
            .strip_prefix("permessage-deflate")
            .map_or_else(String::new, Into::into)
    }

    use Takeover::{Allowed, Forbidden};

    #[test]
    fn an_offer_demands_what_the_server_may_not_and_hints_what_the_client_will_not() {
        let table = [
            (UNLIMITED, "; client_max_window_bits"),
            (
                contexts((Forbidden, 15), (Allowed, 15)),
                "; server_no_context_takeover; client_max_window_bits",
            ),
            (
                contexts((Allowed, 15), (Forbidden, 9)),
                "; client_no_context_takeover; client_max_window_bits=9",
            ),
            (
                contexts((Forbidden, 8), (Forbidden, 14)),
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
                client_max_window_bits=14",
            ),
        ];
        for (limits, parameters) in table {
            assert_eq!(written(limits.offer()), parameters, "{limits:?}");
        }
    }

    #[test]
    fn an_answer_takes_the_stricter_of_each_limit() -> Result<(), ParameterError> {
        let strict = contexts((Forbidden, 10), (Forbidden, 11));
        // Limits of the server, offer, answer, what is agreed on.
        let table = [
            (UNLIMITED, "", "", UNLIMITED),
            (UNLIMITED, "; client_max_window_bits", "", UNLIMITED),
            (UNLIMITED, "; client_max_window_bits=15", "", UNLIMITED),
            (
                UNLIMITED,
                "; client_max_window_bits=12",
                "; client_max_window_bits=12",
                contexts((Allowed, 15), (Allowed, 12)),
            ),
            (
                UNLIMITED,
                "; server_max_window_bits=15",
                "; server_max_window_bits=15",
                UNLIMITED,
            ),
            (
                UNLIMITED,
                "; server_max_window_bits=9; server_no_context_takeover",
                "; server_no_context_takeover; server_max_window_bits=9",
                contexts((Forbidden, 9), (Allowed, 15)),
            ),
            (
                UNLIMITED,
                "; client_no_context_takeover",
                "; client_no_context_takeover",
                contexts((Allowed, 15), (Forbidden, 15)),
            ),
            // What was not offered: the client's window is its own.
            (
                strict,
                "",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
                contexts((Forbidden, 10), (Forbidden, 15)),
            ),
            (
                strict,
                "; server_max_window_bits=9; client_max_window_bits",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; \
                client_max_window_bits=11",
                contexts((Forbidden, 9), (Forbidden, 11)),
            ),
            (
                strict,
                "; server_max_window_bits=12; client_max_window_bits=8",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
                client_max_window_bits=8",
                contexts((Forbidden, 10), (Forbidden, 8)),
            ),
        ];
        for (limits, offer, expected, agreed) in table {
            let (answer, contexts) = limits.answer(with(offer)?);
            assert_eq!(
                (&*written(answer), contexts),
                (expected, agreed),
                "{limits:?} {offer:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn an_answer_is_judged_by_its_offer() -> Result<(), ParameterError> {
        let agreed = |server, client| Ok(contexts(server, client));
        let missing = |parameter: &str| Err(format!("parameter {parameter} was offered but not accepted"));
        let large = |parameter: &str, answered: u8, offered: u8| {
            Err(format!(
                "parameter {parameter} of {answered} exceeds the {offered} that was offered"
            ))
        };
        // Offer, answer, verdict.
        let table = [
            ("", "", agreed((Allowed, 15), (Allowed, 15))),
            // Unasked, and fine.
            (
                "",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8",
                agreed((Forbidden, 8), (Forbidden, 15)),
            ),
            (
                "",
                "; client_max_window_bits=15",
                Err("parameter client_max_window_bits was accepted but not offered".into()),
            ),
            (
                "; client_max_window_bits",
                "; client_max_window_bits=8",
                agreed((Allowed, 15), (Allowed, 8)),
            ),
            (
                "; client_max_window_bits",
                "; client_max_window_bits",
                Err("parameter client_max_window_bits has no value: 8 to 15 is required".into()),
            ),
            (
                "; client_max_window_bits=10",
                "; client_max_window_bits=10",
                agreed((Allowed, 15), (Allowed, 10)),
            ),
            (
                "; client_max_window_bits=10",
                "; client_max_window_bits=11",
                agreed((Allowed, 15), (Allowed, 10)),
            ),
            // Hints hold without an answer.
            (
                "; client_max_window_bits=10; client_no_context_takeover",
                "",
                agreed((Allowed, 15), (Forbidden, 10)),
            ),
            (
                "; server_no_context_takeover",
                "",
                missing("server_no_context_takeover"),
            ),
            (
                "; server_no_context_takeover",
                "; client_no_context_takeover",
                missing("server_no_context_takeover"),
            ),
            (
                "; server_no_context_takeover",
                "; server_no_context_takeover",
                agreed((Forbidden, 15), (Allowed, 15)),
            ),
            (
                "; server_max_window_bits=12",
                "",
                missing("server_max_window_bits"),
            ),
            (
                "; server_max_window_bits=15",
                "",
                missing("server_max_window_bits"),
            ),
            (
                "; server_max_window_bits=12",
                "; server_max_window_bits=13",
                large("server_max_window_bits", 13, 12),
            ),
            (
                "; server_max_window_bits=12",
                "; server_max_window_bits=12",
                agreed((Allowed, 12), (Allowed, 15)),
            ),
            (
                "; server_max_window_bits=12",
                "; server_max_window_bits=8",
                agreed((Allowed, 8), (Allowed, 15)),
            ),
        ];
        for (offer, answer, verdict) in table {
            let judged = with(offer)?
                .judge(with(answer)?)
                .map_err(|error| error.to_string());
            assert_eq!(judged, verdict, "{offer:?} {answer:?}");
        }
        Ok(())
    }

    #[test]
    fn the_first_good_offer_is_answered() {
        let table: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&["x", "permessage-bzip2; server_max_window_bits=9"], None),
            (
                &[
                    "permessage-deflate; x",
                    "permessage-deflate; server_max_window_bits=16",
                ],
                None,
            ),
            (&["x", "permessage-deflate"], Some("")),
            (
                &[
                    "permessage-deflate; server_max_window_bits",
                    "permessage-deflate; client_no_context_takeover=1",
                    "permessage-deflate; server_max_window_bits=9",
                    "permessage-deflate; server_max_window_bits=10",
                ],
                Some("; server_max_window_bits=9"),
            ),
        ];
        for (offers, expected) in table {
            let answer = UNLIMITED.accept(offers.iter().copied());
            let answer = answer.map(|(answer, _)| written(answer));
            assert_eq!(answer.as_deref(), *expected, "{offers:?}");
        }
    }

    fn any_takeover() -> impl Strategy<Value = Takeover> {
        prop_oneof![Just(Allowed), Just(Forbidden)]
    }

    fn any_context() -> impl Strategy<Value = Context> {
        (any_takeover(), 8..=15u8).prop_map(|(takeover, bits)| context(takeover, bits))
    }

    fn any_contexts() -> impl Strategy<Value = Contexts> {
        (any_context(), any_context()).prop_map(|(server, client)| Contexts { server, client })
    }

    fn any_window() -> impl Strategy<Value = WindowBits> {
        (8..=15u8).prop_map(|bits| WindowBits::new(bits).expect("8 to 15 is given"))
    }

    fn any_parameters() -> impl Strategy<Value = Parameters> {
        let client_window = prop_oneof![
            Just(ClientMaxWindowBits::Absent),
            Just(ClientMaxWindowBits::WithoutValue),
            any_window().prop_map(ClientMaxWindowBits::Value),
        ];
        let flags = (any::<bool>(), any::<bool>());
        (flags, proptest::option::of(any_window()), client_window).prop_map(
            |((server, client), server_window, client_window)| Parameters {
                server_no_context_takeover: server,
                client_no_context_takeover: client,
                server_max_window_bits: server_window,
                client_max_window_bits: client_window,
            },
        )
    }

    fn is_within(context: Context, limit: Context) -> bool {
        context.window_bits <= limit.window_bits
            && (context.takeover == Forbidden || limit.takeover == Allowed)
    }

    proptest! {
        #[test]
        fn both_sides_agree_within_the_limits_of_both(client in any_contexts(), server in any_contexts()) {
            let offer = client.offer();
            let (answer, agreed) = server.answer(offer);
            prop_assert_eq!(offer.judge(answer), Ok(agreed));
            for limits in [client, server] {
                prop_assert!(is_within(agreed.server, limits.server), "{:?} {:?}", agreed, limits);
                prop_assert!(is_within(agreed.client, limits.client), "{:?} {:?}", agreed, limits);
            }
        }

        #[test]
        fn any_offer_is_met_and_only_the_unlimited_client_window_escapes(
            offer in any_parameters(), server in any_contexts()
        ) {
            let (answer, agreed) = server.answer(offer);
            prop_assert_eq!(offer.judge(answer), Ok(agreed));
            prop_assert!(is_within(agreed.server, server.server));
            let client = match offer.client_max_window_bits {
                ClientMaxWindowBits::Absent => Context { window_bits: WindowBits::MAX, ..server.client },
                ClientMaxWindowBits::WithoutValue | ClientMaxWindowBits::Value(_) => server.client,
            };
            prop_assert!(is_within(agreed.client, client));
        }

        #[test]
        fn what_is_written_is_read_again(parameters in any_parameters()) {
            prop_assert_eq!(Parameters::parse(&parameters.to_string()), Ok(parameters));
        }
    }
}
