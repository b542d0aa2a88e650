//! The parts of a message, one after the other.

use std::slice;

use super::Part;

/// A part and all inside it ([`Part::parts`]).
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    next: Option<&'a Part>,
    /// What is left of each container that is open, the innermost last.
    open: Vec<slice::Iter<'a, Part>>,
}

impl<'a> Parts<'a> {
    pub(super) const fn of(part: &'a Part) -> Self {
        Self {
            next: Some(part),
            open: Vec::new(),
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a Part;

    fn next(&mut self) -> Option<&'a Part> {
        let part = self.next.take()?;
        if !part.children.is_empty() {
            self.open.push(part.children.iter());
        }
        while let Some(rest) = self.open.last_mut() {
            self.next = rest.next();
            if self.next.is_some() {
                break;
            }
            self.open.pop();
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;

    #[test]
    fn containers_come_before_what_they_contain() {
        let text = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n\
            --a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n\
            --a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n\
            --a\r\n\r\nthree\r\n--a--\r\n";
        let message = Message::read(text);
        let paths: Vec<_> = message.parts().map(|part| part.path.as_str()).collect();
        assert_eq!(paths, ["", "1", "1.1", "1.2", "2", "3"]);
        assert_eq!(Message::read(b"\r\n").parts().count(), 1);
    }
}
