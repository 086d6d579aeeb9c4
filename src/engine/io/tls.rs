//! TLS as a client. Any certificate will do unless a file says which are valid; what is wrong with one then has a name.

mod any_certificate;
mod secp521r1;

use any_certificate::AnyCertificate;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error, PeerMisbehaved, RootCertStore};

/// Why TLS can't be spoken at all.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The library has no version or cipher.
    #[error("no TLS: {0}")]
    Library(#[source] Error),
    /// The file of certificates can't be used.
    #[error("{0}")]
    Certificates(String),
}

/// How TLS is spoken where certificates have to be valid by those of `verify`; without it any will do. Sessions are not taken up
/// again: each conversation meets the certificate itself.
pub(super) fn client(verify: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut provider = ring::default_provider();
    provider.kx_groups.push(secp521r1::GROUP);
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(TlsError::Library)?;
    let mut config = match verify {
        Some(file) => builder.with_root_certificates(roots(file)?).with_no_client_auth(),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What an error says of TLS; none where it is of the connection.
pub(super) fn reason(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired".to_owned(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate not valid yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate of another name".to_owned()
            }
            CertificateError::UnknownIssuer => "certificate of an unknown issuer".to_owned(),
            CertificateError::Revoked => "certificate revoked".to_owned(),
            other => match format!("{other:?}") {
                other if other.contains("CaUsedAsEndEntity") => "certificate signed by itself".to_owned(),
                other if other.contains("UnsupportedCertVersion") => {
                    "certificate of X.509 version 1 or 2, which can't be verified".to_owned()
                }
                other if other.contains("UnsupportedCriticalExtension") => {
                    "certificate with a critical extension that is not known".to_owned()
                }
                other if other.contains("UnsupportedSignatureAlgorithm") => {
                    "certificate with a signature or a key of a kind that can't be verified".to_owned()
                }
                other => format!("certificate that can't be verified: {}", spaced(&other)),
            },
        },
        Error::InvalidMessage(_) => "an answer that is no TLS".to_owned(),
        Error::PeerMisbehaved(PeerMisbehaved::SignedKxWithWrongAlgorithm) => {
            "TLS 1.2 with a key for RSA-PSS alone, which is met over TLS 1.3 only".to_owned()
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "TLS alert HandshakeFailure: it takes none of our ciphers (TLS 1.3, or ECDHE with AES-GCM or ChaCha20), curves (X25519, \
             secp256r1, secp384r1, secp521r1) or signatures"
                .to_owned()
        }
        Error::AlertReceived(alert) => format!("TLS alert {alert:?}"),
        other => format!("TLS: {other}"),
    })
}

/// The innermost name of what the library says, in words: `Other(OtherError(BadDer))` is `bad der`.
fn spaced(said: &str) -> String {
    let name = said.split(['(', '{']).next_back().unwrap_or(said).trim_matches(|c: char| !c.is_alphanumeric());
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let unable = TlsError::Certificates;
    let unreadable = |error| match error {
        pem::Error::Io(error) => error.to_string(),
        other => format!("no PEM: {other}"),
    };
    let read = CertificateDer::pem_file_iter(file);
    let read = read.map_err(|error| unable(format!("{}: {}", file.display(), unreadable(error))))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read.filter_map(Result::ok));
    if roots.is_empty() { Err(unable(format!("{} has no certificate", file.display()))) } else { Ok(roots) }
}
