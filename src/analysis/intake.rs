//! From a record to its flow.

use super::Options;
use crate::flow::FlowTable;
use crate::packet::{Domains, Filter, Keys, Layers, NotDecoded, Segment, Usual, decode_by_layers};
use crate::stamp::Stamp;
use std::collections::BTreeMap;

/// Where the packets of records go.
pub(super) struct Intake {
    pub(super) table: FlowTable,
    pub(super) domains: Domains,
    filter: Option<Filter>,
    pub(super) filtered_out: u64,
    not_decoded: [u64; NotDecoded::ALL.len()],
}

impl Intake {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            table: FlowTable::new(options.limits, options.time_wait),
            domains: Domains::new(Keys {
                vlan: options.key_vlan,
                tunnel: options.key_tunnel,
            }),
            filter: options.filter.clone(),
            filtered_out: 0,
            not_decoded: [0; NotDecoded::ALL.len()],
        }
    }

    /// Takes in the packet of a record that stands at `at`. `kind`: its link type, and how long it was
    /// on the wire.
    #[inline]
    pub(super) fn push(&mut self, kind: (u16, u32), data: &[u8], at: Stamp) {
        if self.filter.is_none()
            && let Some(usual) = Usual::v4(kind.0, data)
        {
            self.table.push(&usual.segment(), at);
        } else {
            self.push_seldom(kind, data, at);
        }
    }

    /// The same of a packet over IPv6, or of other options than the usual ones, or with a filter. By
    /// itself, as all that is not asked for every record: the loop around needs the registers.
    #[cold]
    #[inline(never)]
    fn push_seldom(&mut self, kind: (u16, u32), data: &[u8], at: Stamp) {
        if let Some(usual) = Usual::v4_any(kind.0, data) {
            self.push_matching(&usual.segment(), at);
        } else if let Some(usual) = Usual::v6(kind.0, data) {
            self.push_matching(&usual.segment(), at);
        } else {
            self.push_by_layers(kind, data, at);
        }
    }

    #[inline]
    fn push_matching(&mut self, segment: &Segment, at: Stamp) {
        if !self.leaves_out(segment) {
            self.table.push(segment, at);
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
        let mut layers = Layers::default();
        match decode_by_layers(link, data, on_wire, &mut layers) {
            Err(reason) => self.not_decoded[reason as usize] += 1,
            Ok(segment) if self.leaves_out(&segment) => {}
            Ok(mut segment) => {
                segment.domain = self.domains.number(&layers);
                self.table.push_other(&segment, at);
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
