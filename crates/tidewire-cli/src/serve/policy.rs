use tidewire::tokio::{Answer, BasicAuth, Origins, Request, ServerPolicy};

use super::users;
use crate::arguments::{GuestArguments, ServeArguments};
use crate::failure::Failure;
use crate::shown::Escaped;
use crate::{health, page};

/// What browsers call the place that asks for a password.
const REALM: &str = "tidewire";

/// Gathers who may connect, and what those are answered who do not want to.
pub(super) fn gather(arguments: &ServeArguments) -> Result<ServerPolicy, Failure> {
    let guests = &arguments.guests;
    let mut policy = ServerPolicy::default().on_answer(show_page);
    if let Some(path) = arguments.running.health.clone() {
        policy = policy.on_request(move |request| health::answer(&path, request));
    }
    if let Some(deflate) = &arguments.compression.deflate {
        policy = policy.deflate(deflate.clone());
    }
    if !guests.origin.is_empty() {
        let origins = Origins::new(&guests.origin).map_err(|error| Failure::start("--origin", error))?;
        policy = policy.origins(origins.or_none());
    }
    if !guests.subprotocol.is_empty() {
        policy = policy
            .subprotocols(&guests.subprotocol)
            .map_err(|error| Failure::start("--subprotocol", Escaped(&error.to_string())))?;
    }
    if let Some(auth) = basic_auth(guests)? {
        policy = policy.basic_auth(auth);
    }
    Ok(policy)
}

fn basic_auth(guests: &GuestArguments) -> Result<Option<BasicAuth>, Failure> {
    match (&guests.basic_auth, &guests.realm) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::Start("--realm without --basic-auth".into())),
        (Some(file), realm) => {
            let realm = realm.as_deref().unwrap_or(REALM);
            BasicAuth::fixed(realm, users::read(file)?)
                .map(Some)
                .map_err(|error| Failure::start("--realm", Escaped(&error.to_string())))
        }
    }
}

/// Shows a browser the page in place of the refusal that says that nothing but an upgrade is answered here.
///
/// Not before: a page for everybody would be of no use to whoever has no password, as browsers ask for one where a page
/// wants it, and not where a WebSocket does.
fn show_page(request: &Request, answer: Answer) -> Answer {
    match answer {
        Answer::Respond(response) if response.status() == 426 => {
            Answer::Respond(page::answer(request).unwrap_or(response))
        }
        Answer::Accept(_) | Answer::Respond(_) => answer,
    }
}
