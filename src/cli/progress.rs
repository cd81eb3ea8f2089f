//! How far reading has come, on a terminal.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use whoclosed::capture::Meter;

/// Drawn so often.
const STEP: Duration = Duration::from_millis(100);
/// Work is shown when it has taken so many steps.
const PATIENCE: u32 = 10;

const OF_A_FILE: &str =
    "{bar:20} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}{packets}, {eta} left";
const OF_A_STREAM: &str = "{spinner} {binary_bytes}, {binary_bytes_per_sec}{packets}";

/// A line on standard error, if that is a terminal, while work takes longer than a second. It is
/// drawn without colours.
#[derive(Debug)]
pub(crate) struct Progress {
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
    /// Standard output is looked at meanwhile: the line ends where that begins.
    makes_way: bool,
}

/// What is to be told to a [`Progress`]; `None` where nobody would see it.
pub(crate) fn meter() -> Option<Arc<Meter>> {
    let hidden = ProgressDrawTarget::stderr().is_hidden();
    (!hidden).then(Arc::default)
}

impl Progress {
    /// Shows what the meter tells, of so many bytes if that is known.
    pub(crate) fn of(meter: Option<&Arc<Meter>>, total: Option<u64>) -> Self {
        let drawing = meter.and_then(|meter| {
            let meter = Arc::clone(meter);
            let (sender, end) = channel();
            let draw = move || draw(&meter, total, &end);
            // Without a thread for it nothing is shown.
            let thread = thread::Builder::new().spawn(draw).ok()?;
            Some((sender, thread))
        });
        let makes_way = !Path::new("/dev/stdout").is_file();
        Self { drawing, makes_way }
    }

    /// Standard output begins: what is written to a terminal or to a pager would stand in the line.
    pub(crate) fn make_way(&mut self) {
        if self.makes_way {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((sender, thread)) = self.drawing.take() {
            drop(sender);
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Draws until the other side of `end` is gone.
fn draw(meter: &Arc<Meter>, total: Option<u64>, end: &Receiver<()>) {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    let template = total.map_or(OF_A_STREAM, |_| OF_A_FILE);
    if let Ok(style) = ProgressStyle::with_template(template) {
        let frames = Arc::clone(meter);
        let packets = move |state: &ProgressState, out: &mut dyn Write| {
            // The line is drawn without what cannot be written.
            let _ = out.write_str(&packets(frames.frame(), state.elapsed()));
        };
        let style = style.progress_chars("=> ").tick_chars("|/-\\ ");
        bar.set_style(style.with_key("packets", packets));
    }
    let mut steps = 0;
    while end.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
        steps += 1;
        if steps == PATIENCE {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(meter.bytes());
    }
    bar.finish_and_clear();
}

/// How many packets were read in a second; nothing where they are not looked at.
fn packets(count: u64, time: Duration) -> String {
    let rate = u128::from(count) * 1000 / time.as_millis().max(1);
    match u64::try_from(rate) {
        Ok(rate) if count > 0 => format!(", {} packets/s", HumanCount(rate)),
        _ => String::new(),
    }
}
