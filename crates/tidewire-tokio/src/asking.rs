use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tidewire_common::proto::handshake::{Request, Response};
use tidewire_common::{Accepting, Declined};
use tokio::time::Sleep;

use crate::stages::within;

/// What the application wants to be asked about a request, and may take its time to answer.
#[derive(Clone, Default)]
pub(crate) struct Questions {
    on_request: Option<Arc<OnRequest>>,
}

type OnRequest = dyn Fn(Request) -> Answering + Send + Sync;
type Answering = Pin<Box<dyn Future<Output = Option<Response>> + Send>>;

/// What came of it, or why the request is declined before that is known.
type Answer = Result<Option<Response>, Declined>;

impl Questions {
    pub(crate) fn on_request<F, Fut>(&mut self, answer: F)
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<Response>> + Send + 'static,
    {
        self.on_request = Some(Arc::new(move |request| Box::pin(answer(request))));
    }

    /// Asks about a request, where there is a question. Boxed, since most servers need no room for it.
    pub(crate) fn ask<'a>(
        &'a self,
        request: &'a Request,
        expiry: Pin<&'a mut Option<Sleep>>,
        stopped: Pin<&'a mut (impl Future + Send)>,
    ) -> Option<Pin<Box<dyn Future<Output = Answer> + Send + 'a>>> {
        let answer = &**self.on_request.as_ref()?;
        Some(Box::pin(async move {
            let answer = pin!(async { Ok(unless_panicking(async { answer(request.clone()).await }).await) });
            tokio::select! {
                biased;
                answer = within(expiry, answer) => answer.unwrap_or(Err((503, "no answer in time"))),
                _ = stopped => Err(Accepting::SHUTS_DOWN),
            }
        }))
    }
}

/// 500 where the application panics.
async fn unless_panicking(asking: impl Future<Output = Option<Response>>) -> Answer {
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
            .finish()
    }
}
