//! Lists of sockets (ss, netstat, lsof) and their join with the flows of a capture: which flow a
//! socket is, who closed it, since when.

mod course;
mod end;
mod explain;
mod join;
mod like;
mod line;
mod listing;
mod missing;
mod reading;
mod result;
mod span;
mod taken;
mod timer;

pub use end::{End, Host, Port};
pub use join::{Join, JoinOptions};
pub use line::{Process, Socket, Tool};
pub use listing::{Listing, NotAListing};
pub use result::{ClosedBy, Explained, Joined, Missing};
pub use taken::{Taken, TakenFrom};
pub use timer::{Timer, TimerKind};
