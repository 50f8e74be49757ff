//! What a message for many allocates on threads. In a file of its own: the allocator that counts copies where another one would
//! move, and a test of the adapter's measures time.

use allocation_counter::measure;
use tidewire_blocking::{Deflate, Message, Room};
use tidewire_tests::live::blocking_pairs;

#[test]
fn a_message_allocates_as_much_for_many_members_as_for_few() {
    let no_takeover = Deflate::builder().server_no_context_takeover().build();
    let no_takeover = no_takeover.expect("no contradiction");
    for deflate in [None, Some(&no_takeover)] {
        let mut costs = Vec::new();
        for members in [3, 30] {
            let room = Room::new();
            let mut pairs = blocking_pairs(deflate, members);
            let _memberships: Vec<_> = pairs.iter().map(|(server, _)| room.join(server)).collect();
            let text = "{\"id\":12345,\"name\":\"somebody\"},".repeat(40);
            let mut counted = Vec::new();
            for _ in 0..5 {
                let message = Message::from(text.clone());
                let cost = measure(|| {
                    room.send(message);
                });
                counted.push((cost.count_total, cost.bytes_total));
                for (_, client) in &mut pairs {
                    assert_eq!(client.recv().expect("open"), Some(text.clone().into()));
                }
            }
            counted.sort_unstable();
            costs.push(counted[0]);
            let sent = pairs[0].0.metrics().traffic.bytes_sent;
            assert_eq!(sent > 5 * text.len() as u64, deflate.is_none(), "{sent} bytes");
        }
        assert_eq!(costs[0], costs[1], "allocations for 3 and for 30 members");
    }
}
