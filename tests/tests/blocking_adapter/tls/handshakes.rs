//! How TLS begins, or does not.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use tidewire_blocking::rustls::{AlertDescription, CertificateError, Error as TlsFailure, ServerConfig};
use tidewire_blocking::{HandshakeError, ServerTls, TlsReason, TlsSocket};
use tidewire_tests::live::Certificate;

use super::{VERSIONS, ours, pair, shaken};
use crate::support::{PATIENCE, bounded, in_background};

const SHORT: Option<Duration> = Some(Duration::from_millis(50));

/// What rustls had to say.
fn failure(error: &HandshakeError) -> Option<&TlsFailure> {
    match error {
        HandshakeError::Tls(error) => error.cause().downcast_ref(),
        _ => None,
    }
}

fn is_alert(error: &HandshakeError, alert: AlertDescription) -> bool {
    failure(error) == Some(&TlsFailure::AlertReceived(alert))
}

/// Lets a server and a client shake hands that will not agree.
fn disagree(server: ServerTls, client: &Certificate, name: &str) -> (HandshakeError, HandshakeError) {
    let (near, far) = pair();
    let accepting = in_background(move || TlsSocket::accept(near, &server, Some(PATIENCE)));
    let client = TlsSocket::connect(far, &client.client(), name, Some(PATIENCE));
    let server = accepting.recv_timeout(PATIENCE).expect("it returns");
    (
        server.expect_err("they cannot agree"),
        client.expect_err("they cannot agree"),
    )
}

#[test]
fn http_1_1_is_agreed_on_inside() {
    for version in VERSIONS {
        let certificate = Certificate::new();
        let (near, far) = pair();
        let tls = certificate.server();
        let accepting = in_background(move || TlsSocket::accept(near, &tls, Some(PATIENCE)));
        let mut config = (*certificate.client_speaking(version)).clone();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut client =
            tidewire_blocking::rustls::ClientConnection::new(config.into(), super::name()).expect("a client");
        let mut far = far;
        while client.is_handshaking() {
            client.complete_io(&mut far).expect("the server agrees");
        }
        assert_eq!(client.alpn_protocol(), Some(&b"http/1.1"[..]));
        accepting
            .recv_timeout(PATIENCE)
            .expect("it returns")
            .expect("the client agrees");
    }
}

#[test]
fn a_silent_peer_is_given_up_in_time() {
    bounded(|| {
        let certificate = Certificate::new();
        let (near, _far) = pair();
        let result = TlsSocket::accept(near, &certificate.server(), SHORT);
        assert!(matches!(result, Err(HandshakeError::Timeout(_))), "{result:?}");
        let (near, _far) = pair();
        let result = TlsSocket::connect(near, &certificate.client(), "localhost", SHORT);
        assert!(matches!(result, Err(HandshakeError::Timeout(_))), "{result:?}");
    });
}

#[test]
fn a_peer_that_stops_in_between_is_given_up_in_time() {
    bounded(|| {
        let (near, mut far) = pair();
        // The header of a record, which never comes.
        far.write_all(b"\x16\x03\x01\x01\x00").expect("a pair has room");
        let result = TlsSocket::accept(near, &Certificate::new().server(), SHORT);
        assert!(matches!(result, Err(HandshakeError::Timeout(_))), "{result:?}");
    });
}

#[test]
fn a_peer_that_goes_away_ends_the_handshake() {
    bounded(|| {
        let (near, far) = pair();
        drop(far);
        let result = TlsSocket::accept(near, &Certificate::new().server(), Some(PATIENCE));
        assert!(matches!(result, Err(HandshakeError::UnexpectedEnd)), "{result:?}");
    });
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_to_the_server() {
    let (server, client) = disagree(Certificate::new().server(), &Certificate::new(), "localhost");
    assert!(
        matches!(failure(&client), Some(TlsFailure::InvalidCertificate(_))),
        "{client:?}"
    );
    // Both are made out to the same name, so that it is the signature that is wrong.
    assert!(is_alert(&server, AlertDescription::DecryptError), "{server:?}");
}

#[test]
fn a_certificate_for_another_name_is_told_to_the_server() {
    let certificate = Certificate::new();
    let (server, client) = disagree(certificate.server(), &certificate, "example.com");
    assert!(
        matches!(
            failure(&client),
            Some(TlsFailure::InvalidCertificate(
                CertificateError::NotValidForNameContext { .. }
            ))
        ),
        "{client:?}"
    );
    assert!(is_alert(&server, AlertDescription::BadCertificate), "{server:?}");
}

#[test]
fn a_client_that_speaks_another_protocol_inside_is_told_so() {
    let certificate = Certificate::new();
    let mut config = ServerConfig::clone(certificate.server().config());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (server, client) = disagree(config.into(), &certificate, "localhost");
    assert_eq!(failure(&server), Some(&TlsFailure::NoApplicationProtocol));
    assert!(
        is_alert(&client, AlertDescription::NoApplicationProtocol),
        "{client:?}"
    );
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_is_sent() {
    bounded(|| {
        let (near, mut far) = pair();
        let error = TlsSocket::connect(near, &Certificate::new().client(), "not a name", None)
            .expect_err("names have no spaces");
        assert_eq!(
            error.to_string(),
            "TLS handshake with not a name: invalid dns name"
        );
        assert!(
            matches!(&error, HandshakeError::Tls(failure) if failure.reason() == &TlsReason::Name),
            "{error:?}"
        );
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).expect("the stream was dropped");
        assert!(sent.is_empty());
    });
}

#[test]
fn a_request_without_tls_is_refused() {
    bounded(|| {
        let (near, mut far) = pair();
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a pair has room");
        let error = TlsSocket::accept(near, &Certificate::new().server(), Some(PATIENCE))
            .expect_err("this is no TLS");
        assert!(
            matches!(failure(&error), Some(TlsFailure::InvalidMessage(_))),
            "{error:?}"
        );
        let mut alert = [0; 7];
        far.read_exact(&mut alert).expect("an alert");
        // A record of alerts, and a fatal one in it.
        assert_eq!((alert[0], alert[5]), (21, 2));
    });
}

#[test]
fn nothing_of_what_is_said_is_shown() {
    let (server, client) = ours();
    for socket in [&server, &client] {
        let shown = format!("{socket:?}");
        assert!(shown.starts_with("TlsSocket { socket: UnixStream"), "{shown}");
    }
}

#[test]
fn a_setting_of_ones_own_is_taken_as_it_is() {
    for version in VERSIONS {
        let certificate = Certificate::new();
        let (near, far) = pair();
        let tls = ServerTls::from(certificate.server_speaking(version));
        let accepting = in_background(move || TlsSocket::accept(near, &tls, Some(PATIENCE)));
        let client = tidewire_blocking::ClientTls::from(certificate.client_speaking(version));
        let _client = TlsSocket::connect(far, &client, "localhost", Some(PATIENCE)).expect("they agree");
        accepting
            .recv_timeout(PATIENCE)
            .expect("it returns")
            .expect("they agree");
    }
}

#[test]
fn either_version_is_spoken() {
    for version in VERSIONS {
        let (_ours, client) = shaken(version);
        assert_eq!(client.conn.protocol_version(), Some(version.version));
    }
}
