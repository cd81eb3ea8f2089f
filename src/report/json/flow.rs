//! The flow line.

use crate::close::community_id::CommunityId;
use crate::close::filter::WiresharkFilter;
use crate::close::finding::{Code, Severity};
use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Application, Basis, CloseEntry, CloseEvent, Confidence,
    ConnState, Dwell, Dwells, EndedBy, Endpoint, Event, FileFrames, FinalAck, Finding, InFlight,
    LastWords, Letters, Outcome, PerSide, Reset, RolesFrom, RstFate, RstFit, RstForm, Side,
    Silence, SilenceEnd, State, TimeWait, Tunnel, Verdict, Zeek,
};
use crate::report::json::lines::Lines;
use crate::report::json::piece::{Piece, Short};
use crate::report::json::value::{Bounded, Json, fields, lists, object};

impl Lines {
    /// Appends the line of a flow.
    pub(super) fn flow(&mut self, verdict: &Verdict) {
        verdict.write(self);
        self.raw("\n");
    }
}

/// The names of a type in blocks of that size, each between what stands before it and after it.
macro_rules! names {
    ($type:ty, $size:literal, $before:literal, $after:literal) => {{
        const NAMES: [Short<$size>; <$type>::ALL.len()] = {
            let mut names = [Short::EMPTY; <$type>::ALL.len()];
            let mut i = 0;
            while i < names.len() {
                let value = <$type>::ALL[i];
                names[value as usize] = Short::new(&[$before, value.name(), $after]);
                i += 1;
            }
            names
        };
        NAMES
    }};
}

/// Writes a struct's fields in groups: what is `put` is one piece, what is `write`n goes by itself, and
/// of what is `list`ed most is empty.
macro_rules! groups {
    (
        $to:ident, $value:expr => $($write:ident $open:literal [$($field:ident),+])+
        $(; $($optional:ident),+)?
    ) => {
        let Self { $($($field,)+)+ $($($optional),+)? } = $value;
        $(groups!(@$write $to, $open, $($field),+);)+
        $($(
            if let Some(value) = $optional {
                $to.raw(concat!(",\"", stringify!($optional), "\":"));
                value.write($to);
            }
        )+)?
    };
    (@put $to:ident, $open:literal, $($field:ident),+) => {
        $to.piece(|to| {
            fields!(to, put, $open, $($field),+);
        });
    };
    (@write $to:ident, $open:literal, $($field:ident),+) => {
        fields!($to, write, $open, $($field),+);
    };
    (@list $to:ident, $open:literal, $($field:ident),+) => {
        $(if $field.is_empty() {
            $to.raw(concat!($open, "\"", stringify!($field), "\":[]"));
        } else {
            fields!($to, write, $open, $field);
        })+
    };
}

impl Json for Verdict {
    fn write(&self, to: &mut Lines) {
        groups!(to, self =>
            put "{\"type\":\"flow\"," [schema, flow]
            write "," [source]
            put "," [
                client, server, roles_from, start, end, first_frame, last_frame, packets,
                payload_bytes, outcome, active_closer, aborted_by, abort_cause, cause_confidence
            ]
            list "," [cause_alternatives]
            put "," [final_ack, confidence]
            write "," [reason]
            list "," [time_wait]
            put "," [final_states]
            write "," [states, close]
            list "," [resets, findings]
            write "," [in_flight]
            put "," [previous_flow, wireshark_filter, zeek];
            silence, vlan, tunnel, files, application, community_id
        );
        to.raw("}");
    }
}

impl Json for Finding {
    fn write(&self, to: &mut Lines) {
        groups!(to, self =>
            put "{" [code, severity, side]
            write "," [frames]
            put "," [confidence]
            write "," [message, data]
        );
        to.raw("}");
    }
}

object!(Endpoint by Bounded::put to Piece { addr, port });
object!(TimeWait by Bounded::put to Piece {
    owner, start, end, ended_by, basis, confidence, restarts; left_ns
});
object!(Silence by Bounded::put to Piece {
    by, how, frame, since_payload_ns, payload_by, payload_frame, since_segment_ns, at_least
});
object!(Reset by Bounded::put to Piece { frame, time, from, form, fit, fate, copies });
object!(Tunnel by Json::write to Lines { kind, id });
object!(Zeek by Bounded::put to Piece { conn_state, history });
object!(InFlight by Json::write to Lines { frame, method, path, acknowledged, status });
object!(Application by Json::write to Lines { protocol, client, server });
object!(LastWords by Json::write to Lines { frame, words });
object!(FileFrames by Json::write to Lines { source, frames });

lists!(Finding, Tunnel, FileFrames);

impl<T: Bounded> Bounded for PerSide<T> {
    #[inline]
    fn put(&self, to: &mut Piece) {
        let Self { client, server } = self;
        fields!(to, put, "{", client, server);
        to.raw("}");
    }
}

impl Json for PerSide<Dwells> {
    fn write(&self, to: &mut Lines) {
        let Self { client, server } = self;
        fields!(to, write, "{", client, server);
        to.raw("}");
    }
}

impl Bounded for Dwell {
    /// Joined like the names of a [`CloseEvent`].
    #[inline]
    fn put(&self, to: &mut Piece) {
        static STATE: [Short; State::ALL.len()] =
            names!(State, 32, "{\"state\":\"", "\",\"from\":");
        let Self {
            state,
            from,
            to: until,
        } = self;
        to.short(&STATE[*state as usize]);
        from.put(to);
        to.raw(",\"to\":");
        until.put(to);
        to.raw("}");
    }
}

/// What has no bounded length and may be missing.
macro_rules! nullable {
    ($($type:ty),+) => {
        $(impl Json for Option<$type> {
            #[inline]
            fn write(&self, to: &mut Lines) {
                match self {
                    Some(value) => value.write(to),
                    None => to.raw("null"),
                }
            }
        })+
    };
}
nullable!(Box<InFlight>, LastWords, PerSide<Dwells>);

impl Bounded for CloseEvent {
    /// As an [`object`], of which the names are joined with what stands around them: most of a line
    /// are these.
    #[inline]
    fn put(&self, to: &mut Piece) {
        static FROM: [Short; Side::ALL.len()] = names!(Side, 32, ",\"from\":\"", "\",\"event\":");
        static EVENT: [Short; Event::ALL.len()] = names!(Event, 32, "\"", "\",\"seq\":");
        let Self {
            frame,
            time,
            from,
            event,
            seq,
            ack,
            len,
        } = self;
        fields!(to, put, "{", frame, time);
        to.short(&FROM[*from as usize]);
        to.short(&EVENT[*event as usize]);
        seq.put(to);
        fields!(to, put, ",", ack, len);
        to.raw("}");
    }
}

impl Bounded for CloseEntry {
    #[inline]
    fn put(&self, to: &mut Piece) {
        match self {
            Self::Event(event) => event.put(to),
            Self::More { more } => {
                fields!(to, put, "{", more);
                to.raw("}");
            }
        }
    }
}

impl Bounded for Letters {
    #[inline]
    fn put(&self, to: &mut Piece) {
        let (text, len) = self.block();
        to.raw("\"");
        to.block(text, len);
        to.raw("\"");
    }
}

impl Bounded for CommunityId {
    fn put(&self, to: &mut Piece) {
        to.raw("\"");
        to.raw(Self::VERSION);
        to.block(&self.base64(), Self::LEN);
        to.raw("\"");
    }
}

impl Bounded for WiresharkFilter {
    #[inline]
    fn put(&self, to: &mut Piece) {
        const fn shorts(words: [&str; 6]) -> [Short; 6] {
            let mut shorts = [Short::EMPTY; 6];
            let mut i = 0;
            while i < words.len() {
                shorts[i] = Short::new(&[words[i]]);
                i += 1;
            }
            shorts
        }
        static IPV4: [Short; 6] = shorts(WiresharkFilter::IPV4);
        static IPV6: [Short; 6] = shorts(WiresharkFilter::IPV6);
        let ([client, server], [from, to_port], [first, last]) =
            (self.addrs, self.ports, self.frames);
        let [ip, and_ip, port, and_port, frame, and_frame] =
            if client.is_ipv4() { &IPV4 } else { &IPV6 };
        to.raw("\"");
        to.short(ip);
        to.address(client);
        to.short(and_ip);
        to.address(server);
        for (before, number) in [
            (port, u64::from(from)),
            (and_port, to_port.into()),
            (frame, first),
            (and_frame, last),
        ] {
            to.short(before);
            to.number(number);
        }
        to.raw("\"");
    }
}

macro_rules! named {
    ($size:literal: $($type:ty),+ $(,)?) => {
        $(impl Bounded for $type {
            #[inline]
            fn put(&self, to: &mut Piece) {
                static NAMES: [Short<$size>; <$type>::ALL.len()] = names!($type, $size, "\"", "\"");
                to.short(&NAMES[*self as usize]);
            }
        })+
    };
}
named!(40: Code);
named!(
    32:
    AbortCause,
    AbortedBy,
    ActiveCloser,
    Basis,
    Confidence,
    ConnState,
    EndedBy,
    Event,
    FinalAck,
    Outcome,
    RolesFrom,
    RstFate,
    RstFit,
    RstForm,
    Severity,
    Side,
    SilenceEnd,
    State,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json::lines::copy;
    use crate::report::samples;
    use crate::stamp::Time;
    use proptest::prelude::*;
    use serde::Serialize;

    fn same_as_serde(value: &(impl Json + Serialize + ?Sized)) {
        let mut lines = Lines::default();
        value.write(&mut lines);
        let expected = serde_json::to_string(value).unwrap();
        assert_eq!(str::from_utf8(lines.text()), Ok(expected.as_str()));
    }

    #[test]
    fn numbers_around_every_power_of_ten() {
        for power in 0..20 {
            let ten = 10_u64.pow(power);
            for number in [ten - 1, ten, ten + 1, ten.saturating_mul(9)] {
                same_as_serde(&number);
                same_as_serde(&number.cast_signed());
                same_as_serde(&number.cast_signed().wrapping_neg());
            }
        }
        same_as_serde(&u64::MAX);
        same_as_serde(&i64::MIN);
    }

    #[test]
    fn every_character_wherever_it_stands() {
        for c in (0..=0x180).filter_map(char::from_u32) {
            for before in 0..40 {
                for after in [0, 1, 15, 16, 17] {
                    let text = format!("{}{c}{}", "a".repeat(before), "z".repeat(after));
                    same_as_serde(text.as_str());
                    let special = c < ' ' || c == '"' || c == '\\';
                    let mut copied = vec![0; text.len() + 16];
                    assert_eq!(copy(text.as_bytes(), &mut copied), special);
                    assert_eq!(copied[..text.len()], *text.as_bytes());
                }
            }
        }
    }

    #[test]
    fn the_longest_pieces_fit() {
        let addr = std::net::Ipv6Addr::from_bits(u128::MAX).into();
        let (most, time) = (u64::MAX, Some(Time(i64::MAX)));
        let mut verdict = samples::one_of_each().remove(0);
        (verdict.schema, verdict.flow, verdict.start, verdict.end) = (u32::MAX, most, time, time);
        verdict.client = Endpoint { addr, port: 65535 };
        verdict.server = verdict.client;
        (verdict.first_frame, verdict.last_frame) = (most, most);
        (verdict.packets.client, verdict.packets.server) = (most, most);
        verdict.payload_bytes = verdict.packets;
        verdict.roles_from = RolesFrom::PortGuess;
        verdict.outcome = Outcome::HandshakeIncomplete;
        verdict.active_closer = ActiveCloser::Unknown;
        verdict.aborted_by = Some(AbortedBy::Middlebox);
        verdict.abort_cause = Some(AbortCause::RetransmissionTimeout);
        verdict.cause_confidence = Some(Confidence::Possible);
        verdict.previous_flow = Some(most);
        verdict.wireshark_filter = WiresharkFilter {
            addrs: [addr; 2],
            ports: [65535; 2],
            frames: [most; 2],
        };
        verdict.community_id = Some(CommunityId::of(verdict.client, verdict.server));
        let mut lines = Lines::default();
        verdict.write(&mut lines);
        let expected = serde_json::to_string(&verdict).unwrap();
        let expected = expected.replacen('{', "{\"type\":\"flow\",", 1);
        assert_eq!(str::from_utf8(lines.text()), Ok(expected.as_str()));
    }

    fn longest<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> T {
        *all.iter().max_by_key(|value| name(**value).len()).unwrap()
    }

    #[test]
    fn lists_of_the_longest_items_fit() {
        let (frame, time) = (u64::MAX, Some(Time(i64::MIN)));
        let from = longest(Side::ALL, Side::name);
        let wait = TimeWait {
            owner: from,
            start: time,
            end: time,
            ended_by: longest(EndedBy::ALL, EndedBy::name),
            basis: longest(Basis::ALL, Basis::name),
            confidence: longest(Confidence::ALL, Confidence::name),
            restarts: u32::MAX,
            left_ns: Some(i64::MIN),
        };
        let reset = Reset {
            frame,
            time,
            from,
            form: longest(RstForm::ALL, RstForm::name),
            fit: longest(RstFit::ALL, RstFit::name),
            fate: longest(RstFate::ALL, RstFate::name),
            copies: u32::MAX,
        };
        let event = CloseEntry::Event(CloseEvent {
            frame,
            time,
            from,
            event: longest(Event::ALL, Event::name),
            seq: u32::MAX,
            ack: Some(u32::MAX),
            len: u32::MAX,
        });
        let dwell = Dwell {
            state: longest(State::ALL, State::name),
            from: time,
            to: time,
        };
        for items in 0..=9 {
            same_as_serde(&vec![wait.clone(); items]);
            same_as_serde(&vec![reset.clone(); items]);
            same_as_serde(&vec![event.clone(); items]);
            same_as_serde(&vec![dwell.clone(); items]);
            same_as_serde(&vec![[frame; 2]; items]);
        }
    }

    #[test]
    fn every_name() {
        macro_rules! check {
            ($($type:ident),+) => { $($type::ALL.iter().for_each(same_as_serde);)+ };
        }
        check!(
            AbortCause,
            AbortedBy,
            ActiveCloser,
            Basis,
            Code,
            Confidence,
            ConnState,
            EndedBy,
            Event
        );
        check!(
            FinalAck, Outcome, RolesFrom, RstFate, RstFit, RstForm, Severity, Side, State
        );
    }

    proptest! {
        #[test]
        fn any_number(number: u64, shift in 0_u32..64) {
            same_as_serde(&(number >> shift));
            same_as_serde(&(number.cast_signed() >> shift));
        }

        #[test]
        fn any_address(addr: std::net::IpAddr) {
            same_as_serde(&addr);
        }

        #[test]
        fn any_filter(addrs: [std::net::IpAddr; 2], ports: [u16; 2], frames: [u64; 2]) {
            same_as_serde(&WiresharkFilter { addrs, ports, frames });
        }

        #[test]
        fn any_text(text: String) {
            same_as_serde(&text);
        }
    }
}
