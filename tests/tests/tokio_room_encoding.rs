//! How often a message for many is encoded, and where it lies meanwhile.

use allocation_counter::measure;
use tidewire_tests::live::{ROOMY, accepted, bounded, room_for_two};
use tidewire_tokio::{Accept, Connect, Deflate, Message, Room, WebSocket};
use tokio::io::{DuplexStream, duplex};

/// Servers that have agreed on this with their clients, whose pipes have room.
async fn servers(
    deflate: Option<Deflate>,
    count: usize,
) -> Vec<(WebSocket<DuplexStream>, WebSocket<DuplexStream>)> {
    let mut pairs = Vec::new();
    for _ in 0..count {
        let (near, far) = duplex(ROOMY);
        let (mut accept, mut connect) = (Accept::new(), Connect::new("ws://localhost/"));
        if let Some(deflate) = &deflate {
            accept = accept.deflate(deflate.clone());
            connect = connect.deflate(deflate.clone());
        }
        let (server, client) = tokio::join!(accept.accept(near), connect.over(far));
        pairs.push((server.expect("an accepted client"), client.expect("a connection")));
    }
    pairs
}

#[tokio::test(start_paused = true)]
async fn a_message_allocates_as_much_for_many_members_as_for_few() {
    bounded(async {
        let no_takeover = Deflate::builder().server_no_context_takeover().build();
        let no_takeover = no_takeover.expect("no contradiction");
        for deflate in [None, Some(no_takeover)] {
            let mut costs = Vec::new();
            for members in [3, 30] {
                let room = Room::new();
                let mut pairs = servers(deflate.clone(), members).await;
                let memberships: Vec<_> = pairs.iter().map(|(server, _)| room.join(server)).collect();
                let text = "{\"id\":12345,\"name\":\"somebody\"},".repeat(40);
                let mut counted = Vec::new();
                for _ in 0..5 {
                    // For a new budget of tokio's.
                    tokio::task::yield_now().await;
                    let message = Message::from(text.clone());
                    let cost = measure(|| {
                        room.send(message);
                    });
                    counted.push((cost.count_total, cost.bytes_total));
                    for (_, client) in &mut pairs {
                        assert_eq!(client.recv().await.expect("open"), Some(text.clone().into()));
                    }
                }
                counted.sort_unstable();
                costs.push(counted[0]);
                drop(memberships);
                let sent = pairs[0].0.metrics().traffic.bytes_sent;
                assert_eq!(sent > 5 * text.len() as u64, deflate.is_none(), "{sent} bytes");
            }
            assert_eq!(costs[0], costs[1], "allocations for 3 and for 30 members");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn members_whose_windows_are_alike_share_what_the_first_of_them_compressed() {
    bounded(async {
        let level = |level| {
            Deflate::builder()
                .server_no_context_takeover()
                .level(level)
                .build()
        };
        let mut pairs = Vec::new();
        for level in [level(1), level(9)] {
            pairs.extend(servers(Some(level.expect("no contradiction")), 1).await);
        }
        let numbers = (0..2000_u32).map(|number| (number * number % 997).to_string());
        let text = numbers.collect::<Vec<_>>().join(" ");
        let sent = |pairs: &[(WebSocket<_>, _)]| -> Vec<u64> {
            let sent = |(server, _): &(WebSocket<DuplexStream>, _)| server.metrics().traffic.bytes_sent;
            pairs.iter().map(sent).collect()
        };
        let before = sent(&pairs);
        for (server, _) in &pairs {
            server.send(text.clone()).await.expect("open");
        }
        let alone = sent(&pairs);
        assert!(
            alone[1] - before[1] < alone[0] - before[0],
            "level 9 is more than level 1"
        );
        let room = Room::new();
        let _memberships: Vec<_> = pairs.iter().map(|(server, _)| room.join(server)).collect();
        room.send(text.clone());
        let shared = sent(&pairs);
        assert_eq!(shared[0] - alone[0], alone[0] - before[0]);
        assert_eq!(shared[1] - alone[1], shared[0] - alone[0]);
        for (_, client) in &mut pairs {
            for _ in 0..2 {
                assert_eq!(client.recv().await.expect("open"), Some(text.clone().into()));
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_member_gets_a_message_as_it_agreed_to() {
    bounded(async {
        let room = Room::new();
        let mut pairs = servers(None, 1).await;
        for settings in [
            Deflate::builder(),
            Deflate::builder().server_no_context_takeover(),
            Deflate::builder()
                .server_no_context_takeover()
                .server_max_window_bits(9),
        ] {
            pairs.extend(servers(Some(settings.build().expect("no contradiction")), 2).await);
        }
        let _memberships: Vec<_> = pairs.iter().map(|(server, _)| room.join(server)).collect();
        let secret = || Message::from("secret ".repeat(100)).uncompressed();
        for round in 0..3 {
            room.send("plain ".repeat(100));
            room.send(secret());
            // Long enough to be shared, not copied, where it is not compressed.
            room.send(vec![7; 100_000]);
            for (at, (_, client)) in pairs.iter_mut().enumerate() {
                let mut received = Vec::new();
                for _ in 0..3 {
                    received.extend(client.recv().await.expect("open"));
                }
                let expected: [Message; 3] = [
                    "plain ".repeat(100).into(),
                    "secret ".repeat(100).into(),
                    vec![7; 100_000].into(),
                ];
                assert!(received == expected, "round {round}, member {at}");
            }
        }
        for (at, (server, _)) in pairs.iter().enumerate() {
            let sent = server.metrics().traffic.bytes_sent;
            // The secret is never compressed, and all the rest is for all but the first.
            assert_eq!(sent < 3 * 2000, at > 0, "member {at}: {sent} bytes");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_lies_in_memory_once_for_all_members() {
    bounded(async {
        let room = Room::new();
        let mut members = Vec::new();
        for _ in 0..10 {
            let (ws, peer) = accepted(room_for_two(), 64).await;
            members.push((ws.split(), peer));
        }
        let _memberships: Vec<_> = members.iter().map(|((sender, _), _)| room.join(sender)).collect();
        let message = Message::from(vec![7; 1 << 20]);
        let cost = measure(|| {
            room.send(message);
        });
        assert_eq!(room.metrics().sent, 10);
        assert!(cost.bytes_total < 1 << 16, "{} bytes", cost.bytes_total);
    })
    .await;
}
