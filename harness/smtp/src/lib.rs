//! Byte streams: SMTP, SASL, NTLM, TLS hellos, messages and CMS read into a [`Timeline`], without any I/O.
//!
//! [`timeline::Timeline`] is the only thing that checks see. [`session::read`] makes one out of a
//! [`wire::Conversation`]; everything else here reads what lies inside: [`sasl`] the authentication exchanges, whose
//! meaning [`identity`] holds, [`ntlm`] the NTLMSSP messages and their proofs, [`tls`] handshakes, and records that a
//! key log opens, [`message`] the mail and its MIME parts, [`cms`] what S/MIME wraps.
//!
//! Input is hostile by assumption: nothing here panics on any bytes, and no length is believed before it is checked.

pub mod cms;
mod content;
pub mod identity;
mod lenient;
pub mod message;
pub mod ntlm;
pub mod sasl;
pub mod secret;
pub mod session;
pub mod timeline;
pub mod tls;
mod tlv;

pub use secret::Secret;
pub use timeline::Timeline;
