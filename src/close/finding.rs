//! The findings: one row each.

use crate::close::case::Case;
use crate::close::detect::{self, Found};
use crate::close::terms::Term;
use crate::close::verdict::{Finding, names};
use serde::{Deserialize, Serialize};

names! {
    /// How urgent a finding is.
    Severity {
        /// Normal, worth knowing.
        Info = "info",
        /// Unusual.
        Notice = "notice",
        /// Somebody should act.
        Warning = "warning",
    }
}

names! {
    /// The code of a finding. Codes are never reused.
    Code {
        /// A SYN of an older connection reached this one.
        OldDuplicateSyn = "old-duplicate-syn",
        /// Segments of an older connection reached this one.
        OldDuplicateSegment = "old-duplicate-segment",
        /// The ACK of the second FIN was lost.
        FinalAckLost = "final-ack-lost",
        /// A FIN was sent again although it had been acknowledged.
        FinRetransmitted = "fin-retransmitted",
        /// The second FIN was repeated and never acknowledged.
        LastAckStuck = "last-ack-stuck",
        /// The first FIN was repeated and never acknowledged.
        FinWait1Stuck = "fin-wait-1-stuck",
        /// The active closer kept no socket for the peer's FIN.
        OwnerGone = "owner-gone",
        /// A RST ended TIME-WAIT before its time.
        TimeWaitReset = "time-wait-reset",
        /// A new connection took the place of TIME-WAIT.
        TimeWaitReused = "time-wait-reused",
        /// A SYN met an old connection and was answered with its ACK.
        TimeWaitSynRejected = "time-wait-syn-rejected",
        /// A RST after both FINs were acknowledged.
        RstAfterClose = "rst-after-close",
        /// A RST that its receiver ignored.
        RstIgnored = "rst-ignored",
        /// A RST that its receiver answered with a challenge ACK.
        RstChallenged = "rst-challenged",
        /// Data was sent after the peer's FIN.
        HalfCloseUsed = "half-close-used",
        /// A side received a FIN and did not close.
        CloseWaitLeak = "close-wait-leak",
        /// A request crossed the close of an idle connection.
        KeepaliveRace = "keepalive-race",
        /// A 4-tuple was reused against the rules.
        PortReusedTooSoon = "port-reused-too-soon",
        /// A TSval went back within the flow.
        TimestampRegression = "timestamp-regression",
        /// A SYN's TSval is older than the flow before it on the same 4-tuple.
        TimestampRegressionAcrossFlows = "timestamp-regression-across-flows",
        /// Timestamps were offered and not echoed.
        TimestampsNotNegotiated = "timestamps-not-negotiated",
        /// The capture holds records twice.
        CaptureDuplicates = "capture-duplicates",
        /// Records stand out of order.
        CaptureReordered = "capture-reordered",
        /// The capture's clock went back.
        CaptureClockStep = "capture-clock-step",
        /// Bytes that were acknowledged are missing from the capture.
        CaptureGap = "capture-gap",
        /// Acknowledged data was never seen: the capture dropped records.
        CaptureDrops = "capture-drops",
        /// Only one direction was captured.
        CaptureOneDirection = "capture-one-direction",
        /// The capture begins inside the connection.
        CaptureStartsInside = "capture-starts-inside",
        /// The capture ends inside the connection.
        CaptureEndsInside = "capture-ends-inside",
        /// Headers were cut by the snaplen.
        CaptureSnaplen = "capture-snaplen",
        /// The capture's last record is cut.
        CaptureCut = "capture-cut",
    }
}

/// One finding, its rule and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its code.
    pub value: Code,
    /// Finds it in a case.
    pub(super) detect: fn(&Case) -> Vec<Found>,
    /// How urgent it is.
    pub severity: Severity,
    /// Its explanation.
    pub term: Term,
}

/// Every finding, once.
pub const FINDINGS: &[Row] = &[
    Row {
        value: Code::OldDuplicateSyn,
        detect: detect::old_duplicate_syn,
        severity: Severity::Info,
        term: Term {
            name: "old-duplicate-syn",
            summary: "a SYN of an older connection reached this one",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::OldDuplicateSegment,
        detect: detect::old_duplicate_segment,
        severity: Severity::Info,
        term: Term {
            name: "old-duplicate-segment",
            summary: "segments of an older connection reached this one",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::FinalAckLost,
        detect: detect::final_ack_lost,
        severity: Severity::Notice,
        term: Term {
            name: "final-ack-lost",
            summary: "the ACK of the second FIN was lost",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::FinRetransmitted,
        detect: detect::fin_retransmitted,
        severity: Severity::Info,
        term: Term {
            name: "fin-retransmitted",
            summary: "a FIN was sent again although it had been acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::LastAckStuck,
        detect: detect::last_ack_stuck,
        severity: Severity::Warning,
        term: Term {
            name: "last-ack-stuck",
            summary: "the second FIN was repeated and never acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::FinWait1Stuck,
        detect: detect::fin_wait_1_stuck,
        severity: Severity::Warning,
        term: Term {
            name: "fin-wait-1-stuck",
            summary: "the first FIN was repeated and never acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::OwnerGone,
        detect: detect::owner_gone,
        severity: Severity::Notice,
        term: Term {
            name: "owner-gone",
            summary: "the active closer kept no socket for the peer's FIN",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitReset,
        detect: detect::time_wait_reset,
        severity: Severity::Notice,
        term: Term {
            name: "time-wait-reset",
            summary: "a RST ended TIME-WAIT before its time",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitReused,
        detect: detect::time_wait_reused,
        severity: Severity::Info,
        term: Term {
            name: "time-wait-reused",
            summary: "a new connection took the place of TIME-WAIT",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitSynRejected,
        detect: detect::time_wait_syn_rejected,
        severity: Severity::Notice,
        term: Term {
            name: "time-wait-syn-rejected",
            summary: "a SYN met an old connection and was answered with its ACK",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::RstAfterClose,
        detect: detect::rst_after_close,
        severity: Severity::Info,
        term: Term {
            name: "rst-after-close",
            summary: "a RST after both FINs were acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::RstIgnored,
        detect: detect::rst_ignored,
        severity: Severity::Notice,
        term: Term {
            name: "rst-ignored",
            summary: "a RST that its receiver ignored",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::RstChallenged,
        detect: detect::rst_challenged,
        severity: Severity::Notice,
        term: Term {
            name: "rst-challenged",
            summary: "a RST that its receiver answered with a challenge ACK",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::HalfCloseUsed,
        detect: detect::half_close_used,
        severity: Severity::Info,
        term: Term {
            name: "half-close-used",
            summary: "data was sent after the peer's FIN",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CloseWaitLeak,
        detect: detect::close_wait_leak,
        severity: Severity::Warning,
        term: Term {
            name: "close-wait-leak",
            summary: "a side received a FIN and did not close",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::KeepaliveRace,
        detect: detect::keepalive_race,
        severity: Severity::Warning,
        term: Term {
            name: "keepalive-race",
            summary: "a request crossed the close of an idle connection",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::PortReusedTooSoon,
        detect: detect::port_reused_too_soon,
        severity: Severity::Notice,
        term: Term {
            name: "port-reused-too-soon",
            summary: "a 4-tuple was reused against the rules",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampRegression,
        detect: detect::regression,
        severity: Severity::Notice,
        term: Term {
            name: "timestamp-regression",
            summary: "a TSval went back within the flow",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampRegressionAcrossFlows,
        detect: detect::regression_across_flows,
        severity: Severity::Notice,
        term: Term {
            name: "timestamp-regression-across-flows",
            summary: "a SYN's TSval is older than the flow before it on the same 4-tuple",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampsNotNegotiated,
        detect: detect::timestamps_not_negotiated,
        severity: Severity::Info,
        term: Term {
            name: "timestamps-not-negotiated",
            summary: "timestamps were offered and not echoed",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureDuplicates,
        detect: detect::duplicates,
        severity: Severity::Info,
        term: Term {
            name: "capture-duplicates",
            summary: "the capture holds records twice",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureReordered,
        detect: detect::reordered,
        severity: Severity::Info,
        term: Term {
            name: "capture-reordered",
            summary: "records stand out of order",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureClockStep,
        detect: detect::clock_step,
        severity: Severity::Notice,
        term: Term {
            name: "capture-clock-step",
            summary: "the capture's clock went back",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureGap,
        detect: detect::gap,
        severity: Severity::Notice,
        term: Term {
            name: "capture-gap",
            summary: "bytes that were acknowledged are missing from the capture",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureDrops,
        detect: detect::drops,
        severity: Severity::Notice,
        term: Term {
            name: "capture-drops",
            summary: "acknowledged data was never seen: the capture dropped records",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureOneDirection,
        detect: detect::one_direction,
        severity: Severity::Notice,
        term: Term {
            name: "capture-one-direction",
            summary: "only one direction was captured",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureStartsInside,
        detect: detect::starts_inside,
        severity: Severity::Info,
        term: Term {
            name: "capture-starts-inside",
            summary: "the capture begins inside the connection",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureEndsInside,
        detect: detect::ends_inside,
        severity: Severity::Info,
        term: Term {
            name: "capture-ends-inside",
            summary: "the capture ends inside the connection",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureSnaplen,
        detect: detect::snaplen,
        severity: Severity::Info,
        term: Term {
            name: "capture-snaplen",
            summary: "headers were cut by the snaplen",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureCut,
        detect: detect::cut,
        severity: Severity::Notice,
        term: Term {
            name: "capture-cut",
            summary: "the capture's last record is cut",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
];

impl Code {
    /// The row of the table.
    pub fn row(self) -> &'static Row {
        // The table holds every code (a test says so), in the order of the enum.
        &FINDINGS[self as usize]
    }
}

/// Every finding of a case, in the order of the table.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let of_row = |row: &'static Row| {
        (row.detect)(case).into_iter().map(|found| Finding {
            code: row.value,
            severity: row.severity,
            side: found.side,
            frames: found.frames,
            confidence: found.confidence,
            message: found.message,
            data: found
                .data
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect(),
        })
    };
    FINDINGS.iter().flat_map(of_row).collect()
}
