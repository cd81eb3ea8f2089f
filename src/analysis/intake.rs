//! From a record to its segment.

use super::Options;
use super::batch::{Batch, Note};
use crate::packet::{
    Anonymizer, Around, Domains, Filter, Keys, Layers, NotDecoded, Said, Segment, Usual,
    decode_by_layers, quoted_by_icmp,
};
use crate::stamp::Stamp;
use std::collections::BTreeMap;

/// Makes segments of the packets of records.
pub(super) struct Intake {
    domains: Domains,
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
        Self {
            domains: Domains::new(Keys {
                vlan: options.key_vlan,
                tunnel: options.key_tunnel,
            }),
            filter: options.filter.clone(),
            is_plain: options.filter.is_none() && options.anonymize.is_none(),
            anonymizer: options.anonymize.map(|key| Box::new(Anonymizer::new(key))),
            listens: !options.no_payload && options.anonymize.is_none(),
            filtered_out: 0,
            not_decoded: [0; NotDecoded::ALL.len()],
        }
    }

    /// Every segment is taken in as it stands: [`Self::push`] may be used.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Takes in the packet of a record that stands at `at`. `kind`: its link type, and how long it was
    /// on the wire.
    #[expect(clippy::inline_always, reason = "as the loops around it")]
    #[inline(always)]
    pub(super) fn push(&mut self, kind: (u16, u32), data: &[u8], at: Stamp, batch: &mut Batch) {
        if let Some(usual) = Usual::v4(kind.0, data) {
            let speaks = usual.may_speak(data) && self.listens;
            if !(speaks && push_saying(kind.0, data, at, batch)) {
                batch.arrivals.push_usual(&usual, at);
            }
        } else {
            self.push_any(kind, data, at, batch);
        }
    }

    /// The same of any packet: over IPv6, or of other options than the usual ones, or with a filter. By
    /// itself, as all that is not asked for every record: the loop around needs the registers.
    #[cold]
    #[inline(never)]
    pub(super) fn push_any(&mut self, kind: (u16, u32), data: &[u8], at: Stamp, batch: &mut Batch) {
        if let Some(usual) = Usual::v4_any(kind.0, data) {
            self.push_matching(&usual.segment(), usual.payload(data), at, batch);
        } else if let Some(usual) = Usual::v6(kind.0, data) {
            self.push_matching(&usual.segment(), usual.payload(data), at, batch);
        } else {
            self.push_by_layers(kind, data, at, batch);
        }
    }

    fn push_matching(&mut self, segment: &Segment, payload: &[u8], at: Stamp, batch: &mut Batch) {
        if self.leaves_out(segment) {
            batch.note(Note::Record(at));
        } else {
            self.push_hidden(segment, payload, at, batch);
        }
    }

    /// The same of a segment that the filter wants: behind here nobody knows its addresses.
    fn push_hidden(&mut self, segment: &Segment, payload: &[u8], at: Stamp, batch: &mut Batch) {
        let Some(anonymizer) = &mut self.anonymizer else {
            return self.push_heard(segment, payload, at, batch);
        };
        let mut hidden = *segment;
        anonymizer.segment(&mut hidden);
        self.push_heard(&hidden, payload, at, batch);
    }

    #[inline(never)]
    fn push_heard(&self, segment: &Segment, payload: &[u8], at: Stamp, batch: &mut Batch) {
        match said(segment, if self.listens { payload } else { &[] }) {
            Some(said) => batch.arrivals.push_said(segment, said, at),
            None => batch.arrivals.push_next(segment, at),
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
    fn push_by_layers(&mut self, kind: (u16, u32), data: &[u8], at: Stamp, batch: &mut Batch) {
        let (link, on_wire) = kind;
        let mut around = Around::default();
        match decode_by_layers(link, data, on_wire, &mut around) {
            Err(reason) => {
                self.not_decoded[reason as usize] += 1;
                if reason == NotDecoded::Icmp {
                    self.push_quoted(kind, data, at, batch, &around.layers);
                }
                batch.note(Note::Record(at));
            }
            Ok(segment) if self.leaves_out(&segment) => batch.note(Note::Record(at)),
            Ok(mut segment) => {
                segment.domain = self.number(&around.layers, batch);
                self.push_hidden(&segment, around.payload, at, batch);
            }
        }
    }

    /// What ICMP says of a segment that it quotes.
    fn push_quoted(
        &mut self,
        (link, on_wire): (u16, u32),
        data: &[u8],
        at: Stamp,
        batch: &mut Batch,
        layers: &Layers,
    ) {
        let Ok(mut quoted) = quoted_by_icmp(link, data, on_wire) else {
            return;
        };
        if let Some(anonymizer) = &mut self.anonymizer {
            anonymizer.quoted(&mut quoted);
        }
        let domain = self.number(layers, batch);
        batch.note(Note::Quoted(Box::new(quoted), domain, at));
    }

    /// The number of a network; the first time it is told which that is.
    fn number(&mut self, layers: &Layers, batch: &mut Batch) -> u16 {
        let known = self.domains.count();
        let number = self.domains.number(layers);
        if self.domains.count() > known {
            let layers = self.domains.layers(number);
            batch.note(Note::Domain(Box::new(layers)));
        }
        number
    }

    /// How many records were not decoded, and why.
    pub(super) fn not_decoded(&self) -> BTreeMap<String, u64> {
        let reasons = NotDecoded::ALL.iter().zip(self.not_decoded);
        let some = reasons.filter(|(_, n)| *n > 0);
        some.map(|(reason, n)| (reason.name().to_owned(), n))
            .collect()
    }
}

/// Takes in a segment of the usual kind if its payload says something. By itself, as most are without
/// any.
#[cold]
#[inline(never)]
fn push_saying(link: u16, data: &[u8], at: Stamp, batch: &mut Batch) -> bool {
    let saying = Usual::v4_any(link, data).and_then(|usual| {
        let segment = usual.segment();
        let said = said(&segment, usual.payload(data))?;
        Some((segment, said))
    });
    if let Some((segment, said)) = &saying {
        batch.arrivals.push_said(segment, *said, at);
    }
    saying.is_some()
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
