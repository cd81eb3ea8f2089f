//! What is said of blocks that cannot be read.

use super::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, FRAME, INTERFACE_DESCRIPTION, MAX_BLOCK, OBSOLETE_PACKET,
    SECTION_HEADER, SIMPLE_PACKET,
};

#[cold]
pub(super) fn unknown_byte_order(magic: u32) -> String {
    format!(
        "a section header with the byte-order magic {magic:08x}, where {BYTE_ORDER_MAGIC:08x} of either byte order was expected"
    )
}

#[cold]
pub(super) fn bad_length(kind: u32, size: usize) -> String {
    format!(
        "{} of length {size}, where a multiple of 4 from {} to {MAX_BLOCK} was expected",
        name(kind),
        smallest(kind)
    )
}

#[cold]
pub(super) fn bad_trailer(kind: u32, size: usize, trailer: u32) -> String {
    format!(
        "{} of {size} bytes whose trailing length says {trailer}",
        name(kind)
    )
}

#[cold]
pub(super) fn bad_captured(kind: u32, size: usize, captured: u32) -> String {
    format!(
        "{} of {size} bytes that claims {captured} captured bytes",
        name(kind)
    )
}

#[cold]
pub(super) fn unreadable(kind: u32, block: &[u8]) -> String {
    format!(
        "{} of {} bytes that cannot be read",
        name(kind),
        block.len()
    )
}

/// The least length of a block, by what it must hold.
pub(super) const fn smallest(kind: u32) -> usize {
    match kind {
        SECTION_HEADER => 28,
        INTERFACE_DESCRIPTION => 20,
        SIMPLE_PACKET => 16,
        ENHANCED_PACKET | OBSOLETE_PACKET => 32,
        _ => FRAME,
    }
}

/// The name of a block, with its article.
pub(super) fn name(kind: u32) -> String {
    match kind {
        SECTION_HEADER => "a section header".into(),
        INTERFACE_DESCRIPTION => "an interface description".into(),
        OBSOLETE_PACKET => "an obsolete packet block".into(),
        SIMPLE_PACKET => "a simple packet block".into(),
        ENHANCED_PACKET => "an enhanced packet block".into(),
        other => format!("a block of type {other:#x}"),
    }
}
