//! TLS as a client. Any certificate will do unless a file says which are valid; what is wrong with one then has a name.

use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

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
    let provider = Arc::new(ring::default_provider());
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
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => "certificate signed by itself".to_owned(),
            other if format!("{other:?}").contains("UnsupportedCertVersion") => {
                "certificate of X.509 version 1 or 2, which can't be verified".to_owned()
            }
            other => format!("certificate: {other}"),
        },
        Error::InvalidMessage(_) => "an answer that is no TLS".to_owned(),
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "TLS alert HandshakeFailure: it has no cipher in common with TLS 1.3 or ECDHE with AES-GCM or ChaCha20"
                .to_owned()
        }
        Error::AlertReceived(alert) => format!("TLS alert {alert:?}"),
        other => format!("TLS: {other}"),
    })
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

/// Takes whatever certificate comes.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // None is verified, so that those which the library can't verify will do as well.
        let more = [SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::ED448, SignatureScheme::RSA_PKCS1_SHA1];
        self.0.signature_verification_algorithms.supported_schemes().into_iter().chain(more).collect()
    }
}
