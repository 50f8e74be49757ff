use tidewire::tokio::{Accept, Deflate, connect};
use tokio::net::TcpListener;

use crate::support::{RUNTIMES, Running, Server, TestResult, run, soon, text_of};

#[tokio::test]
async fn both_commands_compress_when_told_to() -> TestResult {
    let text = "again and again ".repeat(100);
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--deflate=no-takeover,window=10"]).await?;
        let mut ws = soon(connect(&server.url).deflate(Deflate::default())).await??;
        let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
            server_max_window_bits=10; client_max_window_bits=10";
        assert!(ws.handshake().extensions().eq([agreed]), "{runtime}");
        ws.send(text.as_str()).await?;
        assert_eq!(soon(ws.recv()).await??, Some(text.as_str().into()), "{runtime}");
        assert!(ws.metrics().traffic.bytes_received < 100, "{runtime}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let mut client = Running::start(&["connect", &url, "--deflate=server-window=9"])?;
    let (stream, _) = soon(listener.accept()).await??;
    let ws = soon(Accept::new().deflate(Deflate::default()).accept(stream)).await??;
    let agreed = "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12";
    assert!(ws.handshake().extensions().eq([agreed]));
    ws.send(text.as_str()).await?;
    assert_eq!(client.line().await?, text);
    let refused = run(&["serve", "--deflate=window=16"]).await?;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text_of(&refused.stderr)?.contains("window bits of 16 are not 8 to 15"));
    Ok(())
}
