//! What the queues and the timer of a socket say. Of Linux: `tcp_diag_get_info` in
//! `net/ipv4/tcp_diag.c`, `tcp_close` in `tcp.c`, `tcp_rcv_state_process` in `tcp_input.c`.

use super::join::View;
use super::line::{Socket, Tool};
use super::span::span;
use super::timer::TimerKind;
use crate::close::verdict::State;

/// A sentence for each thing worth knowing.
pub(super) fn readings(socket: &Socket, view: &View) -> Vec<String> {
    let all = [received(socket), sent(socket), timer(socket, view)];
    all.into_iter().flatten().collect()
}

/// Linux counts RCV.NXT less what was read, so that a FIN which was not read yet is one byte; macOS and
/// the BSDs count bytes.
fn received(socket: &Socket) -> Option<String> {
    let (queue, linux) = (socket.recv_q?, socket.tool != Tool::NetstatBsd);
    let fin = matches!(
        socket.state,
        State::CloseWait | State::LastAck | State::Closing
    );
    let unread = queue.saturating_sub(u64::from(linux && fin));
    if unread > 0 && may_read(socket.state) {
        let besides = if linux && fin { ", and the FIN" } else { "" };
        let bytes = if unread == 1 { "byte" } else { "bytes" };
        let fin = if fin { " instead of FIN" } else { "" };
        return Some(format!(
            "Recv-Q {queue}: {unread} {bytes} unread{besides}; a close() there sends RST{fin}"
        ));
    }
    if socket.state != State::CloseWait || !linux {
        return None;
    }
    let text = if queue == 0 {
        "Recv-Q 0: the application has read everything up to the FIN; what is missing is its close()"
    } else {
        "Recv-Q 1 is the FIN itself, no data: the application has not read the end of the stream"
    };
    Some(text.to_owned())
}

/// Its application may still hold the socket, and closing is what is left to do.
const fn may_read(state: State) -> bool {
    matches!(state, State::CloseWait | State::FinWait1 | State::FinWait2)
}

/// The FIN counts as one byte.
fn sent(socket: &Socket) -> Option<String> {
    let queue = socket.send_q.filter(|&queue| queue > 0)?;
    let closed = matches!(
        socket.state,
        State::FinWait1 | State::LastAck | State::Closing
    );
    let linux = socket.tool != Tool::NetstatBsd;
    match (closed && linux, queue) {
        (true, 1) => {
            Some("Send-Q 1 is the FIN itself: all data before it was acknowledged".to_owned())
        }
        (true, _) => Some(format!(
            "Send-Q {queue}: {} bytes before the FIN are not acknowledged either, or not sent yet",
            queue - 1
        )),
        _ => None,
    }
}

fn timer(socket: &Socket, view: &View) -> Option<String> {
    let timer = socket.timer.filter(|timer| timer.kind != TimerKind::Off);
    let left = timer.and_then(|timer| timer.left_ns).map(span);
    let left = left.unwrap_or_else(|| "a time that the list does not show".to_owned());
    let held = socket.process.is_some();
    match (socket.state, timer.map(|timer| timer.kind)) {
        (State::FinWait2, Some(TimerKind::TimeWait)) => Some(format!(
            "a timewait socket: no application holds it any more; it is gone in {left} unless the \
             peer's FIN comes before (tcp_fin_timeout), and a FIN after that is answered by RST"
        )),
        (State::FinWait2, Some(TimerKind::Keepalive)) if held => Some(format!(
            "a full socket: its application shut it down and still holds it; the next keepalive \
             probe goes out in {left}, and nothing limits its time"
        )),
        (State::FinWait2, Some(TimerKind::Keepalive)) => Some(format!(
            "still a full socket: closed with tcp_fin_timeout above 60 s, in {left} it becomes a \
             timewait socket for 60 s more; or its application shut it down, still holds it and has \
             set SO_KEEPALIVE"
        )),
        (State::FinWait2, None) if view.has_timers => Some(
            "a full socket without a timer: its application shut it down and still holds it; \
             nothing limits its time"
                .to_owned(),
        ),
        (State::CloseWait, Some(TimerKind::Keepalive)) => Some(format!(
            "the next keepalive probe goes out in {left}: it ends the socket only if the peer has \
             forgotten the connection and answers by RST, or does not answer"
        )),
        (state, Some(TimerKind::On)) => repeats(state, timer?.retransmits, &left),
        _ => None,
    }
}

/// What is sent again while nobody answers.
fn repeats(state: State, count: u64, left: &str) -> Option<String> {
    let what = match state {
        State::SynReceived => "the SYN-ACK",
        State::SynSent => "the SYN",
        State::FinWait1 | State::LastAck | State::Closing => "the FIN (or data before it)",
        _ => return None,
    };
    let so_far = match count {
        0 => "not sent again yet".to_owned(),
        1 => "sent again once".to_owned(),
        n => format!("sent again {n} times"),
    };
    Some(format!("{what} was {so_far}; next in {left}"))
}
