//! Who is it? Said by the cookie that the site set when the user logged in. On tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-auth-cookie`, then open <http://127.0.0.1:9001/> in a browser.
//!
//! A page has nothing to do for it. But a browser sends the cookies of a site along whichever page opens the connection,
//! and the rule that keeps pages from reading other sites does not hold for WebSocket: without a look at the origin, any
//! page that the user visits could talk to this server in his name. `SameSite` helps, but not against other hosts of the
//! same site. So the policy lets in pages of our own origin alone.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Origins, Request, Response, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;

/// `HttpOnly` keeps scripts from reading it. Where the site has TLS, as it should, it is `Secure`, too.
const COOKIE: &str = "session=session-of-ada; Path=/; HttpOnly; SameSite=Strict";

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!("listening on ws://{address}");
    // In place of a form that wants a password: who asks for the page is Ada.
    let page = Response::new(200)?
        .field("Content-Type", "text/html; charset=utf-8")?
        .field("Set-Cookie", COOKIE)?
        .body(include_str!("auth-cookie.html"));
    let refusal = Response::new(403)?.body("log in first\n");
    let policy = ServerPolicy::default()
        .origins(Origins::new([format!("http://{address}")])?)
        .on_request(move |request| match (request.method(), request.path()) {
            ("GET", "/") => Some(page.clone()),
            _ => user(request).is_none().then(|| refusal.clone()),
        });
    Server::new(listener, serve).policy(policy).await?;
    Ok(())
}

async fn serve(mut ws: WebSocket) -> Result<(), Error> {
    if let Some(user) = ws.handshake().request().and_then(user) {
        ws.send(format!("Hello, {user}!")).await?;
    }
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

fn user(request: &Request) -> Option<&'static str> {
    let fields = request
        .fields()
        .all("cookie")
        .filter_map(|field| str::from_utf8(field).ok());
    fields
        .flat_map(|field| field.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix("session="))
        .find_map(user_of)
}

/// Where a database would be asked. The name of a real session is random, 128 bits at least.
fn user_of(session: &str) -> Option<&'static str> {
    (session == "session-of-ada").then_some("Ada")
}
