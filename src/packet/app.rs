//! The head of a payload as a small mark: HTTP/1 messages, HTTP/2's GOAWAY, TLS alerts.
//!
//! Nothing here knows of streams: each payload is looked at by itself, and what does not begin with
//! it is not seen. What few bytes could mean by chance is for those to judge who know the rest.

mod fields;
mod http;
mod http2;
mod tls;

pub use http::{Body, Connection, Method, Path, Request, Requests, Response, Responses};
pub use http2::GoAway;
pub use tls::{Alert, Tls};

/// What the head of a payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// HTTP/1 requests, one after another.
    Requests(Requests),
    /// HTTP/1 responses, one after another.
    Responses(Responses),
    /// The last chunk of a chunked body ends with this payload (RFC 9112 section 7.1).
    LastChunk {
        /// It may as well be trailer fields, or the rest of a line.
        perhaps: bool,
    },
    /// HTTP/2: its preface, or a GOAWAY among its frames.
    Http2(Option<GoAway>),
    /// Records of TLS.
    Tls(Tls),
}

impl Said {
    /// A payload of `len` bytes of which this was captured may say something: a few compares, as most
    /// do not. In line: a call would cost the loop over records its registers.
    #[inline]
    pub(crate) fn may_be(payload: &[u8], len: u32) -> bool {
        let Some(&[a, b, c, d]) = payload.first_chunk() else {
            return !payload.is_empty();
        };
        let in_line = |byte: u8| byte.is_ascii_uppercase() || byte == b' ';
        let begins = match a {
            b'A'..=b'Z' => in_line(b) && in_line(c) && in_line(d),
            20..=23 => b == 3,
            0 => d <= 9,
            _ => false,
        };
        begins || payload.get((len as usize).wrapping_sub(1)) == Some(&b'\n')
    }

    /// Reads what was captured of a payload of `len` bytes.
    #[inline(never)]
    pub fn read(payload: &[u8], len: u32) -> Option<Self> {
        let payload = payload.get(..len as usize).unwrap_or(payload);
        let is_whole = payload.len() == len as usize;
        if !Self::may_be(payload, len) {
            return None;
        }
        let head = payload.first_chunk().copied().unwrap_or_default();
        match head {
            [b'H', b'T', b'T', b'P'] => http::responses(payload).map(Self::Responses),
            [20..=23, 3, 0..=4, _] => tls::read(payload).map(Self::Tls),
            [0, _, _, 0..=9] => {
                http2::go_away(payload, is_whole).map(|away| Self::Http2(Some(away)))
            }
            [b'P', b'R', b'I', b' '] => http2::is_preface(payload).then_some(Self::Http2(None)),
            head if http::may_begin_request(head) => http::requests(payload).map(Self::Requests),
            _ => None,
        }
        .or_else(|| fields::last_chunk(payload).filter(|_| is_whole))
    }
}
