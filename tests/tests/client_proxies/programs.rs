use std::fs;
use std::net::SocketAddr;

use tidewire_tests::live::{Place, Program, python_with};
use tidewire_tokio::{ClientTls, Proxy};

/// A proxy that somebody else has written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Software {
    Tinyproxy,
    Squid,
    Microsocks,
    Dante,
    /// SOCKS of Python's Twisted.
    Twisted,
    /// Of Python.
    Pproxy,
}

pub(crate) const SOFTWARE: [Software; 6] = [
    Software::Tinyproxy,
    Software::Squid,
    Software::Microsocks,
    Software::Dante,
    Software::Twisted,
    Software::Pproxy,
];

/// What a proxy wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// The user `ada`.
    User,
    /// With the password `s3cret`.
    Password,
}

/// One that runs; ends with this.
#[derive(Debug)]
pub(crate) struct Started {
    software: Software,
    /// Ends before its folder goes.
    _program: Program,
    place: Place,
}

impl Software {
    /// The schemes that it is spoken to by, and what it wants by each.
    pub(crate) fn ways(self) -> &'static [(&'static str, Wants)] {
        match self {
            Self::Tinyproxy => &[("http", Wants::Password)],
            Self::Squid => &[("http", Wants::Password), ("https", Wants::Password)],
            Self::Microsocks => &[("socks5", Wants::Password), ("socks5h", Wants::Password)],
            Self::Dante => &[
                ("socks4", Wants::Nothing),
                ("socks5", Wants::Nothing),
                ("socks5h", Wants::Nothing),
            ],
            Self::Twisted => &[("socks4", Wants::Nothing), ("socks4a", Wants::Nothing)],
            Self::Pproxy => &[("socks4", Wants::User), ("https", Wants::Password)],
        }
    }

    /// Starts it; `None`, which is printed, where it is not installed.
    pub(crate) fn start(self) -> Option<Started> {
        let program = match self {
            Self::Tinyproxy => Program::find("tinyproxy")?,
            Self::Squid => Program::find("squid")?,
            Self::Microsocks => Program::find("microsocks")?,
            Self::Dante => Program::find("danted")?,
            Self::Twisted => python_with(&["twisted"])?.into(),
            Self::Pproxy => python_with(&["pproxy"])?.into(),
        };
        let place = Place::make();
        let addresses = match self {
            Self::Squid | Self::Pproxy => &[place.plain(), place.tls()][..],
            Self::Tinyproxy | Self::Microsocks | Self::Dante | Self::Twisted => &[place.plain()],
        };
        let program = Program::start(&program, self.arguments(&place), addresses, &place.log());
        Some(Started {
            software: self,
            _program: program,
            place,
        })
    }

    fn arguments(self, place: &Place) -> Vec<String> {
        let file = |text: String| {
            let path = place.folder().join("configuration");
            fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (address, port) = (place.plain(), place.plain().port());
        let folder = place.folder().display();
        let line = match self {
            Self::Tinyproxy => format!("-d -c {}", file(tinyproxy(port))),
            Self::Squid => format!("-N -f {}", file(squid(place))),
            Self::Microsocks => format!("-i 127.0.0.1 -p {port} -u ada -P s3cret"),
            Self::Dante => format!("-f {}", file(dante(port))),
            Self::Twisted => {
                format!("-m twisted --log-level error socks --interface 127.0.0.1 --port {port}")
            }
            Self::Pproxy => format!(
                "-m pproxy -l socks4://{address}#ada -l http+ssl://{}#ada:s3cret \
                --ssl {folder}/fullchain.pem,{folder}/privkey.pem --auth 0",
                place.tls()
            ),
        };
        line.split(' ').map(str::to_owned).collect()
    }
}

impl Started {
    /// The proxy by one of its schemes.
    pub(crate) fn proxy(&self, scheme: &str) -> Proxy {
        let url = format!("{scheme}://localhost:{}", self.address(scheme).port());
        let tls = ClientTls::roots_from_file(self.place.certificate()).expect("a certificate");
        Proxy::parse(&url).expect("a proxy").tls(tls)
    }

    /// Whether it says that it has connected us before it has.
    pub(crate) fn promises(&self, scheme: &str) -> bool {
        matches!((self.software, scheme), (Software::Pproxy, "socks4"))
    }

    fn address(&self, scheme: &str) -> SocketAddr {
        match (self.software, scheme) {
            (Software::Squid | Software::Pproxy, "https") => self.place.tls(),
            _ => self.place.plain(),
        }
    }
}

fn tinyproxy(port: u16) -> String {
    format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Error\nBasicAuth ada s3cret\n"
    )
}

fn squid(place: &Place) -> String {
    let folder = place.folder();
    // The password as `openssl passwd -1` has it.
    fs::write(folder.join("users"), "ada:$1$tidewire$b91niin0nv7XIkOJ1.Er9/\n").expect("a file");
    let (plain, tls, folder) = (place.plain(), place.tls(), folder.display());
    format!(
        "http_port {plain}\n\
        https_port {tls} tls-cert={folder}/fullchain.pem tls-key={folder}/privkey.pem\n\
        auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users\n\
        auth_param basic children 1\n\
        acl known proxy_auth REQUIRED\n\
        http_access allow known\n\
        http_access deny all\n\
        pid_filename none\n\
        pinger_enable off\n\
        access_log none\n\
        cache_log stdio:/dev/null\n\
        cache deny all\n\
        shutdown_lifetime 0 seconds\n\
        coredump_dir none\n"
    )
}

fn dante(port: u16) -> String {
    format!(
        "logoutput: stderr\n\
        internal: 127.0.0.1 port = {port}\n\
        external: lo\n\
        clientmethod: none\n\
        socksmethod: none\n\
        client pass {{\nfrom: 127.0.0.0/8 to: 0.0.0.0/0\n}}\n\
        socks pass {{\nfrom: 127.0.0.0/8 to: 0.0.0.0/0\ncommand: connect\n\
        proxyprotocol: socks_v4 socks_v5\n}}\n"
    )
}
