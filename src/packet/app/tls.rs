//! TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1): alerts, and the version.

/// Type, version, length.
const HEADER: usize = 5;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const SUPPORTED_VERSIONS: u16 = 43;
/// The longest record, encrypted (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
/// An encrypted alert is not longer than that, whatever the cipher: IV, two bytes, MAC, padding.
const MAX_ALERT: usize = 128;
/// Records of one payload that are looked at.
const RECORDS: usize = 64;

/// An alert (RFC 8446 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// Its level and its description.
    Clear(u8, u8),
    /// Only that it is one.
    Encrypted,
}

/// The descriptions that are in use (RFC 8446 section 6.2, RFC 5246 section 7.2).
const DESCRIPTIONS: &[(u8, &str)] = &[
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

impl Alert {
    /// The name of its description, if it can be read.
    pub fn description(self) -> Option<&'static str> {
        let Self::Clear(_, number) = self else {
            return None;
        };
        let row = DESCRIPTIONS.iter().find(|(known, _)| *known == number);
        row.map(|(_, name)| *name)
    }
}

/// What the records of a payload show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The version that the server chose: 0x0304 is TLS 1.3.
    pub version: Option<u16>,
    /// The last alert.
    pub alert: Option<Alert>,
}

/// The records at the beginning of a payload, if they begin a handshake or hold an alert. An alert is
/// taken for one only where it ends the payload, as its sender has nothing more to say.
pub(super) fn read(payload: &[u8]) -> Option<Tls> {
    let (mut at, mut version) = (0, None);
    let is_handshake = payload.first() == Some(&HANDSHAKE);
    for _ in 0..RECORDS {
        let Some(rest) = payload.get(at..) else {
            break;
        };
        let Some(&[kind, 3, 0..=4, high, low]) = rest.first_chunk::<HEADER>() else {
            break;
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if !(20..=23).contains(&kind) || len > MAX_RECORD {
            break;
        }
        at += HEADER + len;
        let body = rest.get(HEADER..).unwrap_or_default();
        if kind == HANDSHAKE && version.is_none() {
            version = server_version(body);
        }
        if kind == ALERT && at == payload.len() {
            let alert = Some(alert(body)?);
            return Some(Tls { version, alert });
        }
    }
    let alert = None;
    is_handshake.then_some(Tls { version, alert })
}

fn alert(body: &[u8]) -> Option<Alert> {
    match *body {
        [level @ 1..=2, description] => Some(Alert::Clear(level, description)),
        _ if (16..=MAX_ALERT).contains(&body.len()) => Some(Alert::Encrypted),
        _ => None,
    }
}

/// The version in a `ServerHello` (RFC 8446 section 4.1.3).
fn server_version(handshake: &[u8]) -> Option<u16> {
    let (&[kind, _, _, _, major, minor], rest) = handshake.split_first_chunk()?;
    if kind != SERVER_HELLO {
        return None;
    }
    let legacy = u16::from_be_bytes([major, minor]);
    let (_random, rest) = rest.split_at_checked(32)?;
    let (&session, rest) = rest.split_first()?;
    let (_session, rest) = rest.split_at_checked(usize::from(session))?;
    let (_suite, rest) = rest.split_at_checked(3)?;
    let Some((_len, mut rest)) = rest.split_first_chunk::<2>() else {
        return Some(legacy);
    };
    for _ in 0..RECORDS {
        let Some((&[a, b, c, d], more)) = rest.split_first_chunk() else {
            break;
        };
        let Some((value, more)) = more.split_at_checked(usize::from(u16::from_be_bytes([c, d])))
        else {
            break;
        };
        if u16::from_be_bytes([a, b]) == SUPPORTED_VERSIONS {
            return value.first_chunk().map(|&two| u16::from_be_bytes(two));
        }
        rest = more;
    }
    Some(legacy)
}

#[cfg(test)]
mod tests {
    use super::{Alert, Tls};
    use crate::packet::Said;

    fn read(payload: &[u8]) -> Option<Tls> {
        match Said::read(payload, payload.len() as u32)? {
            Said::Tls(tls) => Some(tls),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_alert_is_clear_or_only_known_to_be_one() {
        let clear = read(&[21, 3, 3, 0, 2, 2, 70]).and_then(|tls| tls.alert);
        assert_eq!(clear, Some(Alert::Clear(2, 70)));
        assert_eq!(clear.and_then(Alert::description), Some("protocol_version"));
        let encrypted = [&[21, 3, 3, 0, 26][..], &[7; 26]].concat();
        let behind = [&[23, 3, 3, 0, 1, 9][..], &encrypted].concat();
        for payload in [encrypted, behind] {
            let alert = read(&payload).and_then(|tls| tls.alert);
            assert_eq!(alert, Some(Alert::Encrypted));
        }
        assert_eq!(read(&[21, 3, 3, 0, 2, 2, 70, 0]), None);
        assert_eq!(read(&[23, 3, 3, 0, 1, 9]), None);
    }

    #[test]
    fn the_servers_hello_tells_the_version() {
        let mut hello = vec![22, 3, 3, 0, 86, 2, 0, 0, 82, 3, 3];
        hello.extend([9; 32]);
        hello.extend([0, 0x13, 1, 0, 0, 10, 0, 51, 0, 0, 0, 43, 0, 2, 3, 4]);
        assert_eq!(read(&hello).and_then(|tls| tls.version), Some(0x304));
        let at = hello.len() - 6;
        hello.truncate(at);
        assert_eq!(read(&hello).and_then(|tls| tls.version), Some(0x303));
    }
}
