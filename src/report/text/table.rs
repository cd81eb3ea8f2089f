//! Columns whose widths come from the first flows.

use crate::report::Look;
use crate::report::look::{FAINT, HEADING};
use anstyle::Style;
use std::io::{self, Write};

/// The columns before the last one, which holds a few words why and takes what is left.
pub(super) const COLUMNS: [Column; 9] = [
    Column::new("flow", 8).right(),
    Column::new("start", 30).right().dropped(3),
    Column::new("client", 47),
    Column::new("> server", 49),
    Column::new("outcome", 19),
    Column::new("closer", 7),
    Column::new("frames", 16).dropped(1),
    Column::new("TIME-WAIT", 10),
    Column::new("final ACK", 9).dropped(2),
];
/// The last columns, which only a flow with two FINs fills.
const TIME_WAIT_AND_ACK: usize = 2;
const WHY: &str = "why";

/// Columns that the last one should have at least, lest the gaps shrink.
const WHY_WANTS: usize = 24;
/// Fewer than that tell nothing.
const WHY_NEEDS: usize = 8;
/// A sentence cut to fewer than that tells nothing.
const REASON_NEEDS: usize = 20;

/// One column of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    title: &'static str,
    /// A wider cell does not widen the column.
    cap: usize,
    right: bool,
    /// On a terminal that is too narrow columns go in this order; 0 never goes.
    dropped: u8,
}

impl Column {
    const fn new(title: &'static str, cap: usize) -> Self {
        let (right, dropped) = (false, 0);
        Self {
            title,
            cap,
            right,
            dropped,
        }
    }

    const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    const fn dropped(mut self, order: u8) -> Self {
        self.dropped = order;
        self
    }
}

/// The text of one cell, in a style.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Cell {
    pub(in crate::report) text: String,
    pub(super) style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        let style = Style::new();
        Self { text, style }
    }
}

impl Cell {
    /// What is not there.
    pub(super) fn none() -> Self {
        let (text, style) = ("-".to_owned(), FAINT);
        Self { text, style }
    }
}

/// One flow's line.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) cells: [Cell; COLUMNS.len()],
    /// A few words that say why.
    pub(super) why: String,
    /// The whole sentence.
    pub(super) reason: String,
    /// An abort, or neither a TIME-WAIT nor a final ACK: other things matter more.
    pub(super) spare: bool,
}

/// The widths of the columns.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    look: Look,
    /// The width of each column; 0 hides it.
    widths: [usize; COLUMNS.len()],
    gap: usize,
}

impl Layout {
    /// Widths that suit these rows and the terminal.
    pub(super) fn of(rows: &[Row], look: Look) -> Self {
        let mut widths = COLUMNS.map(|column| column.title.len());
        for row in rows {
            let cells = row.cells.iter().zip(&COLUMNS);
            for ((cell, column), width) in cells.zip(&mut widths) {
                *width = (*width).max(cell.text.chars().count().min(column.cap));
            }
        }
        let mut layout = Self {
            look,
            widths,
            gap: 2,
        };
        layout.narrow();
        layout
    }

    /// Makes the table fit the terminal: first the gaps shrink, then columns go.
    fn narrow(&mut self) {
        let Some(width) = self.look.width else {
            return;
        };
        if self.fixed() + WHY_WANTS > width {
            self.gap = 1;
        }
        for order in 1..=3 {
            if self.fixed() <= width {
                return;
            }
            for (column, width) in COLUMNS.iter().zip(&mut self.widths) {
                if column.dropped == order {
                    *width = 0;
                }
            }
        }
    }

    /// The columns before the last one, with the gaps after them.
    fn fixed(&self) -> usize {
        let shown = self.widths.iter().filter(|width| **width > 0);
        shown.map(|width| width + self.gap).sum()
    }

    /// Writes the titles.
    pub(super) fn header(&self, out: &mut impl Write) -> io::Result<()> {
        let cells = COLUMNS.map(|column| Cell {
            text: column.title.to_owned(),
            style: HEADING,
        });
        let why = Cell {
            text: WHY.to_owned(),
            style: HEADING,
        };
        let used = self.cells(out, cells.iter())?;
        let room = self
            .look
            .width
            .is_none_or(|width| used + WHY.len() <= width);
        if room {
            write!(out, "{}", self.look.paint(why.style, &why.text))?;
        }
        writeln!(out)
    }

    /// Writes one flow's line.
    pub(super) fn row(&self, out: &mut impl Write, row: &Row) -> io::Result<()> {
        // On a terminal the words why may use the room of columns that matter less.
        let spare = row.spare && self.look.width.is_some();
        let shown = if spare {
            COLUMNS.len() - TIME_WAIT_AND_ACK
        } else {
            COLUMNS.len()
        };
        let used = self.cells(out, row.cells.iter().take(shown))?;
        let room = self.look.width.map(|width| width.saturating_sub(used));
        writeln!(out, "{}", why(row, room))
    }

    /// Writes the cells of the columns that are shown; returns the columns used.
    fn cells<'a>(
        &self,
        out: &mut impl Write,
        cells: impl Iterator<Item = &'a Cell>,
    ) -> io::Result<usize> {
        let mut used = 0;
        for ((cell, column), &width) in cells.zip(&COLUMNS).zip(&self.widths) {
            if width == 0 {
                continue;
            }
            let length = cell.text.chars().count();
            let pad = width.saturating_sub(length);
            let (before, after) = if column.right { (pad, 0) } else { (0, pad) };
            let text = self.look.paint(cell.style, &cell.text);
            let after = after + self.gap;
            write!(out, "{:before$}{text}{:after$}", "", "")?;
            used += length + pad + self.gap;
        }
        Ok(used)
    }
}

/// Why, in so many columns: the few words, then as much of the sentence as still tells something.
fn why(row: &Row, room: Option<usize>) -> String {
    let both = match (row.why.is_empty(), row.reason.is_empty()) {
        (true, _) => row.reason.clone(),
        (_, true) => row.why.clone(),
        _ => format!("{}; {}", row.why, row.reason),
    };
    let Some(room) = room else {
        return both;
    };
    let few = row.why.chars().count();
    if both.chars().count() <= room || room >= few + REASON_NEEDS {
        return cut(&both, room);
    }
    cut(&row.why, room)
}

/// The text cut to so many columns, with an ellipsis; nothing where too little would be left.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    if columns < WHY_NEEDS {
        return String::new();
    }
    let mut short: String = text.chars().take(columns - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::{Row, cut, why};

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("the server reset", 16), "the server reset");
        assert_eq!(cut("the server reset it", 16), "the server rese…");
        assert_eq!(cut("the server reset it", 12), "the server…");
        assert_eq!(cut("the server reset it", 7), "");
    }

    #[test]
    fn the_sentence_follows_where_there_is_room() {
        let mut row = Row {
            why: "owner-gone".to_owned(),
            reason: "The server had no socket left for frame 12.".to_owned(),
            ..Row::default()
        };
        let whole = "owner-gone; The server had no socket left for frame 12.";
        assert_eq!(why(&row, None), whole);
        assert_eq!(why(&row, Some(60)), whole);
        assert_eq!(
            why(&row, Some(40)),
            "owner-gone; The server had no socket le…"
        );
        assert_eq!(why(&row, Some(29)), "owner-gone");
        assert_eq!(why(&row, Some(9)), "owner-go…");
        row.why.clear();
        assert_eq!(why(&row, Some(19)), "");
    }
}
