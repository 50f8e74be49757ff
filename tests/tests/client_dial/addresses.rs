//! Which address is connected to, and what is said where there is none.

use std::io;
use std::time::{Duration, Instant};

use tidewire_blocking::{DialError, HandshakeError, RedirectError};
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Scripted, bounded_now, consent};

use crate::support::{dial_error, open, plain, refusing, server, silent, told};

#[test]
fn a_host_is_reached_at_whichever_of_its_addresses_answers() {
    bounded_now(|| {
        let server = server();
        let (v6, v4) = (refusing("[::1]:0"), refusing("127.0.0.1:0"));
        for adapter in ADAPTERS {
            for addresses in [
                [v6.1, v4.1, server.address()],
                [v4.1, server.address(), v6.1],
                [server.address(), v4.1, v6.1],
            ] {
                let opened = open(adapter, &addresses, plain());
                let mut client = opened.unwrap_or_else(|error| panic!("{adapter:?}, {addresses:?}: {error}"));
                // Whatever the address, the server is asked for what the URL says.
                assert_eq!(told(&mut client), "127.0.0.1 asks example.com");
            }
        }
        server.stop(Duration::ZERO);
    });
}

#[test]
fn a_name_is_looked_up() {
    bounded_now(|| {
        let server = server();
        let url = format!("ws://localhost:{}/", server.address().port());
        for adapter in ADAPTERS {
            let mut client = connect_by!(adapter, &url).expect("a server");
            assert_eq!(
                told(&mut client),
                format!("127.0.0.1 asks {}", &url[5..url.len() - 1])
            );
        }
        server.stop(Duration::ZERO);
    });
}

#[test]
fn an_address_that_does_not_answer_holds_nobody_up() {
    bounded_now(|| {
        let server = server();
        let (v6, v4) = (silent("[::1]:0"), silent("127.0.0.1:0"));
        for adapter in ADAPTERS {
            let began = Instant::now();
            open(adapter, &[v6.address, server.address()], plain()).expect("a server");
            let took = began.elapsed();
            assert!(
                (Duration::from_millis(250)..Duration::from_secs(5)).contains(&took),
                "{adapter:?}: {took:?}"
            );
            // One of the same family is no better than one of the other.
            let addresses = [v6.address, v4.address, server.address()];
            open(adapter, &addresses, plain()).expect("a server");
        }
        server.stop(Duration::ZERO);
    });
}

#[test]
fn when_no_address_answers_the_error_names_each() {
    bounded_now(|| {
        let ((_v6, v6), (_v4, v4)) = (refusing("[::1]:0"), refusing("127.0.0.1:0"));
        for adapter in ADAPTERS {
            let error = dial_error(open(adapter, &[v6, v4], plain()));
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("{v6}, {v4} cannot be reached: {v6}: ")),
                "{text}"
            );
            assert!(text.contains(&format!("; {v4}: ")), "{text}");
            let DialError::Addresses { attempts, .. } = error else {
                panic!("{error}");
            };
            let refused = attempts
                .iter()
                .map(|(address, error)| (*address, error.kind()))
                .collect::<Vec<_>>();
            assert_eq!(refused, [v6, v4].map(|a| (a, io::ErrorKind::ConnectionRefused)));

            let error = dial_error(open(adapter, &[], plain()));
            assert!(
                matches!(&error, DialError::Addresses { attempts, .. } if attempts.is_empty()),
                "{error}"
            );
            let error = dial_error(connect_by!(adapter, format!("ws://{v6}/")));
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{v6} cannot be reached: ")),
                "{error}"
            );
        }
    });
}

#[test]
fn a_name_that_cannot_be_looked_up_is_named() {
    bounded_now(|| {
        // No label has more than 63 characters (RFC 1035 §2.3.4), so that nobody has to be asked.
        let name = "a".repeat(64);
        for adapter in ADAPTERS {
            let error = dial_error(connect_by!(adapter, format!("ws://{name}:9001/")));
            assert!(matches!(error, DialError::LookUp { .. }), "{error:?}");
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("{name}:9001 cannot be looked up: ")),
                "{text}"
            );
        }
    });
}

#[test]
fn a_redirect_stays_at_the_address_that_was_set_or_is_refused() {
    bounded_now(|| {
        for adapter in ADAPTERS {
            let server = Scripted::new(|head| {
                let location = match head.split(' ').nth(1) {
                    Some("/") => "/there",
                    Some("/away") => "ws://example.org/there",
                    _ => return consent(head, ""),
                };
                format!("HTTP/1.1 302 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into()
            });
            open(adapter, &[server.address()], plain()).expect("a server");
            assert_eq!(server.heads().len(), 2);
            let away = connect_by!(adapter, "ws://example.com/away", addresses([server.address()]));
            let end = away.map(drop);
            assert!(
                matches!(end, Err(HandshakeError::Redirect(RedirectError::OtherOrigin))),
                "{end:?}"
            );
        }
    });
}
