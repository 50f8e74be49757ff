//! Compression between our adapters and an implementation that has not a line in common with them, in both roles.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tidewire_blocking as blocking;
use tidewire_tokio::{Deflate, Error, Handshake, Message, Traffic};
use tokio::runtime::Runtime;

use super::{ADAPTERS, Adapter, Servers, bounded_now, script, succeed};
use crate::connect_by;

const SERVER_ALONE: &str = "server_no_context_takeover";
const CLIENT_ALONE: &str = "client_no_context_takeover";

/// What one side asks for, as on the wire; the other grants all it can. The windows are stated, since ours are smaller
/// by default.
const ASKED: [&str; 11] = [
    "server_max_window_bits=15; client_max_window_bits=15",
    "server_max_window_bits=12; client_max_window_bits=15",
    "server_max_window_bits=9; client_max_window_bits=15",
    "server_max_window_bits=15; client_max_window_bits=12",
    "server_max_window_bits=15; client_max_window_bits=9",
    "server_max_window_bits=12; client_max_window_bits=12",
    "server_max_window_bits=9; client_max_window_bits=9",
    "server_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
    "client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
    "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
    "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
];

/// What compresses all there is, and asks for nothing.
const GENEROUS: &str = ASKED[0];

/// The settings of ours that ask for this, and compress whatever they are given.
fn deflate(asked: &str) -> Deflate {
    let mut builder = Deflate::builder().threshold(0);
    for parameter in asked.split("; ") {
        builder = match parameter.split_once('=') {
            None if parameter == SERVER_ALONE => builder.server_no_context_takeover(),
            None if parameter == CLIENT_ALONE => builder.client_no_context_takeover(),
            Some(("server_max_window_bits", bits)) => builder.server_max_window_bits(number(bits)),
            Some(("client_max_window_bits", bits)) => builder.client_max_window_bits(number(bits)),
            _ => panic!("{parameter}"),
        };
    }
    builder.build().expect("no contradiction")
}

fn number(bits: &str) -> u8 {
    bits.parse().expect("a number")
}

/// An extension's parameters, whose order means nothing. A window of 15 bits is what holds unsaid.
fn terms(extension: &str) -> BTreeSet<&str> {
    let parts = extension.split("; ");
    parts
        .filter(|part| *part != "permessage-deflate" && !part.ends_with("_bits=15"))
        .collect()
}

fn agreed(handshake: &Handshake) -> String {
    let extensions: Vec<String> = handshake.extensions().collect();
    extensions.join(", ")
}

/// What a connection came to.
#[derive(Debug)]
struct Seen {
    agreed: String,
    traffic: Traffic,
}

/// The messages that are exchanged; those of the scripts have the same names.
#[derive(Clone, Copy, Debug)]
enum Load {
    Every,
    Json,
    Repeated,
}

impl Load {
    fn name(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Json => "json",
            Self::Repeated => "repeated",
        }
    }

    fn messages(self) -> Vec<Message> {
        let (small, large) = (records(1 << 10), records(70 << 10));
        match self {
            Self::Json => vec![large.into()],
            Self::Repeated => vec![small.into(); 20],
            Self::Every => {
                let letters = "tide and wire, é漢🦀; ".repeat(4);
                let texts = [0, 1, 63, 64].map(|count| letters.chars().take(count).collect::<String>());
                let mut messages: Vec<Message> = texts.iter().cloned().map(Message::from).collect();
                messages.extend(texts.map(|text| text.into_bytes().into()));
                messages.extend([1, 63, 64, 5000, 70_000].map(|len| noise(len).into()));
                for _ in 0..3 {
                    messages.extend([small.clone().into(), large.clone().into()]);
                    messages.extend([small.clone(), large.clone()].map(|text| text.into_bytes().into()));
                }
                messages
            }
        }
    }
}

/// JSON of at least this many bytes.
fn records(len: usize) -> String {
    let mut json = String::from("[");
    for id in 0.. {
        let score = id * 37 % 101;
        let record =
            format!(r#"{{"id": {id}, "name": "user {id}", "score": {score}, "tags": ["tide", "wire"]}}"#);
        json.push_str(&record);
        if json.len() >= len {
            break;
        }
        json.push(',');
    }
    json + "]"
}

/// Bytes that do not shrink, the same ones in each run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..len).map(|_| byte()).collect()
}

// --- our servers

/// A server that sends back what comes, and tells of each connection at its end; it runs as long as the test's process.
fn start(adapter: Adapter, deflate: Deflate) -> (String, Receiver<Seen>) {
    let (sender, seen) = channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || match adapter {
        Adapter::Tokio => {
            let runtime = Runtime::new().expect("a runtime");
            runtime.block_on(async {
                listener.set_nonblocking(true).expect("a socket");
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let handler = move |ws| echo_tokio(ws, sender.clone());
                let server = tidewire_tokio::Server::new(listener, handler);
                server.deflate(deflate).await.expect("served");
            });
        }
        Adapter::Blocking => {
            let handler = move |ws| echo_blocking(ws, &sender);
            let server = blocking::Server::new(listener, handler);
            server.deflate(deflate).run().expect("served");
        }
    });
    (url, seen)
}

async fn echo_tokio(mut ws: tidewire_tokio::WebSocket, sender: Sender<Seen>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    tell(&sender, &ws.handshake(), ws.metrics().traffic);
    Ok(())
}

fn echo_blocking(mut ws: blocking::WebSocket, sender: &Sender<Seen>) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    tell(sender, &ws.handshake(), ws.metrics().traffic);
    Ok(())
}

fn tell(sender: &Sender<Seen>, handshake: &Handshake, traffic: Traffic) {
    let agreed = agreed(handshake);
    // The test may have ended.
    sender.send(Seen { agreed, traffic }).ok();
}

/// Runs the peer's client, which offers this and sends the load, and gives what both sides saw: ours, and theirs of
/// what was agreed on.
fn with_their_client(
    client: &mut Command,
    url: &str,
    offer: &str,
    load: Load,
    seen: &Receiver<Seen>,
) -> (Seen, String) {
    let theirs = succeed(
        &format!("{offer}, {load:?}"),
        client.args([url, offer, load.name()]),
    );
    (seen.recv().expect("a connection"), theirs.trim_end().to_owned())
}

// --- our clients

/// Sends a load to the peer's server, and gives what both sides saw: ours, and theirs of what was agreed on.
fn with_their_server(adapter: Adapter, url: &str, deflate: Deflate, load: Load) -> (Seen, String) {
    let mut client = connect_by!(adapter, url, deflate(deflate)).expect("a connection");
    for message in load.messages() {
        assert_eq!(client.ask(message.clone()), message, "{adapter:?}");
    }
    let traffic = client.traffic();
    let answer = client.ask("agreed");
    let theirs = answer.as_text().expect("text").to_owned();
    let agreed = agreed(&client.handshake());
    client.close(1000, "").expect("a fine code");
    assert!(client.wait_closed().is_clean(), "{adapter:?}");
    (Seen { agreed, traffic }, theirs)
}

// --- what holds in either role

fn assert_agreed(what: &str, asked: &str, (seen, theirs): &(Seen, String)) {
    assert!(
        seen.agreed.starts_with("permessage-deflate"),
        "{what}, {asked}: {}",
        seen.agreed
    );
    assert_eq!(terms(&seen.agreed), terms(theirs), "{what}, {asked}: both sides");
    assert_eq!(terms(&seen.agreed), terms(asked), "{what}, {asked}");
}

fn assert_small(what: &str, Seen { traffic, .. }: &Seen) {
    for (bytes, payload) in [
        (traffic.bytes_sent, traffic.payload_sent),
        (traffic.bytes_received, traffic.payload_received),
    ] {
        assert!(bytes * 4 < payload, "{what}: {bytes} bytes for {payload}");
    }
}

/// Twenty times the same message: with takeover all but the first are a reference.
fn assert_takeover_pays(what: &str, with: &Seen, without: &Seen) {
    for (with, without) in [
        (with.traffic.bytes_sent, without.traffic.bytes_sent),
        (with.traffic.bytes_received, without.traffic.bytes_received),
    ] {
        assert!(
            with * 3 < without,
            "{what}: {with} bytes with takeover, {without} without"
        );
    }
}

/// Neither side with takeover.
const ALONE: &str = ASKED[9];

/// Another implementation, by its scripts of `tests/interop`.
#[derive(Clone, Copy, Debug)]
pub struct Implementation {
    /// What runs the scripts.
    pub program: &'static str,
    /// The script that connects.
    pub client: &'static str,
    /// The script that serves.
    pub server: &'static str,
}

impl Implementation {
    /// Our servers agree to all that its client asks for, and get every message.
    ///
    /// # Panics
    /// Where they do not.
    pub fn client_asks(self) {
        bounded_now(|| {
            for adapter in ADAPTERS {
                let (url, seen) = start(adapter, deflate(GENEROUS));
                for asked in ASKED {
                    let both = with_their_client(&mut self.client(), &url, asked, Load::Every, &seen);
                    assert_agreed(&format!("{adapter:?}"), asked, &both);
                }
            }
        });
    }

    /// Its client agrees to all that our servers ask for.
    ///
    /// # Panics
    /// Where it does not.
    pub fn our_server_asks(self) {
        bounded_now(|| {
            for adapter in ADAPTERS {
                for asked in ASKED {
                    let (url, seen) = start(adapter, deflate(asked));
                    let both = with_their_client(&mut self.client(), &url, "", Load::Every, &seen);
                    assert_agreed(&format!("{adapter:?}"), asked, &both);
                }
            }
        });
    }

    /// What our servers and its client send is small, with takeover smaller.
    ///
    /// # Panics
    /// Where it is not.
    pub fn client_sends_less(self) {
        bounded_now(|| {
            for adapter in ADAPTERS {
                let (url, seen) = start(adapter, deflate(GENEROUS));
                let by = |asked, load| with_their_client(&mut self.client(), &url, asked, load, &seen).0;
                let what = format!("{adapter:?}");
                assert_small(&what, &by(GENEROUS, Load::Json));
                assert_small(&what, &by(ALONE, Load::Json));
                assert_takeover_pays(&what, &by(GENEROUS, Load::Repeated), &by(ALONE, Load::Repeated));
            }
        });
    }

    /// Our clients agree to all that its servers ask for, and get every message.
    ///
    /// # Panics
    /// Where they do not.
    pub fn server_asks(self) {
        bounded_now(|| {
            let servers = Servers::start(self.server().args(ASKED));
            for adapter in ADAPTERS {
                for (asked, url) in ASKED.into_iter().zip(servers.urls()) {
                    let both = with_their_server(adapter, &url, deflate(GENEROUS), Load::Every);
                    assert_agreed(&format!("{adapter:?}"), asked, &both);
                }
            }
        });
    }

    /// Its server agrees to all that our clients ask for.
    ///
    /// # Panics
    /// Where it does not.
    pub fn our_client_asks(self) {
        bounded_now(|| {
            let servers = Servers::start(self.server().arg(""));
            let url = servers.urls().next().expect("one server");
            for adapter in ADAPTERS {
                for asked in ASKED {
                    let both = with_their_server(adapter, &url, deflate(asked), Load::Every);
                    assert_agreed(&format!("{adapter:?}"), asked, &both);
                }
            }
        });
    }

    /// What our clients and its server send is small, with takeover smaller.
    ///
    /// # Panics
    /// Where it is not.
    pub fn server_sends_less(self) {
        bounded_now(|| {
            let servers = Servers::start(self.server().arg(""));
            let url = servers.urls().next().expect("one server");
            for adapter in ADAPTERS {
                let by = |asked, load| with_their_server(adapter, &url, deflate(asked), load).0;
                let what = format!("{adapter:?}");
                assert_small(&what, &by(GENEROUS, Load::Json));
                assert_small(&what, &by(ALONE, Load::Json));
                assert_takeover_pays(&what, &by(GENEROUS, Load::Repeated), &by(ALONE, Load::Repeated));
            }
        });
    }

    /// Where it does not compress, neither do we.
    ///
    /// # Panics
    /// Where we do.
    pub fn declines(self) {
        bounded_now(|| {
            let servers = Servers::start(self.server().arg("off"));
            let url = servers.urls().next().expect("one server");
            for adapter in ADAPTERS {
                let (seen, theirs) = with_their_server(adapter, &url, Deflate::default(), Load::Every);
                assert_eq!((seen.agreed.as_str(), theirs.as_str()), ("", ""), "{adapter:?}");
                let (url, seen) = start(adapter, Deflate::default());
                let (seen, theirs) = with_their_client(&mut self.client(), &url, "off", Load::Every, &seen);
                assert_eq!((seen.agreed.as_str(), theirs.as_str()), ("", ""), "{adapter:?}");
            }
        });
    }

    fn client(self) -> Command {
        script(self.program, self.client)
    }

    fn server(self) -> Command {
        script(self.program, self.server)
    }
}
