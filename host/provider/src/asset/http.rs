//! One request: https, http, or a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

use super::fetch::Limits;

/// How often a server may send us elsewhere.
const MAX_REDIRECTS: usize = 10;

/// Why a request has no answer that is of use.
#[derive(Debug)]
pub(super) enum Problem {
    /// It may pass: another try can help.
    Passing(String),
    /// Another try will not help.
    Lasting(String),
}

/// What comes.
pub(super) enum Answer {
    /// The rest of a file.
    Content(Content),
    /// There is no rest: what was asked for begins where the file ends.
    Complete,
    /// There is no such rest: the file is shorter than what we have of it.
    Shorter,
}

/// The rest of a file, or all of it.
pub(super) struct Content {
    /// Where it begins, in bytes.
    pub(super) start: u64,
    /// The size of the whole file in bytes, if it is known.
    pub(super) total: Option<u64>,
    /// What tells this file from its successor at the same place.
    pub(super) validator: Option<String>,
    /// The bytes.
    pub(super) body: Box<dyn Read>,
}

/// Makes requests.
pub(super) struct Client {
    agent: Agent,
}

impl Client {
    pub(super) fn new(limits: &Limits) -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("vthost/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Redirects are followed here, where it can be seen where they lead.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.stall))
            .timeout_per_read(Some(limits.stall))
            // The certificates that this machine trusts: laboratories have their own.
            .tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            )
            .build();
        Self {
            agent: config.new_agent(),
        }
    }

    /// Asks for a file from byte `from` on, on condition that it is still the one that `validator` tells.
    pub(super) fn get(
        &self,
        url: &Url,
        from: u64,
        validator: Option<&str>,
    ) -> Result<Answer, Problem> {
        if url.scheme() == "file" {
            return open(url, from);
        }
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self
                .agent
                .get(url.as_str())
                .header("accept-encoding", "identity");
            if from > 0 {
                request = request.header("range", format!("bytes={from}-"));
                if let Some(validator) = validator {
                    request = request.header("if-range", validator);
                }
            }
            let response = request.call().map_err(problem)?;
            let (head, body) = response.into_parts();
            match head.status {
                StatusCode::OK => {
                    return Ok(content(0, body_size(&head.headers), &head.headers, body));
                }
                StatusCode::PARTIAL_CONTENT => {
                    let range = header(&head.headers, "content-range").and_then(range);
                    let Some((start, total)) = range else {
                        return Err(lasting("the server sent a part and did not say which"));
                    };
                    if start != from {
                        return Err(lasting(
                            "the server sent another part than it was asked for",
                        ));
                    }
                    return Ok(content(start, total, &head.headers, body));
                }
                StatusCode::RANGE_NOT_SATISFIABLE => {
                    let size = header(&head.headers, "content-range")
                        .and_then(|value| value.strip_prefix("bytes */")?.parse::<u64>().ok());
                    return Ok(match size == Some(from) {
                        true => Answer::Complete,
                        false => Answer::Shorter,
                    });
                }
                status if status.is_redirection() => {
                    let location = header(&head.headers, "location")
                        .ok_or_else(|| lasting("a redirection leads nowhere"))?;
                    url = redirect(&url, location).map_err(Problem::Lasting)?;
                }
                status => {
                    let why = format!("the server answers {status}");
                    let passes = status.is_server_error()
                        || matches!(
                            status,
                            StatusCode::REQUEST_TIMEOUT
                                | StatusCode::TOO_EARLY
                                | StatusCode::TOO_MANY_REQUESTS
                        );
                    return Err(match passes {
                        true => Problem::Passing(why),
                        false => Problem::Lasting(why),
                    });
                }
            }
        }
        Err(lasting(&format!(
            "it is redirected more than {MAX_REDIRECTS} times"
        )))
    }
}

fn lasting(why: &str) -> Problem {
    Problem::Lasting(why.to_owned())
}

fn problem(error: ureq::Error) -> Problem {
    let why = match &error {
        ureq::Error::Timeout(_) => "nothing comes any more".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    match error {
        ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::InvalidProxyUrl => Problem::Lasting(why),
        // So come certificates that are not trusted.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            Problem::Lasting(why)
        }
        _ => Problem::Passing(why),
    }
}

fn content(start: u64, total: Option<u64>, headers: &HeaderMap, body: Body) -> Answer {
    // A weak tag says "as good as", which is not "the same bytes".
    let validator = header(headers, "etag")
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| header(headers, "last-modified"));
    Answer::Content(Content {
        start,
        total,
        validator: validator.map(str::to_owned),
        body: Box::new(body.into_with_config().limit(u64::MAX).reader()),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn body_size(headers: &HeaderMap) -> Option<u64> {
    header(headers, "content-length")?.parse().ok()
}

/// The start and the total of `bytes START-END/TOTAL`.
fn range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Whether reading ended because nothing came.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// Where a redirection leads, unless it leads out of what protects the first request.
fn redirect(from: &Url, location: &str) -> Result<Url, String> {
    let to = from
        .join(location)
        .map_err(|error| format!("a redirection to `{location}`, which is no URL: {error}"))?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => Ok(to),
        ("https", "http") => Err(format!(
            "a redirection from https to http ({to}) is refused"
        )),
        _ => Err(format!(
            "a redirection to {to} is refused: it leads out of the network's files"
        )),
    }
}

fn open(url: &Url, from: u64) -> Result<Answer, Problem> {
    let path = url
        .to_file_path()
        .map_err(|()| lasting("a file URL is written as file:///path"))?;
    let failed = |error: io::Error| Problem::Lasting(error.to_string());
    let mut file = File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    if total < from {
        return Ok(Answer::Shorter);
    }
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    Ok(Answer::Content(Content {
        start: from,
        total: Some(total),
        validator: None,
        body: Box::new(file),
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_server_that_falls_silent_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
            stream.write_all(head.as_bytes()).unwrap();
            // Until the client leaves.
            io::copy(&mut stream, &mut io::sink()).map(|_| ())
        });
        let client = Client::new(&Limits {
            stall: Duration::from_millis(200),
            ..Limits::default()
        });
        let Ok(Answer::Content(mut content)) = client.get(&url.parse().unwrap(), 0, None) else {
            panic!("the head comes");
        };
        assert_eq!(content.total, Some(100));
        let mut got = Vec::new();
        let error = content.body.read_to_end(&mut got).unwrap_err();
        assert_eq!(got, b"hello");
        assert!(is_timeout(&error), "{error}");
        drop(content);
        let _ = server.join().unwrap();
    }

    #[test]
    fn redirections_keep_their_protection() {
        let to = |from: &str, location: &str| {
            redirect(&from.parse().unwrap(), location).map(|url| url.to_string())
        };
        assert_eq!(to("https://a/b/c", "../d").unwrap(), "https://a/d");
        assert_eq!(to("http://a/", "https://b/").unwrap(), "https://b/");
        assert_eq!(to("http://a/", "//b/c").unwrap(), "http://b/c");
        for (from, location) in [
            ("https://a/", "http://a/"),
            ("http://a/", "file:///etc/passwd"),
            ("https://a/", "ftp://a/"),
        ] {
            assert!(to(from, location).unwrap_err().contains("refused"));
        }
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("items 5-9/10"), None);
        assert_eq!(range("bytes */10"), None);
    }
}
