//! HTTP/1 (RFC 9112): request and status lines, and how the body ends.

use super::fields::{HEAD, Head, chunked_len};

/// Bytes kept of a request's target.
const PATH: usize = 64;
/// Messages of one payload that are told apart.
const MESSAGES: u32 = 32;

/// The methods that are known: those of RFC 9110, PATCH (RFC 5789), those of RFC 4918,
/// 3253, 3744, 5323 and 4791, and PURGE of caches.
const METHODS: [&str; 24] = [
    "GET",
    "HEAD",
    "CONNECT",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "CHECKOUT",
    "CHECKIN",
    "MERGE",
    "ACL",
    "SEARCH",
    "MKCALENDAR",
    "PURGE",
];

/// A method, by its place among those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(u8);

impl Method {
    const HEAD: Self = Self(1);
    const CONNECT: Self = Self(2);

    /// Its name.
    pub fn name(self) -> &'static str {
        METHODS.get(usize::from(self.0)).copied().unwrap_or("?")
    }

    /// A response to it has no body, whatever it declares (RFC 9112 section 6.3).
    pub fn is_head(self) -> bool {
        self == Self::HEAD
    }

    /// A response to it that succeeds makes a tunnel.
    pub fn is_connect(self) -> bool {
        self == Self::CONNECT
    }
}

/// The beginning of a request's target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Path {
    bytes: [u8; PATH],
    len: u8,
    is_cut: bool,
}

impl Path {
    fn new(target: &[u8]) -> Self {
        let mut bytes = [0; PATH];
        for (to, from) in bytes.iter_mut().zip(target) {
            *to = *from;
        }
        Self {
            bytes,
            len: target.len().min(PATH) as u8,
            is_cut: target.len() > PATH,
        }
    }
}

/// As it may be printed on a terminal: what is not a visible character of ASCII is written as `\xNN`.
impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        for byte in bytes {
            match byte {
                b'\\' => f.write_str("\\\\")?,
                0x21..=0x7e => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str(if self.is_cut { ".." } else { "" })
    }
}

impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// What the `Connection` field says of the time after the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It ends.
    Close,
    /// It stays.
    KeepAlive,
}

impl Connection {
    /// As it stands in the field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::KeepAlive => "keep-alive",
        }
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It has so many bytes.
    Length(u64),
    /// In chunks, of which the last has not come yet.
    Chunked,
    /// Not declared: none in a request, until the close in a response.
    Undeclared,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it begins in the payload.
    pub begin: u32,
    /// Where it ends, counted from the same place, if that is known.
    pub end: Option<u32>,
    /// Its head ends in the payload, and it has a body in chunks.
    pub is_chunked: bool,
    /// Its method.
    pub method: Method,
    /// Its target.
    pub path: Path,
    /// What it asks for.
    pub connection: Option<Connection>,
}

/// The requests of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// How many.
    pub count: u32,
    /// Those to whose responses there is no body, one bit each.
    pub heads: u32,
    /// The last one.
    pub last: Request,
}

/// A response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// Where its body begins in the payload, if the head ends in it.
    pub body_at: Option<u32>,
    /// Its status.
    pub status: u16,
    /// What it declares.
    pub body: Body,
    /// What it announces.
    pub connection: Option<Connection>,
}

impl Response {
    /// Another one to the same request follows (RFC 9110 section 15.2).
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// Where it ends in the payload, counted from the same place, or what else ends it.
    ///
    /// `is_to_head`: the request was HEAD.
    pub fn end(&self, is_to_head: bool) -> Result<u32, Body> {
        let Some(at) = self.body_at else {
            return Err(self.body);
        };
        if is_to_head || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(at);
        }
        match self.body {
            Body::Length(len) => {
                let end = u32::try_from(len).ok().and_then(|len| at.checked_add(len));
                end.ok_or(self.body)
            }
            body => Err(body),
        }
    }
}

/// The responses of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Responses {
    /// How many that are not interim.
    pub count: u32,
    /// The last one, interim or not.
    pub last: Response,
}

/// These first bytes may be those of a request.
#[inline]
pub(super) fn may_begin_request(head: [u8; 4]) -> bool {
    head.first().is_some_and(u8::is_ascii_uppercase)
        && METHODS.iter().any(|method| {
            let name = method.as_bytes().iter().chain(b" ");
            name.zip(&head).all(|(a, b)| a == b)
        })
}

/// The requests at the beginning of a payload.
pub(super) fn requests(payload: &[u8]) -> Option<Requests> {
    let mut all: Option<Requests> = None;
    let mut at = 0;
    while let Some(request) = payload.get(at..).and_then(|rest| request(rest, at)) {
        let (count, heads) = all.map_or((0, 0), |all| (all.count, all.heads));
        let is_head = u32::from(request.method.is_head());
        all = Some(Requests {
            count: count + 1,
            heads: heads | is_head.checked_shl(count).unwrap_or(0),
            last: request,
        });
        let Some(end) = request.end.filter(|_| count + 1 < MESSAGES) else {
            break;
        };
        at = end as usize;
    }
    all
}

fn request(rest: &[u8], begin: usize) -> Option<Request> {
    let place = METHODS.iter().position(|name| {
        let target = rest.strip_prefix(name.as_bytes());
        target.is_some_and(|target| target.first() == Some(&b' '))
    })?;
    let method = METHODS.get(place)?;
    let target = rest.get(method.len() + 1..)?;
    let limit = target.len().min(HEAD);
    let end = target
        .get(..limit)?
        .iter()
        .position(|byte| b" \r\n".contains(byte));
    let path = target.get(..end.unwrap_or(limit))?;
    let is_http = end.is_some_and(|end| target.get(end..).is_some_and(is_version));
    // Of a longer target no more would be kept.
    if path.is_empty() || !is_http && (end.is_some() || path.len() <= PATH) {
        return None;
    }
    let head = Head::read(rest);
    let end = match (head.end, head.body) {
        (Some(end), Body::Undeclared) => Some(end as u64),
        (Some(end), Body::Length(len)) => (end as u64).checked_add(len),
        _ => None,
    };
    let end = end.and_then(|end| u32::try_from(end.checked_add(begin as u64)?).ok());
    Some(Request {
        begin: begin as u32,
        end,
        is_chunked: head.end.is_some() && head.body == Body::Chunked,
        method: Method(place as u8),
        path: Path::new(path),
        connection: head.connection,
    })
}

fn is_version(rest: &[u8]) -> bool {
    rest.starts_with(b" HTTP/1.")
}

/// The responses at the beginning of a payload.
pub(super) fn responses(payload: &[u8]) -> Option<Responses> {
    let mut all: Option<Responses> = None;
    let (mut at, mut left) = (0, MESSAGES);
    while let Some(response) = payload.get(at..).and_then(|rest| response(rest, at)) {
        let count = all.map_or(0, |all| all.count);
        all = Some(Responses {
            count: count + u32::from(!response.is_interim()),
            last: response,
        });
        left -= 1;
        let follows = |at: &u32| {
            let rest = payload.get(*at as usize..);
            rest.is_some_and(|rest| rest.starts_with(b"HTTP/1."))
        };
        // One to HEAD declares a body that does not follow.
        let ends = [response.end(false).ok(), response.body_at];
        let next = ends.into_iter().flatten().find(follows);
        let Some(next) = next.filter(|_| left > 0) else {
            break;
        };
        at = next as usize;
    }
    all
}

fn response(rest: &[u8], begin: usize) -> Option<Response> {
    let line = rest.strip_prefix(b"HTTP/1.")?;
    let &[minor, b' ', a, b, c] = line.first_chunk()? else {
        return None;
    };
    if ![minor, a, b, c].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status = [a, b, c]
        .iter()
        .fold(0, |all, digit| all * 10 + u16::from(digit - b'0'));
    let head = Head::read(rest);
    let body = match (head.body, head.end) {
        (Body::Chunked, Some(end)) => {
            let chunks = rest.get(end..).and_then(chunked_len);
            chunks.map_or(Body::Chunked, |len| Body::Length(len as u64))
        }
        (body, _) => body,
    };
    let body_at = head.end.and_then(|end| u32::try_from(begin + end).ok());
    Some(Response {
        body_at,
        status,
        body,
        connection: head.connection,
    })
}

#[cfg(test)]
mod tests {
    use super::{Body, Connection};
    use crate::packet::Said;

    fn read(payload: &[u8]) -> Option<Said> {
        Said::read(payload, payload.len() as u32)
    }

    #[test]
    fn requests_are_counted_and_the_last_is_kept() {
        let two = b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nCONNECTION: Upgrade, Close\r\ncontent-length: 3\r\n\r\nabc";
        let Some(Said::Requests(all)) = read(two) else {
            panic!("requests");
        };
        assert_eq!((all.count, all.heads), (2, 1));
        assert_eq!(
            (all.last.method.name(), all.last.path.to_string()),
            ("POST", "/b".to_owned())
        );
        assert_eq!(all.last.connection, Some(Connection::Close));
        assert_eq!(all.last.end, Some(two.len() as u32));
    }

    #[test]
    fn a_target_is_cut_and_escaped() {
        let long = [
            b"GET /\x1b[31m\xff\\".as_slice(),
            &[b'x'; 100],
            b" HTTP/1.1\r\n\r\n",
        ]
        .concat();
        let Some(Said::Requests(all)) = read(&long) else {
            panic!("a request");
        };
        let path = all.last.path.to_string();
        assert!(
            path.starts_with("/\\x1b[31m\\xff\\\\xxx") && path.ends_with("x.."),
            "{path}"
        );
        assert!(read(b"GET /unfinished").is_none());
        assert!(read(b"GET / words").is_none() && read(b"GETS / HTTP/1.1\r\n").is_none());
    }

    #[test]
    fn responses_end_as_they_declare() {
        let end = |text: &[u8], is_to_head| match read(text) {
            Some(Said::Responses(all)) => all.last.end(is_to_head),
            other => panic!("{other:?}"),
        };
        let with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
        let head = with_length.len() as u32;
        assert_eq!(end(with_length, false), Ok(head + 10));
        assert_eq!(end(with_length, true), Ok(head));
        assert_eq!(
            end(b"HTTP/1.0 200 OK\r\n\r\nabc", false),
            Err(Body::Undeclared)
        );
        assert_eq!(end(b"HTTP/1.1 204 No\r\n\r\n", false), Ok(19));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(end(chunked, false), Ok(chunked.len() as u32));
        assert_eq!(
            end(&chunked[..chunked.len() - 1], false),
            Err(Body::Chunked)
        );
        assert_eq!(
            end(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", false),
            Err(Body::Length(3))
        );
    }

    #[test]
    fn an_interim_response_is_not_counted() {
        let two = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let Some(Said::Responses(all)) = read(two) else {
            panic!("responses");
        };
        assert_eq!((all.count, all.last.status), (1, 200));
        let Some(Said::Responses(all)) = read(&two[..25]) else {
            panic!("a response");
        };
        assert_eq!(all.count, 0);
    }

    #[test]
    fn the_last_chunk_ends_a_payload() {
        let perhaps = |text: &[u8]| match read(text) {
            Some(Said::LastChunk { perhaps }) => Some(perhaps),
            _ => None,
        };
        assert_eq!(perhaps(b"0\r\n\r\n"), Some(false));
        assert_eq!(perhaps(b"3\r\nabc\r\n0\r\n\r\n"), Some(false));
        assert_eq!(perhaps(b"0\r\nA: b\r\n\r\n"), Some(true));
        assert_eq!(perhaps(b"\r\n\r\n"), Some(true));
        assert_eq!(perhaps(b"3\r\nabc\r\n"), None);
    }
}
