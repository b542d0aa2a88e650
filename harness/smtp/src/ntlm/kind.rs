//! Which response a type 3 message holds.

use super::Authenticate;

/// The kind of proof, judged by its bytes. Flags are no help: several clients echo extended session security and send
/// plain NTLMv1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseKind {
    /// No NT response, and at most one byte in place of the LM response: anonymous, or a local call.
    Anonymous,
    /// An LM response alone.
    Lm,
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
            Self::Lm => "LM",
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
            (25.., 0) => Self::NtlmV2 { lmv2: false },
            (25.., 24) => Self::NtlmV2 { lmv2: !zero },
            _ => Self::Malformed,
        }
    }
}

impl Authenticate {
    /// The kind of response in this message.
    pub fn response_kind(&self) -> ResponseKind {
        ResponseKind::of(self.lm_response.expose(), self.nt_response.expose())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], &[], ResponseKind::Anonymous)]
    #[case(&[0], &[], ResponseKind::Anonymous)]
    #[case(&[7; 24], &[], ResponseKind::Lm)]
    #[case(&[7; 24], &[9; 24], ResponseKind::NtlmV1)]
    #[case(&[9; 24], &[9; 24], ResponseKind::NtlmV1WithoutLm)]
    #[case(&[], &[9; 24], ResponseKind::NtlmV1WithoutLm)]
    #[case(b"12345678\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &[9; 24], ResponseKind::NtlmV1Ess)]
    #[case(&[7; 24], &[9; 60], ResponseKind::NtlmV2 { lmv2: true })]
    #[case(&[0; 24], &[9; 60], ResponseKind::NtlmV2 { lmv2: false })]
    #[case(&[7; 24], &[9; 23], ResponseKind::Malformed)]
    #[case(&[7; 8], &[9; 24], ResponseKind::Malformed)]
    fn bytes_decide(#[case] lm: &[u8], #[case] nt: &[u8], #[case] kind: ResponseKind) {
        assert_eq!(ResponseKind::of(lm, nt), kind);
    }
}
