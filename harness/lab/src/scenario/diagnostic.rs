//! What is wrong with a scenario file, where, and how it is shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A file's name and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name, as it is shown.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Line and column of a byte offset, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self
            .text
            .get(..offset.min(self.text.len()))
            .unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |rest| rest.chars().count())
            + 1;
        (line, column)
    }
}

/// What kind of problem it is. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The text is not TOML.
    Toml,
    /// A key that the language does not have.
    UnknownKey,
    /// A key that must be there and is not.
    MissingKey,
    /// A value of another TOML type than the key takes.
    WrongType,
    /// A value of the right type that means nothing here.
    BadValue,
    /// Keys that contradict each other.
    Conflict,
    /// A rule that no session can make fire.
    NeverMatches,
    /// An id that another file has already.
    DuplicateId,
}

impl Code {
    /// The name that stands in the first line of a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::BadValue => "bad-value",
            Self::Conflict => "conflict",
            Self::NeverMatches => "never-matches",
            Self::DuplicateId => "duplicate-id",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// The bytes of the file that it concerns.
    pub span: Range<usize>,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
    /// Another place that it has to do with, and how.
    pub related: Option<(Range<usize>, String)>,
}

impl Diagnostic {
    /// A problem without advice.
    pub fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            help: None,
            related: None,
        }
    }

    /// Adds advice.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Points to another place.
    pub fn related(&mut self, span: Range<usize>, text: impl Into<String>) -> &mut Self {
        self.related = Some((span, text.into()));
        self
    }
}

/// Everything that is wrong with one file, in the order of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    source: Arc<Source>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Problems of one file; they are put in the order of the text.
    pub fn new(source: Arc<Source>, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        Self { source, list }
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The problems. Never empty where they came out of reading a file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// As text for a person: every problem with its line and a caret, an empty line between two.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let shown: Vec<_> = self
            .list
            .iter()
            .map(|diagnostic| self.render_one(&renderer, diagnostic))
            .collect();
        shown.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let mut snippet = Snippet::source(self.source.text.as_str())
            .path(self.source.name.as_str())
            .annotation(AnnotationKind::Primary.span(self.clamp(&diagnostic.span)));
        if let Some((span, text)) = &diagnostic.related {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(self.clamp(span))
                    .label(text.as_str()),
            );
        }
        let mut group = Level::ERROR
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.as_str())
            .element(snippet);
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }

    /// The range within the text, on character boundaries: the renderer slices with it.
    fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.max(start));
        start..end
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source {
            name: "x.toml".into(),
            text: "a = 1\nö = 2\n".into(),
        };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(
            source.position(8),
            (2, 2),
            "after the two bytes of one letter"
        );
        assert_eq!(source.position(999), (3, 1), "past the end is the end");
    }

    #[test]
    fn a_span_outside_the_text_is_shown_and_does_not_panic() {
        let source = Arc::new(Source {
            name: "x.toml".into(),
            text: "ö".into(),
        });
        for span in [0..99, 1..1, 50..60] {
            let shown = Diagnostics::new(
                Arc::clone(&source),
                vec![Diagnostic::new(Code::Toml, span, "odd")],
            );
            assert!(shown.to_string().starts_with("error[toml]: odd"), "{shown}");
        }
    }
}
