//! The functions that are fuzzed, over the committed seeds: what a fuzzer would start from works without one.

use std::fs;
use std::path::Path;

use tidewire_tests::fuzz;

/// Runs a function over each of its seeds, and over all that the seed begins with.
fn run(target: &str, function: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/seeds")
        .join(target);
    let mut count = 0;
    for seed in fs::read_dir(&seeds).expect("each target has seeds") {
        let path = seed.expect("the folder can be read").path();
        let data = fs::read(&path).expect("a seed can be read");
        for len in 0..=data.len() {
            // Shown where it panics.
            println!("{} up to byte {len}", path.display());
            function(&data[..len]);
        }
        count += 1;
    }
    assert!(count >= 3, "{count} seeds in {}", seeds.display());
}

#[test]
fn a_request_head_in_pieces_is_judged_as_in_one() {
    run("request_head", fuzz::request_head);
}

#[test]
fn a_response_head_in_pieces_is_judged_as_in_one() {
    run("response_head", fuzz::response_head);
}

#[test]
fn a_client_s_request_arrives_as_it_was_meant() {
    run("client_request", fuzz::client_request);
}

#[test]
fn a_stream_in_pieces_is_read_as_in_one() {
    run("reader_splits", fuzz::reader_splits);
}

#[test]
fn the_short_ways_to_receive_show_the_same_as_turns() {
    run("fast_paths", fuzz::fast_paths);
}

#[test]
fn a_text_is_judged_as_by_the_standard_library() {
    run("text", fuzz::text);
}

#[test]
fn messages_are_read_as_they_were_written() {
    run("round_trip", fuzz::round_trip);
}

#[test]
fn operations_in_any_order_keep_the_promises() {
    run("operations", fuzz::operations);
}

#[test]
fn parameters_of_an_extension_are_agreed_on_by_both_sides() {
    run("extension_parameters", fuzz::extension_parameters);
}

#[test]
fn compressed_messages_are_judged_as_by_the_reference() {
    run("deflate", fuzz::deflate);
}

#[test]
fn compressed_messages_are_read_as_they_were_written() {
    run("deflate_round_trip", fuzz::deflate_round_trip);
}

#[test]
fn messages_of_an_extension_are_read_as_they_were_written() {
    run("extension", fuzz::extension);
}

#[test]
fn a_proxy_header_in_pieces_is_judged_as_in_one() {
    run("proxy_header", fuzz::proxy_header);
}

#[test]
fn a_dialogue_with_a_proxy_in_pieces_is_judged_as_in_one() {
    run("tunnel", fuzz::tunnel);
}
