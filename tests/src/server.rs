//! A web server that answers as a test wants: with ranges or without, cut, redirected, changed, held back.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// A request, and how much of a body it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The header `Range`: the first byte that is wanted.
    pub from: Option<usize>,
    /// The header `If-Range`.
    pub if_range: Option<String>,
}

/// What the server answers.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    cut: Option<usize>,
    hold: Option<(usize, Arc<Gate>)>,
}

impl Answer {
    /// A status and nothing else.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// A redirection.
    pub fn redirect(to: impl Into<String>) -> Self {
        Self {
            headers: vec![("Location", to.into())],
            ..Self::status(302)
        }
    }

    /// A whole file, whatever range was wanted.
    pub fn whole(body: &[u8]) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::status(200)
        }
    }

    /// A file with a tag, or the range of it that was wanted.
    pub fn ranges(request: &Request, body: &[u8], tag: &str) -> Self {
        let mut answer = Self::whole(body);
        answer.headers.push(("ETag", format!("\"{tag}\"")));
        let same = request
            .if_range
            .as_ref()
            .is_none_or(|wanted| *wanted == format!("\"{tag}\""));
        let total = body.len();
        match request.from {
            Some(from) if same && from < total => {
                answer.status = 206;
                answer.body.drain(..from);
                let range = format!("bytes {from}-{}/{total}", total - 1);
                answer.headers.push(("Content-Range", range));
            }
            Some(_) if same => {
                answer = Self::status(416);
                answer
                    .headers
                    .push(("Content-Range", format!("bytes */{total}")));
            }
            _ => {}
        }
        answer
    }

    /// The same, but the connection ends after so many bytes of the body.
    #[must_use]
    pub fn cut(self, after: usize) -> Self {
        Self {
            cut: Some(after),
            ..self
        }
    }

    /// The same, but after so many bytes of the body the rest waits for the gate.
    #[must_use]
    pub fn hold(self, after: usize, gate: &Arc<Gate>) -> Self {
        Self {
            hold: Some((after, gate.clone())),
            ..self
        }
    }
}

/// What holds an answer back until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets everything through from now on.
    pub fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(open, |open| !*open));
    }
}

type Log = Arc<Mutex<Vec<(Request, usize)>>>;

/// A running server. It ends with the process.
#[derive(Debug)]
pub struct Server {
    port: u16,
    log: Log,
}

impl Server {
    /// Starts a server. `answer` gets each request and how many there were before it.
    ///
    /// # Panics
    /// If there is no port.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it is bound").port();
        let log = Log::default();
        let (answer, seen) = (Arc::new(answer), log.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), seen.clone());
                thread::spawn(move || serve(&stream, &*answer, &seen));
            }
        });
        Self { port, log }
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, each with the bytes of a body that it was sent.
    pub fn requests(&self) -> Vec<(Request, usize)> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}

/// Answers one request. What the client does not want any more is not sent.
fn serve(mut stream: &TcpStream, answer: &dyn Fn(&Request, usize) -> Answer, log: &Log) {
    let Some(request) = read(stream) else {
        return;
    };
    let index = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push((request.clone(), 0));
        log.len() - 1
    };
    let answer = answer(&request, index);
    let mut head = format!(
        "HTTP/1.1 {} .\r\nConnection: close\r\nContent-Length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let end = answer.cut.unwrap_or(answer.body.len());
    let (first, gate) = match &answer.hold {
        Some((after, gate)) => (*after, Some(gate)),
        None => (end, None),
    };
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    let mut send = |bytes: &[u8]| {
        let sent = stream.write_all(bytes).is_ok();
        if sent {
            log.lock().unwrap_or_else(PoisonError::into_inner)[index].1 += bytes.len();
        }
        sent
    };
    if !send(&answer.body[..first]) {
        return;
    }
    if let Some(gate) = gate {
        gate.pass();
        send(&answer.body[first..end]);
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut request = Request {
        path: first.split(' ').nth(1)?.to_owned(),
        from: None,
        if_range: None,
    };
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_lowercase().as_str() {
            "range" => {
                let from = value.strip_prefix("bytes=")?.strip_suffix('-')?;
                request.from = from.parse().ok();
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(request)
}
