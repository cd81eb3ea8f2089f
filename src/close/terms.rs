//! How a row of a taxonomy explains itself.

/// The explanation of one name: what `whoclosed terms NAME` prints and what the documents hold.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The name in reports.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// How it is recognised in a capture.
    pub recognised: &'static str,
    /// What it means for the user.
    pub meaning: &'static str,
    /// What to do about it, and what not to do.
    pub advice: &'static str,
    /// RFC sections it rests on.
    pub rfc: &'static [&'static str],
    /// Linux's counter or reset reason to confirm it on the host; empty if there is none.
    pub linux: &'static str,
    /// Zeek's name for it; empty if there is none.
    pub zeek: &'static str,
}
