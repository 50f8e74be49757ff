//! The blocking adapter over real sockets on 127.0.0.1. Every wait is bounded.

mod busy;
mod closing;
mod deadlines;
mod deflate;
mod echo;
mod failures;
mod halves;
mod handlers;
mod handshakes;
mod large;
mod layers;
mod panics;
mod pieces;
mod queues;
mod receiving;
mod rooms;
mod shutdown;
mod support;
mod threads;
mod tls;
