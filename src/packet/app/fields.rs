//! The fields of an HTTP/1 message, and its body in chunks.

use super::{Body, Connection, Said};

/// Bytes of a message's head that are looked at.
pub(super) const HEAD: usize = 8192;

/// Bytes of a chunked body that ends here (RFC 9112 section 7.1).
pub(super) fn chunked_len(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = body.get(at..)?;
        let line = rest.iter().take(64).position(|&byte| byte == b'\n')?;
        let digits = rest.get(..line)?;
        let len = digits
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let size = std::str::from_utf8(digits.get(..len)?).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        at = at.checked_add(line + 1)?;
        if size == 0 {
            break;
        }
        at = at.checked_add(size)?.checked_add(2)?;
    }
    // Trailer fields, then an empty line.
    loop {
        let rest = body.get(at..)?;
        let line = rest.iter().take(HEAD).position(|&byte| byte == b'\n')?;
        at += line + 1;
        if matches!(rest.get(..line)?, b"" | b"\r") {
            return Some(at);
        }
    }
}

/// The last chunk ends with this payload, or perhaps.
pub(super) fn last_chunk(payload: &[u8]) -> Option<Said> {
    if payload.last() != Some(&b'\n') {
        return None;
    }
    let is_sure = payload == b"0\r\n\r\n" || payload.ends_with(b"\r\n0\r\n\r\n");
    let end: &[u8] = b"\r\n0\r\n\r\n";
    let perhaps = !is_sure;
    let may_be = payload.ends_with(b"\r\n\r\n") || end.ends_with(payload);
    (is_sure || may_be).then_some(Said::LastChunk { perhaps })
}

/// What the fields of a message say, as far as they are there.
pub(super) struct Head {
    /// Its length, if it ends here.
    pub(super) end: Option<usize>,
    pub(super) body: Body,
    pub(super) connection: Option<Connection>,
}

impl Head {
    pub(super) fn read(message: &[u8]) -> Self {
        let mut head = Self {
            end: None,
            body: Body::Undeclared,
            connection: None,
        };
        let limit = message.len().min(HEAD);
        let bytes = message.get(..limit).unwrap_or_default();
        let mut at = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(line_end) = line.strip_suffix(b"\n") else {
                return head;
            };
            at += line.len();
            let text = line_end.strip_suffix(b"\r").unwrap_or(line_end);
            if text.is_empty() {
                head.end = Some(at);
                return head;
            }
            head.field(text);
        }
        head
    }

    fn field(&mut self, line: &[u8]) {
        // By its length first: most fields are others.
        let Some(colon) = line.iter().take(20).position(|&byte| byte == b':') else {
            return;
        };
        let (Some(name), Some(value)) = (line.get(..colon), line.get(colon + 1..)) else {
            return;
        };
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        match colon {
            10 if is(b"connection") => self.connection = connection(value).or(self.connection),
            14 if is(b"content-length") && self.body != Body::Chunked => {
                let text = std::str::from_utf8(value.trim_ascii()).ok();
                let len = text.and_then(|text| text.parse().ok());
                self.body = len.map_or(self.body, Body::Length);
            }
            17 if is(b"transfer-encoding")
                && tokens(value).any(|t| t.eq_ignore_ascii_case(b"chunked")) =>
            {
                self.body = Body::Chunked;
            }
            _ => {}
        }
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn connection(value: &[u8]) -> Option<Connection> {
    let names =
        |token: &[u8], value: Connection| token.eq_ignore_ascii_case(value.name().as_bytes());
    let values = [Connection::Close, Connection::KeepAlive];
    values
        .into_iter()
        .find(|&value_named| tokens(value).any(|token| names(token, value_named)))
}
