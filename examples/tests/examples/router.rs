//! Several paths.

use tidewire::blocking::{Message, connect};

use crate::support::{Example, TestResult, get};

#[test]
fn the_router_leads_each_path_to_its_handler() -> TestResult {
    let mut server = Example::start("tokio-router", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut echo = connect(format!("{url}/echo")).open()?;
    echo.send("hello")?;
    assert_eq!(echo.recv()?, Some(Message::from("hello")));
    let mut count = connect(format!("{url}/count/1/3")).open()?;
    for number in ["1", "2", "3"] {
        assert_eq!(count.recv()?, Some(Message::from(number)));
    }
    assert_eq!(count.recv()?, None);
    for path in ["", "/nowhere", "/count/1/many"] {
        let refused = connect(format!("{url}{path}")).open().err();
        assert_eq!(refused.and_then(|error| error.status()), Some(404), "{path}");
    }
    assert!(get(&url, "/health")?.ends_with("\r\n\r\nok\n"));
    Ok(())
}
