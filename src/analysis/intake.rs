//! From a record to its flow.

use super::Options;
use crate::flow::{ErrorTable, FlowTable};
use crate::packet::{
    Anonymizer, Around, Domains, Filter, Keys, NotDecoded, Said, Segment, Usual, decode_by_layers,
    quoted_by_icmp,
};
use crate::stamp::Stamp;
use std::collections::BTreeMap;

/// Where the packets of records go.
pub(super) struct Intake {
    pub(super) table: FlowTable,
    pub(super) domains: Domains,
    /// What ICMP says of segments.
    pub(super) errors: ErrorTable,
    filter: Option<Filter>,
    anonymizer: Option<Box<Anonymizer>>,
    /// Every segment is taken in as it stands.
    is_plain: bool,
    /// Payloads are looked at.
    listens: bool,
    pub(super) filtered_out: u64,
    not_decoded: [u64; NotDecoded::ALL.len()],
}

impl Intake {
    pub(super) fn new(options: &Options) -> Self {
        let mut table = FlowTable::new(options.limits, options.time_wait);
        if options.ledger.is_some() {
            // The books count every restart of a TIME-WAIT.
            table.be_patient();
        }
        if !options.asks_why() {
            table.forgo_histories();
        }
        Self {
            table,
            domains: Domains::new(Keys {
                vlan: options.key_vlan,
                tunnel: options.key_tunnel,
            }),
            errors: ErrorTable::default(),
            filter: options.filter.clone(),
            is_plain: options.filter.is_none() && options.anonymize.is_none(),
            anonymizer: options.anonymize.map(|key| Box::new(Anonymizer::new(key))),
            listens: !options.no_payload && options.anonymize.is_none(),
            filtered_out: 0,
            not_decoded: [0; NotDecoded::ALL.len()],
        }
    }

    /// Takes in the packet of a record that stands at `at`. `kind`: its link type, and how long it was
    /// on the wire.
    #[inline]
    pub(super) fn push(&mut self, kind: (u16, u32), data: &[u8], at: Stamp) {
        if self.is_plain
            && let Some(usual) = Usual::v4(kind.0, data)
        {
            let speaks = usual.may_speak(data) && self.listens;
            if !(speaks && self.push_saying(kind.0, data, at)) {
                self.table.push(&usual.segment(), at);
            }
        } else {
            self.push_seldom(kind, data, at);
        }
    }

    /// Takes in a segment of the usual kind if its payload says something. By itself, as most are
    /// without any.
    #[cold]
    #[inline(never)]
    fn push_saying(&mut self, link: u16, data: &[u8], at: Stamp) -> bool {
        let saying = Usual::v4_any(link, data).and_then(|usual| {
            let segment = usual.segment();
            let said = said(&segment, usual.payload(data))?;
            Some((segment, said))
        });
        if let Some((segment, said)) = &saying {
            self.table.push_said(segment, *said, at);
        }
        saying.is_some()
    }

    /// The same of a packet over IPv6, or of other options than the usual ones, or with a filter. By
    /// itself, as all that is not asked for every record: the loop around needs the registers.
    #[cold]
    #[inline(never)]
    fn push_seldom(&mut self, kind: (u16, u32), data: &[u8], at: Stamp) {
        if let Some(usual) = Usual::v4_any(kind.0, data) {
            self.push_matching(&usual.segment(), usual.payload(data), at);
        } else if let Some(usual) = Usual::v6(kind.0, data) {
            self.push_matching(&usual.segment(), usual.payload(data), at);
        } else {
            self.push_by_layers(kind, data, at);
        }
    }

    fn push_matching(&mut self, segment: &Segment, payload: &[u8], at: Stamp) {
        if !self.leaves_out(segment) {
            self.push_hidden(segment, payload, at);
        }
    }

    /// The same of a segment that the filter wants: behind here nobody knows its addresses.
    fn push_hidden(&mut self, segment: &Segment, payload: &[u8], at: Stamp) {
        let Some(anonymizer) = &mut self.anonymizer else {
            return self.push_heard(segment, payload, at);
        };
        let mut hidden = *segment;
        anonymizer.segment(&mut hidden);
        self.push_heard(&hidden, payload, at);
    }

    #[inline(never)]
    fn push_heard(&mut self, segment: &Segment, payload: &[u8], at: Stamp) {
        match said(segment, if self.listens { payload } else { &[] }) {
            Some(said) => self.table.push_said(segment, said, at),
            None => self.table.push(segment, at),
        }
    }

    /// The filter does not want the segment, which is counted then.
    fn leaves_out(&mut self, segment: &Segment) -> bool {
        let filter = self.filter.as_ref();
        let leaves_out = filter.is_some_and(|filter| !filter.matches(segment));
        self.filtered_out += u64::from(leaves_out);
        leaves_out
    }

    #[inline(never)]
    fn push_by_layers(&mut self, kind: (u16, u32), data: &[u8], at: Stamp) {
        let (link, on_wire) = kind;
        let mut around = Around::default();
        match decode_by_layers(link, data, on_wire, &mut around) {
            Err(reason) => {
                self.not_decoded[reason as usize] += 1;
                if reason == NotDecoded::Icmp
                    && let Ok(mut quoted) = quoted_by_icmp(link, data, on_wire)
                {
                    if let Some(anonymizer) = &mut self.anonymizer {
                        anonymizer.quoted(&mut quoted);
                    }
                    let domain = self.domains.number(&around.layers);
                    self.errors.push(&quoted, domain, at);
                }
            }
            Ok(segment) if self.leaves_out(&segment) => {}
            Ok(mut segment) => {
                segment.domain = self.domains.number(&around.layers);
                self.push_hidden(&segment, around.payload, at);
            }
        }
    }

    /// How many records were not decoded, and why.
    pub(super) fn not_decoded(&self) -> BTreeMap<String, u64> {
        let reasons = NotDecoded::ALL.iter().zip(self.not_decoded);
        let some = reasons.filter(|(_, n)| *n > 0);
        some.map(|(reason, n)| (reason.name().to_owned(), n))
            .collect()
    }
}

/// What is understood of a segment's payload, if it was captured. The rest of a fragment is elsewhere.
#[inline]
fn said(segment: &Segment, payload: &[u8]) -> Option<Said> {
    let is_all = !segment.fragment && !segment.flags.syn();
    if payload.is_empty() || segment.len == 0 || !is_all {
        return None;
    }
    Said::read(payload, segment.len)
}
