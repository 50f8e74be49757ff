//! Shows that `tidewire-proto` is `no_std`, on a machine that has no bare-metal target.
//!
//! This static library brings its own panic handler and allocator. Where anything it is built of pulls std in, the
//! build ends with "found duplicate lang item `panic_impl`". That was tried, and seen to fail, in three ways: `extern
//! crate std` here, `tidewire-proto` with its feature `std`, and `tidewire-proto` using the crate `url`.
//!
//! It is outside the workspace and its lints: an allocator cannot be written without `unsafe`. Nothing ships it.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr;
use core::time::Duration;

use tidewire_proto::handshake::accept_key;
use tidewire_proto::{Config, Connection, Event, Inbox, Instant, Server};

/// Refuses every request: this library is linked, never run.
struct NoMemory;

// SAFETY: `alloc` may return null for any layout, and so `dealloc` is never given a block.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn halt(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Feeds input to a server's connection and returns how many bytes it wrote, which uses the reader, the writer and
/// the handshake's key.
///
/// # Safety
/// `input` points to `len` bytes that can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidewire_no_std(input: *const u8, len: usize) -> usize {
    // SAFETY: what the caller promises.
    let received = unsafe { core::slice::from_raw_parts(input, len) };
    let now = Instant::from_elapsed(Duration::ZERO);
    let mut connection = Connection::new(Server, Config::new(), now);
    let mut inbox = Inbox::with_capacity(len);
    inbox.extend(received);
    let mut out = Vec::new();
    let (mut rx, mut tx) = connection.turn(now, &mut inbox, &mut out);
    while let Ok(Some(event)) = rx.next(&mut tx) {
        if let Event::Message(message) = event
            && tx.message(message).is_err()
        {
            break;
        }
    }
    out.len() + accept_key(received).len()
}
