//! The body of the mail: the encoder's output where there is an encoder, and the adapter's own composition otherwise.

use std::path::Path;

use super::super::config::{Config, Encoder, FileSource, Payload, TransferEncoding};
use super::super::refusal::Refusal;
use super::super::twin::{Twin, Twins};
use super::charset;
use super::encoding::canonical;
use super::entity::{Boundaries, Entity, is_text};
use super::headers::check;

/// Largest file that is read as a body or an attachment: 64 MiB.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// Longest file name that is written into a header field, in octets.
const LONGEST_FILE_NAME: usize = 256;

/// What the mail says without any encoder.
///
/// The fixed text wins over the file, and the file over the message body. Files are attached after it, and the message
/// body too where `MessagePartsAttachments` asks for it and something else is the text.
pub(super) fn adapter_entity(
    config: &Config,
    twins: &Twins,
    payload: &Payload,
    boundaries: &mut Boundaries,
) -> Result<Entity, Refusal> {
    // What an earlier component encoded passes untouched: no text and no file is added to it.
    if payload.mime.is_mime_encoded {
        return Entity::ready(&payload.body);
    }
    let fixed = fixed_text(config, twins)?;
    let (attach_body, attach_parts) = match config.message_parts_attachments {
        0 => (false, false),
        1 => (fixed.is_some(), false),
        2 => (fixed.is_some(), true),
        other => return Err(Refusal::MessageParts(other)),
    };
    let main = match fixed {
        Some(text) => text,
        None if [Twin::LineEndsAsTheyAre, Twin::LongLines]
            .iter()
            .any(|&twin| twins.has(twin)) =>
        {
            Entity::as_it_is(&payload.body)
        }
        None => message_body(payload, twins)?,
    };
    let mut parts = vec![main];
    if attach_body {
        let content_type = content_type(&payload.content_type)?;
        parts.push(Entity::attachment(
            &content_type,
            body_name(&content_type),
            &payload.body,
        ));
    }
    if attach_parts {
        for part in &payload.parts {
            check("the name of a message part", &part.name)?;
            let content_type = content_type(&part.content_type)?;
            parts.push(Entity::attachment(&content_type, &part.name, &part.bytes));
        }
    }
    parts.extend(attachments(config, twins)?);
    Ok(mixed(parts, boundaries))
}

/// What the encoder hands on: the message body as one MIME entity. Nothing of the port's text or files is in it.
pub(super) fn encoder_entity(
    payload: &Payload,
    encoder: &Encoder,
    twins: &Twins,
    boundaries: &mut Boundaries,
) -> Result<Entity, Refusal> {
    let mime = &payload.mime;
    if mime.is_mime_encoded {
        return Entity::ready(&payload.body);
    }
    let mut encoding = mime.transfer_encoding.unwrap_or(encoder.transfer_encoding);
    if twins.has(Twin::QuotedByDefault) && encoding == TransferEncoding::Base64 {
        encoding = TransferEncoding::QuotedPrintable;
    }
    let entity = body_in(payload, encoding)?;
    let entity = if twins.has(Twin::DropsProperties) {
        entity
    } else {
        entity.described(mime, encoder.body_as_attachment)?
    };
    if mime.is_multipart_related {
        // The type of the root is named (RFC 2387 section 3.1).
        let media = content_type(&payload.content_type)?;
        let media = media.split(';').next().unwrap_or_default().trim();
        let kind = format!("related;\r\n\ttype=\"{media}\"");
        return Ok(Entity::multipart(&kind, &boundaries.next(), &[entity]));
    }
    Ok(entity)
}

/// The message body in a transfer encoding.
pub(super) fn body_in(payload: &Payload, encoding: TransferEncoding) -> Result<Entity, Refusal> {
    Entity::encoded(
        &content_type(&payload.content_type)?,
        encoding,
        &payload.body,
    )
}

/// The fixed text and the attachments in clear, with `blob` beside them.
pub(super) fn beside(
    config: &Config,
    blob: Entity,
    boundaries: &mut Boundaries,
) -> Result<Entity, Refusal> {
    let mut parts: Vec<Entity> = fixed_text(config, &Twins::default())?.into_iter().collect();
    parts.push(blob);
    parts.extend(attachments(config, &Twins::default())?);
    Ok(mixed(parts, boundaries))
}

/// An entity with the attachments behind it.
pub(super) fn with_attachments(
    config: &Config,
    entity: Entity,
    boundaries: &mut Boundaries,
) -> Result<Entity, Refusal> {
    let mut parts = vec![entity];
    parts.extend(attachments(config, &Twins::default())?);
    Ok(mixed(parts, boundaries))
}

fn mixed(mut parts: Vec<Entity>, boundaries: &mut Boundaries) -> Entity {
    match parts.len() {
        1 => parts.remove(0),
        _ => Entity::multipart("mixed", &boundaries.next(), &parts),
    }
}

fn fixed_text(config: &Config, twins: &Twins) -> Result<Option<Entity>, Refusal> {
    if let Some(text) = &config.body_text {
        let text = charset::convert(config, twins, text)?;
        return Ok(Some(Entity::text_in(
            plain(twins),
            &text.charset,
            &text.bytes,
        )));
    }
    let Some(source) = &config.body_file else {
        return Ok(None);
    };
    let (name, bytes) = read("EmailBodyFile", source)?;
    let charset = charset::label(config)?;
    // A byte order mark is removed; the charset is a label only, and the bytes stay what they are.
    let bytes = charset::without_mark(&bytes);
    let extension = Path::new(&name).extension().unwrap_or_default();
    let html = ["htm", "html"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known));
    let subtype = if html { "html" } else { plain(twins) };
    if bytes.contains(&0) {
        // Not in octets that are ASCII's where they look like it, as in UTF-16: line ends cannot be touched.
        let content_type = format!("text/{subtype}; charset={charset}");
        return Ok(Some(Entity::binary(&content_type, bytes)));
    }
    Ok(Some(Entity::text_in(subtype, charset, bytes)))
}

/// The subtype of text that nothing else is known of.
fn plain(twins: &Twins) -> &'static str {
    if twins.has(Twin::HtmlByDefault) {
        "html"
    } else {
        "plain"
    }
}

fn message_body(payload: &Payload, twins: &Twins) -> Result<Entity, Refusal> {
    if is_text(&payload.body) {
        return Ok(Entity::text(plain(twins), &canonical(&payload.body)));
    }
    Ok(Entity::binary(
        &content_type(&payload.content_type)?,
        &payload.body,
    ))
}

fn attachments(config: &Config, twins: &Twins) -> Result<Vec<Entity>, Refusal> {
    let attach = |source: &FileSource| {
        let (name, bytes) = match source {
            FileSource::Inline { name, bytes }
                if twins.has(Twin::TrustsLineBreaks) || twins.has(Twin::TrustsContext) =>
            {
                (name.clone(), bytes.clone())
            }
            _ => read("Attachments", source)?,
        };
        Ok(Entity::attachment(
            "application/octet-stream",
            &name,
            &bytes,
        ))
    };
    config.attachments.iter().map(attach).collect()
}

/// The content type of a part of the message, checked to be one.
fn content_type(value: &str) -> Result<String, Refusal> {
    let value = value.trim();
    check("the content type of the message body", value)?;
    let media = value.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    let sound = media
        .split_once('/')
        .is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    // A multipart or a message would need a structure that one body part does not have.
    let composite = ["multipart/", "message/"]
        .iter()
        .any(|prefix| media.to_ascii_lowercase().starts_with(prefix));
    if !sound || composite || !value.is_ascii() || value.len() > 900 {
        return Err(Refusal::ContentType);
    }
    Ok(value.to_owned())
}

fn body_name(content_type: &str) -> &'static str {
    let media = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match media.as_str() {
        "text/xml" | "application/xml" => "body.xml",
        "text/plain" => "body.txt",
        "application/json" => "body.json",
        _ => "body.bin",
    }
}

/// Name and content of a file.
fn read(property: &'static str, source: &FileSource) -> Result<(String, Vec<u8>), Refusal> {
    let (name, bytes) = match source {
        FileSource::Inline { name, bytes } => (name.clone(), bytes.clone()),
        FileSource::Path(path) => {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, read_file(property, path)?)
        }
    };
    check(property, &name)?;
    if name.len() > LONGEST_FILE_NAME {
        let reason = format!("its name is longer than {LONGEST_FILE_NAME} octets");
        return Err(Refusal::File { property, reason });
    }
    Ok((name, bytes))
}

fn read_file(property: &'static str, path: &Path) -> Result<Vec<u8>, Refusal> {
    let refuse = |reason: String| Refusal::File {
        property,
        reason: format!("{}: {reason}", path.display()),
    };
    let metadata = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    // A pipe or a device could keep the adapter waiting for ever.
    if !metadata.is_file() {
        return Err(refuse("it is not a regular file".to_owned()));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(refuse(format!("it is larger than {LARGEST_FILE} octets")));
    }
    std::fs::read(path).map_err(|error| refuse(error.to_string()))
}
