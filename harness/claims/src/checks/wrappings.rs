//! What is wrapped around the body of a message, from the outside in: signatures and encryption, those too that only the
//! recipient's key shows.
//!
//! A signed message that is merely forwarded in a part is no wrapping of the message that carries it.

use std::ops::Range;

use smtp::cms::{Cms, Enveloped, Identifier, Signed, Signer};
use smtp::message::{MAX_DEPTH, Part};

use crate::Evidence;
use crate::subject::Sent;

/// One wrapping.
pub(super) struct Wrapping<'a> {
    /// What it is.
    pub(super) kind: Kind<'a>,
    /// Whether an encryption is around it.
    pub(super) inside: bool,
    /// Whether the object is all here, so that its lists are complete.
    pub(super) whole: bool,
    /// The bytes of the message on the wire that hold it.
    range: Range<usize>,
}

/// Kinds of wrapping.
pub(super) enum Kind<'a> {
    /// `multipart/signed` with a detached signature.
    Clear(&'a Signed),
    /// SignedData with the content inside.
    Opaque(&'a Signed),
    /// EnvelopedData.
    Enveloped,
    /// AuthEnvelopedData.
    AuthEnveloped(&'a Enveloped),
}

/// The wrappings of a message, and what they end at.
pub(super) struct Wrappings<'a> {
    /// From the outside in.
    pub(super) all: Vec<Wrapping<'a>>,
    /// The part that is wrapped, or why it was not reached.
    pub(super) payload: Result<&'a Part, String>,
}

impl Wrapping<'_> {
    /// Where it stands.
    pub(super) fn evidence(&self, sent: &Sent<'_>) -> Evidence {
        let place = if self.inside {
            ", inside the encrypted part"
        } else {
            ""
        };
        sent.evidence(self.range.clone(), format!("{}{place}", self.name()))
    }

    /// What it is, in words.
    pub(super) const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Clear(_) => "multipart/signed",
            Kind::Opaque(_) => "CMS SignedData",
            Kind::Enveloped => "CMS EnvelopedData",
            Kind::AuthEnveloped(_) => "CMS AuthEnvelopedData",
        }
    }

    /// The signature, where it is one.
    pub(super) const fn signed(&self) -> Option<&Signed> {
        match self.kind {
            Kind::Clear(signed) | Kind::Opaque(signed) => Some(signed),
            Kind::Enveloped | Kind::AuthEnveloped(_) => None,
        }
    }

    /// Whether what is inside has to be decoded out of it.
    pub(super) const fn decodes(&self) -> bool {
        !matches!(self.kind, Kind::Clear(_))
    }

    /// Whether it is encryption.
    pub(super) const fn encrypts(&self) -> bool {
        matches!(self.kind, Kind::Enveloped | Kind::AuthEnveloped(_))
    }
}

impl<'a> Wrappings<'a> {
    /// Unwraps a message as far as it opens.
    pub(super) fn of(sent: &Sent<'a>) -> Self {
        let mut all = Vec::new();
        let mut part = &sent.message.root;
        // Where what is decoded stands on the wire; nothing as long as the bytes are those of the message itself.
        let mut place = None;
        let mut inside = false;
        // The message was read with a bound on its levels; opening adds one more such message.
        for _ in 0..=2 * MAX_DEPTH {
            let Some(step) = Step::at(part) else {
                return Self {
                    all,
                    payload: Ok(part),
                };
            };
            let own = step.holder.body.clone();
            let range = place.clone().unwrap_or(own);
            let whole =
                step.holder.cms_cut.is_none() && !step.holder.cut && (inside || sent.data.complete);
            let wrapping = Wrapping {
                kind: step.kind,
                inside,
                whole,
                range: range.clone(),
            };
            let (decodes, encrypts) = (wrapping.decodes(), wrapping.encrypts());
            all.push(wrapping);
            let next = match step.content {
                Some(next) => Ok(next),
                None if encrypts && !inside => opened(sent, part),
                None if encrypts => Err("what is encrypted is encrypted once more".to_owned()),
                None => Err("the signed content is not all here".to_owned()),
            };
            if decodes {
                place.get_or_insert(range);
            }
            inside |= encrypts;
            match next {
                Ok(next) => part = next,
                Err(reason) => {
                    return Self {
                        all,
                        payload: Err(reason),
                    };
                }
            }
        }
        Self {
            all,
            payload: Err("there are too many wrappings".to_owned()),
        }
    }

    /// The outermost encryption.
    pub(super) fn encryption(&self) -> Option<&Wrapping<'a>> {
        self.all.iter().find(|one| one.encrypts())
    }
}

/// One step inwards.
struct Step<'a> {
    kind: Kind<'a>,
    /// The part that the CMS object stands in.
    holder: &'a Part,
    /// What is wrapped, where no key is needed for it and it is here.
    content: Option<&'a Part>,
}

impl<'a> Step<'a> {
    fn at(part: &'a Part) -> Option<Self> {
        match (&part.cms, part.children.as_slice()) {
            // Certificates without a signer sign nothing (RFC 8551 section 3.2.2).
            (Some(Ok(Cms::Signed(signed))), _)
                if signed.content.is_some() || part.cms_cut.is_some() =>
            {
                let empty = signed.signers.is_empty() && part.cms_cut.is_none();
                (!empty).then_some(Self {
                    kind: Kind::Opaque(signed),
                    holder: part,
                    content: part.inner.as_deref().map(|inner| &inner.root),
                })
            }
            (Some(Ok(Cms::Enveloped(_))), _) => Some(Self::sealed(part, Kind::Enveloped)),
            (Some(Ok(Cms::AuthEnveloped(data))), _) => {
                Some(Self::sealed(part, Kind::AuthEnveloped(data)))
            }
            (_, [content, signature, ..]) if part.content_type == "multipart/signed" => {
                match &signature.cms {
                    Some(Ok(Cms::Signed(signed))) if signed.content.is_none() => Some(Self {
                        kind: Kind::Clear(signed),
                        holder: signature,
                        content: Some(content),
                    }),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    const fn sealed(part: &'a Part, kind: Kind<'a>) -> Self {
        Self {
            kind,
            holder: part,
            content: None,
        }
    }
}

/// What the keys make of an encrypted part that anybody can see.
fn opened<'a>(sent: &Sent<'a>, part: &Part) -> Result<&'a Part, String> {
    if sent.tries.tried.is_empty() && sent.tries.left_out == 0 {
        return Err("the recipient's key is not at hand".to_owned());
    }
    match sent.opened(part) {
        Some(Ok(opened)) if opened.is_entity => Ok(&opened.message.root),
        Some(Ok(_)) => {
            Err("what the recipient's key makes of the blob is not a MIME entity".to_owned())
        }
        Some(Err(error)) => Err(format!(
            "the recipient's key does not open the blob: {error}"
        )),
        None => Err("more parts are encrypted than are opened".to_owned()),
    }
}

/// A certificate as a message refers to it.
pub(super) fn who(id: &Identifier) -> String {
    match id {
        Identifier::IssuerAndSerial { issuer, serial } => {
            format!("the certificate {serial} of {issuer}")
        }
        Identifier::KeyIdentifier(id) => format!("the certificate with key identifier {id}"),
        Identifier::SharedKey(id) => format!("the shared key {id}"),
        Identifier::Password => "a password".to_owned(),
        Identifier::Other(way) => format!("somebody named in another way ({way})"),
    }
}

/// Every signer of the message, with the wrapping that names them.
pub(super) fn signers<'w, 'a>(
    wrappings: &'w Wrappings<'a>,
) -> Vec<(&'w Wrapping<'a>, &'w Signed, &'w Signer)> {
    let each = wrappings
        .all
        .iter()
        .filter_map(|one| Some((one, one.signed()?)));
    each.flat_map(|(one, signed)| {
        signed
            .signers
            .iter()
            .map(move |signer| (one, signed, signer))
    })
    .collect()
}
