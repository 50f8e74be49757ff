//! Our clients with servers of other implementations, directly and through nginx, in the clear and over TLS.
//!
//! Where a server or nginx is not installed, each test says so and goes without it.

mod behaviour;
mod scene;
mod servers;

use scene::with_each;

/// The tests of [`behaviour`], for each of these servers.
macro_rules! tests_with {
    ($($module:ident: $server:ident),*) => { $(mod $module {
        use super::{behaviour, servers::$server, with_each};

        tests_with!(@each $server:
            messages_come_back,
            large_messages_come_back,
            compressed_messages_come_back,
            fragments_are_one_message,
            pings_are_answered,
            closes_arrive_with_their_codes,
            a_subprotocol_is_agreed_on,
            a_refusal_is_read,
            the_server_sees_what_the_request_says,
            the_server_sees_who_it_is,
        );
    })* };
    (@each $server:ident: $($name:ident),* $(,)?) => { $(
        #[test]
        fn $name() {
            with_each($server, behaviour::$name);
        }
    )* };
}

tests_with!(
    websockets: WEBSOCKETS,
    aiohttp: AIOHTTP,
    uvicorn: UVICORN,
    uvicorn_with_wsproto: UVICORN_WSPROTO,
    ws: WS
);
