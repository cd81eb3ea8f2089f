//! HTTP/2 without TLS (RFC 9113): the preface, and GOAWAY.

/// What a client begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length, type, flags, stream.
const HEADER: usize = 9;
const GOAWAY: u8 = 7;
/// Frames of one payload that are looked at.
const FRAMES: usize = 64;

/// The errors of RFC 9113 section 7, by their codes.
const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// The end of an HTTP/2 connection, announced (RFC 9113 section 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// The last stream that its sender may have acted on.
    pub last_stream: u32,
    /// Why.
    pub error: u32,
}

impl GoAway {
    /// The error's name, if it has one.
    pub fn error_name(&self) -> Option<&'static str> {
        ERRORS.get(self.error as usize).copied()
    }
}

pub(super) fn is_preface(payload: &[u8]) -> bool {
    payload.starts_with(PREFACE)
}

/// The last GOAWAY among the frames of a payload that consists of nothing but whole ones.
///
/// Without state it must not be met by chance: the frames have to end where the payload does.
pub(super) fn go_away(payload: &[u8], is_whole: bool) -> Option<GoAway> {
    let (mut at, mut found) = (0, None);
    for _ in 0..FRAMES {
        let rest = payload.get(at..)?;
        let &[a, b, c, kind, flags, stream @ ..] = rest.first_chunk::<HEADER>()?;
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes(stream);
        let body = rest.get(HEADER..HEADER + len)?;
        if kind > 9 || stream >> 31 != 0 {
            return None;
        }
        if kind == GOAWAY {
            found = Some(last_words(body).filter(|_| flags == 0 && stream == 0)?);
        }
        at += HEADER + len;
        if at == payload.len() {
            return found.filter(|_| is_whole);
        }
    }
    None
}

fn last_words(body: &[u8]) -> Option<GoAway> {
    let (last_stream, rest) = body.split_first_chunk()?;
    let last_stream = u32::from_be_bytes(*last_stream);
    let error = u32::from_be_bytes(*rest.first_chunk()?);
    let is_known = last_stream >> 31 == 0 && (error as usize) < ERRORS.len();
    is_known.then_some(GoAway { last_stream, error })
}

#[cfg(test)]
mod tests {
    use super::GoAway;
    use crate::packet::Said;

    #[test]
    fn a_goaway_stands_behind_whole_frames() {
        let settings = [0, 0, 0, 4, 1, 0, 0, 0, 0];
        let away = [
            0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 11, b'h', b'i',
        ];
        let both = [settings.as_slice(), &away].concat();
        let said = Said::read(&both, both.len() as u32);
        let expected = GoAway {
            last_stream: 3,
            error: 11,
        };
        assert_eq!(said, Some(Said::Http2(Some(expected))));
        assert_eq!(expected.error_name(), Some("ENHANCE_YOUR_CALM"));
        assert_eq!(Said::read(&both, both.len() as u32 + 1), None);
        assert_eq!(
            Said::read(&both[..both.len() - 1], both.len() as u32 - 1),
            None
        );
        assert_eq!(Said::read(&settings, 9), None);
    }
}
