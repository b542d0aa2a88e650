//! Packets: capture files read and written, frames decoded, TCP streams put back together.
//!
//! This room knows packets and nothing of SMTP. A capture, whoever made it, comes in at [`read`] and leaves as
//! [`Conversation`]s: two byte streams in the order in which they crossed the wire, where every byte knows its packet
//! and every missing byte is an explicit [`StreamEvent::Gap`]. A conversation that our own server held enters as a
//! capture too: [`tap`] turns what was read from and written to a socket into frames, and those into a file.

pub mod capture;
pub mod conversation;
pub mod decode;
pub mod error;
pub mod note;
mod notes;
pub mod pipeline;
pub mod read;
pub mod segment;
pub mod source;
pub mod tap;
pub mod tcp;
pub mod time;

pub use capture::Capture;
pub use conversation::{
    About, Arrival, Closing, Conversation, Direction, Opening, Provenance, Span, StreamEvent,
};
pub use decode::Decoder;
pub use error::Error;
pub use note::{Note, NoteKind};
pub use read::{Ending, Frame, Frames, Parser, Progress, Truncation};
pub use segment::{Flags, Segment};
pub use tap::{CaptureWriter, Header, TappedConversation, create_new_private, create_private};
pub use tcp::{Bounds, Consumer, Ended, Reassembler};
pub use time::Timestamp;
