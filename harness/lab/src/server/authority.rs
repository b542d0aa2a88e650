//! The certification authority of one run, and what it issues to the server: a good certificate, or one with one flaw.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use crate::scenario::CertificateKind;

/// The host that a certificate with the wrong name is for.
const OTHER_HOST: &str = "other-host.example.net";

/// An authority that nobody trusts who was not given its certificate. Its key lives as long as the server.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes a key and the certificate of the authority.
    pub(super) fn generate() -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("smtpspec lab authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // Dates are fixed, so that two runs differ in their keys alone. 2049 is the last year of UTCTime.
        params.not_before = date_time_ymd(2010, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let pem = issuer.pem();
        Ok(Self { issuer, pem })
    }

    /// The certificate of the authority (PEM), for clients that are to trust it.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The same (DER).
    pub(super) fn der(&self) -> &[u8] {
        self.issuer.der()
    }

    /// A certificate for a server of this name, with its key.
    pub(super) fn issue(
        &self,
        kind: CertificateKind,
        name: &str,
    ) -> Result<(CertificateDer<'static>, KeyPair), Error> {
        let key = KeyPair::generate()?;
        let params = params(kind, name)?;
        let certificate = match kind {
            CertificateKind::SelfSigned => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        Ok((certificate.der().clone(), key))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// All of a certificate but who signs it.
fn params(kind: CertificateKind, name: &str) -> Result<CertificateParams, Error> {
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".into(), "::1".into()];
    // A scenario may give the server a name that no certificate can hold.
    if !hosts.iter().any(|host| host == name) && ServerName::try_from(name).is_ok() {
        hosts.insert(0, name.to_owned());
    }
    if kind == CertificateKind::WrongName {
        hosts = vec![OTHER_HOST.to_owned()];
    }
    let subject = hosts.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = named(&subject);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let (from, to) = match kind {
        CertificateKind::Expired => (2015, 2016),
        CertificateKind::NotYetValid => (2048, 2049),
        _ => (2020, 2049),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 12, 31);
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rstest::rstest;
    use tokio_rustls::rustls::client::WebPkiServerVerifier;
    use tokio_rustls::rustls::client::danger::ServerCertVerifier;
    use tokio_rustls::rustls::pki_types::UnixTime;
    use tokio_rustls::rustls::{CertificateError, Error, RootCertStore, crypto};

    use super::*;

    /// What a client that trusts the authority makes of a certificate on the first day of 2026.
    fn verify(kind: CertificateKind, host: &str) -> Result<(), Error> {
        let authority = Authority::generate().expect("an authority");
        let (certificate, _) = authority
            .issue(kind, "mail.example.test")
            .expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(authority.der().to_vec()))
            .expect("a root");
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(crypto::ring::default_provider()),
        )
        .build()
        .expect("a verifier");
        let host = ServerName::try_from(host.to_owned()).expect("a host");
        let now = crate::tap::Clock::Pinned.now();
        let now = UnixTime::since_unix_epoch(Duration::from_nanos(now.as_nanos()));
        verifier
            .verify_server_cert(&certificate, &[], &host, &[], now)
            .map(drop)
    }

    #[rstest]
    #[case("mail.example.test")]
    #[case("localhost")]
    #[case("127.0.0.1")]
    #[case("::1")]
    fn the_good_one_is_trusted_for_every_name_of_the_server(#[case] host: &str) {
        assert_eq!(verify(CertificateKind::Good, host), Ok(()));
    }

    #[test]
    fn the_others_are_refused_for_their_one_flaw() {
        let refusal = |kind| match verify(kind, "localhost") {
            Err(Error::InvalidCertificate(refusal)) => refusal,
            other => panic!("{kind:?}: {other:?}"),
        };
        assert_eq!(
            refusal(CertificateKind::SelfSigned),
            CertificateError::UnknownIssuer
        );
        assert!(matches!(
            refusal(CertificateKind::WrongName),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        ));
        assert!(matches!(
            refusal(CertificateKind::Expired),
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        ));
        assert!(matches!(
            refusal(CertificateKind::NotYetValid),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }
        ));
        assert_eq!(
            verify(CertificateKind::WrongName, OTHER_HOST),
            Ok(()),
            "nothing else is wrong with it"
        );
    }

    #[test]
    fn a_name_that_no_certificate_can_hold_is_left_out() {
        let authority = Authority::generate().expect("an authority");
        assert!(authority.issue(CertificateKind::Good, "ö ö").is_ok());
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
