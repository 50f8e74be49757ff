use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tidewire_common::proto::handshake::{InvalidField, Request, Response};
use tidewire_common::{Accepting, Asked, Challenge, Credentials, Declined, HandshakeError};
use tokio::time::Sleep;

use crate::stages::within;

/// What the application wants to be asked about a request, and may take its time to answer.
#[derive(Clone, Default)]
pub(crate) struct Questions {
    on_request: Option<Arc<OnRequest>>,
    /// With what those are answered who are not let in.
    credentials: Option<(Challenge, Arc<IsRight>)>,
}

type OnRequest = dyn Fn(Request) -> Answering<Option<Response>> + Send + Sync;
type IsRight = dyn Fn(Credentials) -> Answering<bool> + Send + Sync;
type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What came of it, or why the request is declined before that is known.
type Answer = Result<Asked, Declined>;

impl Questions {
    pub(crate) fn on_request<F, Fut>(&mut self, answer: F)
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<Response>> + Send + 'static,
    {
        self.on_request = Some(Arc::new(move |request| Box::pin(answer(request))));
    }

    pub(crate) fn credentials<F, Fut>(&mut self, realm: &str, is_right: F) -> Result<(), InvalidField>
    where
        F: Fn(Credentials) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let is_right: Arc<IsRight> = Arc::new(move |who| Box::pin(is_right(who)));
        self.credentials = Some((Challenge::new(realm)?, is_right));
        Ok(())
    }

    /// Asks about a request, where there is a question; `first` is what the policy has to say. Boxed, since most servers need no room for it.
    pub(crate) fn ask<'a>(
        &'a self,
        first: impl Fn(&Request) -> Option<Response> + Send + Sync + 'a,
        request: &'a Request,
        expiry: Pin<&'a mut Option<Sleep>>,
        stopped: Pin<&'a mut (impl Future + Send)>,
    ) -> Option<Pin<Box<dyn Future<Output = Answer> + Send + 'a>>> {
        if self.on_request.is_none() && self.credentials.is_none() {
            return None;
        }
        Some(Box::pin(async move {
            let answer =
                pin!(async { Ok::<_, HandshakeError>(unless_panicking(self.ask_all(first, request)).await) });
            tokio::select! {
                biased;
                answer = within(expiry, answer) => answer.unwrap_or(Err((503, "no answer in time"))),
                _ = stopped => Err(Accepting::SHUTS_DOWN),
            }
        }))
    }

    async fn ask_all(&self, first: impl Fn(&Request) -> Option<Response>, request: &Request) -> Asked {
        if let Some(answer) = &self.on_request
            && let Some(response) = answer(request.clone()).await
        {
            return Asked::Answered(response);
        }
        let Some((challenge, is_right)) = &self.credentials else {
            return Asked::Nothing;
        };
        // Its answer comes before that to the credentials, wherever they are checked.
        if let Some(response) = first(request) {
            return Asked::Answered(response);
        }
        let Some(who) = Credentials::of(request) else {
            return Asked::Nobody(challenge.response());
        };
        let user = who.user().to_owned();
        if is_right(who).await {
            Asked::User(user)
        } else {
            Asked::Nobody(challenge.response())
        }
    }
}

/// 500 where the application panics.
async fn unless_panicking(asking: impl Future<Output = Asked>) -> Answer {
    let mut asking = pin!(asking);
    poll_fn(move |cx| {
        // It is not polled again after a panic.
        match catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Accepting::FAILED)),
        }
    })
    .await
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("on_request", &self.on_request.is_some())
            .field(
                "credentials",
                &self.credentials.as_ref().map(|(challenge, _)| challenge),
            )
            .finish()
    }
}
