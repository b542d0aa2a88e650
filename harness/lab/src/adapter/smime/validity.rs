//! Whether a certificate may still be encrypted to: its time (RFC 5280 section 4.1.2.5) and its authority's list of
//! revoked certificates (RFC 5280 section 5).
//!
//! The documentation has the property `Check revocation list` and fetches the list from where the certificate says. Here
//! nothing is fetched: the lists that the machine has are at hand.

use cms::der::asn1::ObjectIdentifier;
use cms::der::{DecodePem, Encode};
use cms::x509_cert::Certificate;
use cms::x509_cert::crl::CertificateList;
use jiff::Timestamp;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, PublicKey};
use sha2::{Digest, Sha256};

/// Certificate of the authority of the test certificates that are no longer good, PEM.
const AUTHORITY_CERTIFICATE: &str = include_str!("../../../keys/authority.cert.pem");
/// What it revoked, PEM.
const AUTHORITY_LIST: &str = include_str!("../../../keys/authority.crl.pem");

/// `id-ce-cRLDistributionPoints` (RFC 5280 section 4.2.1.13).
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
/// SHA-256 with RSA (RFC 4055 section 5).
const SHA_256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// Why a certificate is no longer good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Flaw {
    /// Now is before its first day or after its last.
    OutOfTime,
    /// Its authority revoked it.
    Revoked,
    /// It says that there is a list of revoked certificates, and no current one of its authority is at hand.
    Unknown,
}

/// The lists of revoked certificates that the machine has, each with the authority that vouches for it.
#[derive(Clone, Default)]
pub(in super::super) struct Lists(Vec<(Certificate, CertificateList)>);

impl Lists {
    /// The list of the test certificates.
    pub(in super::super) fn test() -> Self {
        let both = Certificate::from_pem(AUTHORITY_CERTIFICATE)
            .and_then(|authority| Ok((authority, CertificateList::from_pem(AUTHORITY_LIST)?)));
        Self(vec![both.expect(
            "the embedded authority and its list parse, as a test of this module shows",
        )])
    }
}

/// Whether a certificate is good now; with `lists`, whether it was revoked, too.
///
/// A certificate that does not say where a list is has none to be looked up in.
///
/// # Errors
/// The first [`Flaw`].
pub(in super::super) fn check(
    certificate: &Certificate,
    now: Timestamp,
    lists: Option<&Lists>,
) -> Result<(), Flaw> {
    let tbs = certificate.tbs_certificate();
    let validity = tbs.validity();
    let now = u64::try_from(now.as_second()).map_err(|_| Flaw::OutOfTime)?;
    let since = validity.not_before.to_unix_duration().as_secs();
    let until = validity.not_after.to_unix_duration().as_secs();
    if !(since..=until).contains(&now) {
        return Err(Flaw::OutOfTime);
    }
    let listed = tbs
        .extensions()
        .into_iter()
        .flatten()
        .any(|extension| extension.extn_id == CRL_DISTRIBUTION_POINTS);
    let Some(lists) = lists.filter(|_| listed) else {
        return Ok(());
    };
    let list = lists
        .0
        .iter()
        .find(|(authority, list)| is_of(list, authority, certificate) && is_current(list, now))
        .map(|(_, list)| list)
        .ok_or(Flaw::Unknown)?;
    let mut revoked = list.tbs_cert_list.revoked_certificates.iter().flatten();
    if revoked.any(|one| one.serial_number == *tbs.serial_number()) {
        return Err(Flaw::Revoked);
    }
    Ok(())
}

/// Whether a list is of the authority that issued the certificate, and signed by it.
fn is_of(list: &CertificateList, authority: &Certificate, certificate: &Certificate) -> bool {
    let issuer = certificate.tbs_certificate().issuer();
    list.tbs_cert_list.issuer == *issuer
        && authority.tbs_certificate().subject() == issuer
        && is_signed(list, authority).unwrap_or(false)
}

fn is_signed(list: &CertificateList, authority: &Certificate) -> Option<bool> {
    let spki = authority
        .tbs_certificate()
        .subject_public_key_info()
        .to_der();
    let key = PublicKey::from_public_key_der(&spki.ok()?).ok()?;
    let digest = Sha256::digest(list.tbs_cert_list.to_der().ok()?);
    let signature = list.signature.as_bytes()?;
    let known = list.signature_algorithm.oid == SHA_256_WITH_RSA;
    Some(
        known
            && key
                .verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature)
                .is_ok(),
    )
}

fn is_current(list: &CertificateList, now: u64) -> bool {
    let list = &list.tbs_cert_list;
    let next = list.next_update.as_ref();
    list.this_update.to_unix_duration().as_secs() <= now
        && next.is_some_and(|next| now <= next.to_unix_duration().as_secs())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::keys::{
        EXPIRED_CERTIFICATE, RECIPIENT_CERTIFICATE, REVOKED_CERTIFICATE,
    };
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn judge(pem: &str, now: &str, lists: Option<&Lists>) -> Result<(), Flaw> {
        check(
            &Certificate::from_pem(pem).unwrap(),
            now.parse().unwrap(),
            lists,
        )
    }

    #[rstest]
    #[case(RECIPIENT_CERTIFICATE, NOW, Ok(()))]
    #[case(RECIPIENT_CERTIFICATE, "2024-12-31T23:59:59Z", Err(Flaw::OutOfTime))]
    #[case(EXPIRED_CERTIFICATE, "2021-01-01T00:00:00Z", Err(Flaw::Unknown))]
    #[case(EXPIRED_CERTIFICATE, "2021-01-01T00:00:01Z", Err(Flaw::OutOfTime))]
    #[case(EXPIRED_CERTIFICATE, NOW, Err(Flaw::OutOfTime))]
    #[case(REVOKED_CERTIFICATE, NOW, Err(Flaw::Revoked))]
    // The list was not made yet: what it would have said is not known.
    #[case(REVOKED_CERTIFICATE, "2025-05-31T00:00:00Z", Err(Flaw::Unknown))]
    fn the_flaw_is_named(#[case] pem: &str, #[case] now: &str, #[case] expected: Result<(), Flaw>) {
        assert_eq!(judge(pem, now, Some(&Lists::test())), expected);
    }

    #[test]
    fn without_the_check_only_time_counts() {
        assert_eq!(judge(REVOKED_CERTIFICATE, NOW, None), Ok(()));
        assert_eq!(judge(EXPIRED_CERTIFICATE, NOW, None), Err(Flaw::OutOfTime));
        let nothing = Lists::default();
        assert_eq!(
            judge(REVOKED_CERTIFICATE, NOW, Some(&nothing)),
            Err(Flaw::Unknown)
        );
    }

    #[test]
    fn a_list_that_its_authority_did_not_sign_counts_for_nothing() {
        let mut lists = Lists::test();
        lists.0[0].1.tbs_cert_list.revoked_certificates = None;
        assert_eq!(
            judge(REVOKED_CERTIFICATE, NOW, Some(&lists)),
            Err(Flaw::Unknown)
        );
    }
}
