//! What is wrong with a policy file, and where: the line, a caret, what may be meant.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// So many mistakes are told at once.
const TOLD: usize = 20;
/// Longer lines are cut around the mistake.
const WIDTH: usize = 100;

/// What is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    file: Arc<str>,
    text: String,
    mistakes: Vec<Mistake>,
}

/// One of the things that are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// What.
    pub(super) title: String,
    /// Where, in bytes.
    pub(super) at: Range<usize>,
    /// What is wrong there, in a few words.
    pub(super) label: String,
    /// What to write instead.
    pub(super) help: Option<String>,
}

impl PolicyError {
    /// `text` is the whole file.
    pub(super) fn new(file: &str, text: &str, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| (mistake.at.start, mistake.at.end));
        Self {
            // A terminal would obey control characters.
            file: file.replace(char::is_control, "?").into(),
            text: text.to_owned(),
            mistakes,
        }
    }

    /// The number of mistakes.
    pub fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// What is to be read on a terminal with colours, or without.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH);
        let mistakes = self.mistakes.iter().take(TOLD);
        let groups: Vec<Group> = mistakes.map(|mistake| self.group(mistake)).collect();
        let mut told: Vec<String> = groups
            .chunks(1)
            .map(|group| renderer.render(group))
            .collect();
        let more = self.mistakes.len().saturating_sub(TOLD);
        if more > 0 {
            told.push(format!("and {more} more mistakes"));
        }
        told.join("\n\n")
    }

    fn group<'a>(&'a self, mistake: &'a Mistake) -> Group<'a> {
        let at = AnnotationKind::Primary.span(self.within(&mistake.at));
        let snippet = Snippet::source(self.text.as_str())
            .path(self.file.as_ref())
            .annotation(at.label(mistake.label.as_str()));
        let group = Level::ERROR.primary_title(mistake.title.as_str());
        let group = group.element(snippet);
        match &mistake.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// The place as one the text has: not past its end, not inside of a character, not empty where that
    /// can be helped, and on one line.
    fn within(&self, at: &Range<usize>) -> Range<usize> {
        let mut start = at.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.find('\n').unwrap_or(rest.len());
        let wanted = at.end.saturating_sub(start).max(1).min(line);
        let mut len = wanted;
        while !rest.is_char_boundary(len) {
            len += 1;
        }
        start..start + len
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for PolicyError {}
