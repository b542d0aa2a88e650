//! Which response a type 3 message holds.

use super::proof::Blob;
use super::{Authenticate, flags};

/// The kind of proof, judged by its bytes. Flags are no help: several clients echo extended session security and send
/// plain NTLMv1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseKind {
    /// No NT response, and at most one byte in place of the LM response.
    Anonymous,
    /// The same, from a client that says that it runs on the server's own machine.
    Local,
    /// An LM response alone, or an LMv2 response: their lengths are the same, and only the password tells them apart.
    Lm,
    /// An LMv2 response alone. [`verify`](super::verify) finds this, the bytes do not.
    LmV2,
    /// NTLMv1 with an LM response beside it. The weakest: both halves fall to tables when the challenge is fixed.
    NtlmV1,
    /// NTLMv1; the LM field is empty, zero, or repeats the NT response.
    NtlmV1WithoutLm,
    /// NTLMv1 with extended session security ("NTLM2 session"): the LM field holds a client challenge and zeros.
    NtlmV1Ess,
    /// NTLMv2.
    NtlmV2 {
        /// Whether the LM field holds an LMv2 response (it is zero where the server sent a timestamp).
        lmv2: bool,
    },
    /// Lengths that no version of the protocol produces.
    Malformed,
}

impl ResponseKind {
    /// A short name for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Local => "local call",
            Self::Lm => "LM",
            Self::LmV2 => "LMv2",
            Self::NtlmV1 => "NTLMv1 with LM",
            Self::NtlmV1WithoutLm => "NTLMv1",
            Self::NtlmV1Ess => "NTLMv1 with extended session security",
            Self::NtlmV2 { lmv2: true } => "NTLMv2 with LMv2",
            Self::NtlmV2 { lmv2: false } => "NTLMv2",
            Self::Malformed => "malformed",
        }
    }

    fn of(lm: &[u8], nt: &[u8]) -> Self {
        let zero = lm.iter().all(|byte| *byte == 0);
        match (nt.len(), lm.len()) {
            (0, 0 | 1) => Self::Anonymous,
            (0, 24) => Self::Lm,
            (24, 0) => Self::NtlmV1WithoutLm,
            (24, 24) if lm == nt || zero => Self::NtlmV1WithoutLm,
            (24, 24) if lm.iter().skip(8).all(|byte| *byte == 0) => Self::NtlmV1Ess,
            (24, 24) => Self::NtlmV1,
            (_, 0) if is_v2(nt) => Self::NtlmV2 { lmv2: false },
            (_, 24) if is_v2(nt) => Self::NtlmV2 { lmv2: !zero },
            _ => Self::Malformed,
        }
    }
}

/// Whether an NT response has the shape of NTLMv2: a proof, and the header of the structure that it covers, which begins
/// with two version numbers that are always 1 (section 2.2.2.7).
fn is_v2(nt: &[u8]) -> bool {
    const HEADER: usize = 16 + 28;
    nt.len() >= HEADER && nt.get(16..18) == Some(&[1, 1])
}

/// What bytes and flags say of an integrity code in a type 3 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MicPresence {
    /// There is room for one, and the client promises it.
    Present,
    /// There is room for one, and nothing promises it: as a rule zeros, or no integrity code at all.
    NotPromised,
    /// The client promises one, and the header has no room for it: somebody took it out, or the client lies.
    Missing,
    /// Neither.
    Absent,
}

impl Authenticate {
    /// The kind of response in this message.
    pub fn response_kind(&self) -> ResponseKind {
        match ResponseKind::of(self.lm_response.expose(), self.nt_response.expose()) {
            ResponseKind::Anonymous if self.flags & flags::NEGOTIATE_LOCAL_CALL != 0 => {
                ResponseKind::Local
            }
            kind => kind,
        }
    }

    /// The part of an NTLMv2 response that the client wrote and that is no secret by itself: its time, and its version of
    /// the target information with the service that it believes to talk to. `None` for any other kind, or where it does
    /// not parse.
    pub fn client_target(&self) -> Option<Blob> {
        matches!(self.response_kind(), ResponseKind::NtlmV2 { .. })
            .then(|| Blob::parse(self.nt_response.expose()).ok())
            .flatten()
    }

    /// Whether the message has an integrity code, by what the client promises *and* by the room in the header.
    pub fn mic_presence(&self) -> MicPresence {
        let promised = self.client_target().is_some_and(|blob| blob.promises_mic());
        match (self.mic.is_some(), promised) {
            (true, true) => MicPresence::Present,
            (true, false) => MicPresence::NotPromised,
            (false, true) => MicPresence::Missing,
            (false, false) => MicPresence::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn v2(length: usize) -> Vec<u8> {
        let mut response = vec![0; length];
        response[16..18].fill(1);
        response
    }

    #[rstest]
    #[case(&[], &[], ResponseKind::Anonymous)]
    #[case(&[0], &[], ResponseKind::Anonymous)]
    #[case(&[7; 24], &[], ResponseKind::Lm)]
    #[case(&[7; 24], &[9; 24], ResponseKind::NtlmV1)]
    #[case(&[9; 24], &[9; 24], ResponseKind::NtlmV1WithoutLm)]
    #[case(&[], &[9; 24], ResponseKind::NtlmV1WithoutLm)]
    #[case(b"12345678\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &[9; 24], ResponseKind::NtlmV1Ess)]
    #[case(&[7; 24], &v2(60), ResponseKind::NtlmV2 { lmv2: true })]
    #[case(&[0; 24], &v2(44), ResponseKind::NtlmV2 { lmv2: false })]
    #[case(&[], &v2(44), ResponseKind::NtlmV2 { lmv2: false })]
    #[case(&[7; 24], &v2(43), ResponseKind::Malformed)]
    #[case(&[7; 24], &[9; 60], ResponseKind::Malformed)]
    #[case(&[7; 24], &[9; 23], ResponseKind::Malformed)]
    #[case(&[7; 8], &[9; 24], ResponseKind::Malformed)]
    fn bytes_decide(#[case] lm: &[u8], #[case] nt: &[u8], #[case] kind: ResponseKind) {
        assert_eq!(ResponseKind::of(lm, nt), kind);
    }
}
