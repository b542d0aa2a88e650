//! XML as a small tree, within bounds: no document type, no entity but the five that XML itself has, no depth and no size that
//! the file controls.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Longest text that is read.
const MOST_OCTETS: usize = 16 << 20;
/// Most elements.
const MOST_ELEMENTS: usize = 100_000;
/// Deepest element.
const MOST_DEPTH: usize = 64;
/// Most attributes of an element.
const MOST_ATTRIBUTES: usize = 64;

/// Why a text is no XML that is read, and where. It shows nothing of the text, which may hold passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}")]
pub struct XmlError {
    /// What the file is called.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    /// Its attributes, names without a prefix.
    pub(super) attributes: Vec<(String, String)>,
    /// The elements in it.
    pub(super) children: Vec<Element>,
    /// The text directly in it.
    pub(super) text: String,
    /// Where it begins.
    pub(super) at: usize,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every element with the name, at any depth, in order.
    pub(super) fn all<'a>(&'a self, name: &str) -> Vec<&'a Element> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            if element.name == name {
                found.push(element);
            }
            open.extend(element.children.iter().rev());
        }
        found
    }
}

/// A text with its name, so that places in it can be told.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// What is wrong at an offset.
    pub(super) fn error(self, offset: usize, message: impl Into<String>) -> XmlError {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = before.rsplit('\n').next().unwrap_or_default();
        XmlError {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            message: message.into(),
        }
    }

    /// The root element.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(super) fn parse(self) -> Result<Element, XmlError> {
        if self.text.len() > MOST_OCTETS {
            return Err(self.error(0, format!("the file is longer than {MOST_OCTETS} octets")));
        }
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let skipped = self.text.len() - text.len();
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut tree = Tree::default();
        loop {
            let place = |offset: u64| skipped + usize::try_from(offset).unwrap_or(usize::MAX);
            let at = place(reader.buffer_position());
            let event = reader.read_event().map_err(|_| {
                self.error(place(reader.error_position()), "the XML is not well-formed")
            })?;
            let ends = matches!(event, Event::Eof);
            tree.take(event, at)
                .map_err(|message| self.error(at, message))?;
            if ends {
                break;
            }
        }
        tree.root
            .ok_or_else(|| self.error(0, "there is no element"))
    }
}

/// The tree as far as it was read.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.begin(&tag, at),
            Event::Empty(tag) => {
                self.begin(&tag, at)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|_| "the text is not UTF-8")?;
                self.say(&text)
            }
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|_| "the text is not UTF-8")?;
                self.say(&text)
            }
            Event::GeneralRef(name) => {
                let c = resolve(&name)?;
                self.say(c.encode_utf8(&mut [0; 4]))
            }
            Event::DocType(_) => Err("a document type is not allowed".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(()),
            Event::Eof if self.open.is_empty() => Ok(()),
            Event::Eof => Err("the XML ends inside an element".to_owned()),
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), String> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS {
            return Err(format!("there are more than {MOST_ELEMENTS} elements"));
        }
        if self.open.len() >= MOST_DEPTH {
            return Err(format!("elements are nested more than {MOST_DEPTH} deep"));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err("there is a second root element".to_owned());
        }
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| "an attribute is not well-formed")?;
            if attributes.len() == MOST_ATTRIBUTES {
                return Err(format!(
                    "an element has more than {MOST_ATTRIBUTES} attributes"
                ));
            }
            let raw =
                std::str::from_utf8(&attribute.value).map_err(|_| "an attribute is not UTF-8")?;
            let value = quick_xml::escape::unescape(raw)
                .map_err(|_| "an entity is not allowed in an attribute")?;
            attributes.push((
                name(attribute.key.local_name().as_ref()),
                value.into_owned(),
            ));
        }
        self.open.push(Element {
            name: name(tag.local_name().as_ref()),
            attributes,
            at,
            ..Element::default()
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let element = self
            .open
            .pop()
            .ok_or("an element ends that did not begin")?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err("there is text outside the root element".to_owned()),
        }
        Ok(())
    }
}

/// A character reference, or one of the five entities of XML.
fn resolve(name: &BytesRef<'_>) -> Result<char, String> {
    let reference = name
        .resolve_char_ref()
        .map_err(|_| "a character reference means nothing")?;
    if let Some(c) = reference {
        return Ok(c);
    }
    match name
        .decode()
        .map_err(|_| "an entity is not UTF-8")?
        .as_ref()
    {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err("an entity is not allowed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Document {
            path: "b.xml",
            text,
        }
        .parse()
    }

    #[test]
    fn elements_attributes_and_text() {
        let root = parse("\u{feff}<?xml version=\"1.0\"?>\n<a:x b:y='1 &amp; 2'>p<z/>&lt;&#65;<![CDATA[&q]]></a:x>\n").unwrap();
        assert_eq!(
            (root.name.as_str(), root.attribute("y")),
            ("x", Some("1 & 2"))
        );
        assert_eq!(root.text, "p<A&q");
        assert_eq!(root.child("z").unwrap().text, "");
        assert_eq!(root.all("z").len(), 1);
    }

    #[rstest]
    #[case("", "no element")]
    #[case("<a>", "ends inside")]
    #[case("<a></b>", "not well-formed")]
    #[case("<a/><b/>", "second root")]
    #[case("x<a/>", "outside the root")]
    #[case("<a x='1' x='2'/>", "attribute is not well-formed")]
    #[case("<a>&nbsp;</a>", "entity is not allowed")]
    #[case("<a x='&e;'/>", "entity is not allowed")]
    #[case("<a>&#x110000;</a>", "means nothing")]
    #[case(
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        "document type"
    )]
    fn what_is_not_read(#[case] text: &str, #[case] why: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.starts_with("b.xml:1:") && error.contains(why),
            "{error}"
        );
    }

    #[test]
    fn depth_size_and_number_are_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(parse(&nested(MOST_DEPTH)).is_ok());
        assert!(
            parse(&nested(MOST_DEPTH + 1))
                .unwrap_err()
                .message
                .contains("deep")
        );
        assert!(
            parse(&"<a>".repeat(1_000_000))
                .unwrap_err()
                .message
                .contains("deep")
        );
        let many = format!("<a>{}</a>", "<b/>".repeat(MOST_ELEMENTS));
        assert!(parse(&many).unwrap_err().message.contains("elements"));
        let long = format!("<a>{}</a>", "x".repeat(MOST_OCTETS));
        assert!(parse(&long).unwrap_err().message.contains("octets"));
        let wide: Vec<_> = (0..=MOST_ATTRIBUTES)
            .map(|n| format!(" a{n}='1'"))
            .collect();
        let wide = wide.concat();
        assert!(
            parse(&format!("<a{wide}/>"))
                .unwrap_err()
                .message
                .contains("attributes")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[<>/a&;!\\[\\]?='\"x \n\u{e9}-]{0,80}") {
            let _ = parse(&text);
        }
    }
}
