//! What the reader's screen can do.

use anstyle::{AnsiColor, Color, Style};
use std::fmt;

/// How a text is laid out. Colour repeats what the words say and never adds to them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Look {
    /// Columns of the terminal; `None` where the output is no terminal and nothing may be cut.
    pub width: Option<usize>,
    /// Use ANSI colours.
    pub colour: bool,
}

impl Look {
    /// A layout for a terminal of so many columns, or for a file.
    pub const fn new(width: Option<usize>, colour: bool) -> Self {
        Self { width, colour }
    }

    /// The text in a style, if colours are on.
    pub(super) const fn paint<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        let style = if self.colour { Some(style) } else { None };
        Painted { style, text }
    }
}

/// A text and the style it is printed in.
pub(super) struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else {
            return self.text.fmt(f);
        };
        write!(f, "{style}")?;
        self.text.fmt(f)?;
        write!(f, "{style:#}")
    }
}

const fn fg(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// What stands in the background.
pub(super) const FAINT: Style = Style::new().dimmed();
/// Ended as it should.
pub(super) const GOOD: Style = fg(AnsiColor::Green);
/// Unusual, or not decided.
pub(super) const UNUSUAL: Style = fg(AnsiColor::Yellow);
/// Aborted, or somebody should act.
pub(super) const BAD: Style = fg(AnsiColor::Red);
