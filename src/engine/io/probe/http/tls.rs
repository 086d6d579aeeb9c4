//! TLS of `SSL_GET`. Any certificate will do, as in keepalived, unless `tls_verify` asks for a valid one; what is wrong with it
//! then has a name.

use super::super::origin;
use crate::engine::health::{Hindrance, Verdict};
use crate::engine::model::{CheckSpec, Tls, UrlCheck};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Speaks TLS over a connection.
pub(super) async fn shake_hands(
    check: &CheckSpec,
    words: &Tls,
    url: &UrlCheck,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Verdict> {
    let config = config(words)?;
    let name = words.sni_name.as_deref().or(url.host.as_deref());
    let name = name.and_then(|name| ServerName::try_from(name.split(':').next().unwrap_or(name).to_owned()).ok());
    let name = name.unwrap_or_else(|| ServerName::from(check.target.ip()));
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| match reason(&error) {
        Some(why) => Verdict::Failed(why),
        None => origin::judge(check, &error),
    })
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
            other => format!("certificate: {other}"),
        },
        Error::InvalidMessage(_) => "an answer that is no TLS".to_owned(),
        Error::AlertReceived(alert) => format!("TLS alert {alert:?}"),
        other => format!("TLS: {other}"),
    })
}

/// Kept configurations: by whether the name is told, and the file of certificates with its age.
type Kept = HashMap<(bool, Option<(PathBuf, Option<SystemTime>)>), Arc<ClientConfig>>;

fn config(words: &Tls) -> Result<Arc<ClientConfig>, Verdict> {
    static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    let key = (words.sni, words.verify.as_ref().map(|path| (path.clone(), changed(path))));
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(&key) {
        return Ok(Arc::clone(known));
    }
    let config = Arc::new(build(words)?);
    kept.retain(|(_, verify), _| verify.as_ref().map(|v| &v.0) != words.verify.as_ref() || verify.is_none());
    kept.insert(key, Arc::clone(&config));
    Ok(config)
}

fn build(words: &Tls) -> Result<ClientConfig, Verdict> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| {
        Verdict::Unable(Hindrance { reason: format!("no TLS: {error}"), next: "report the engine's log" })
    })?;
    let mut config = match &words.verify {
        Some(file) => builder.with_root_certificates(roots(file)?).with_no_client_auth(),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
    };
    config.enable_sni = words.sni;
    // Each check meets the certificate itself.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn roots(file: &Path) -> Result<RootCertStore, Verdict> {
    let unable = |why: String| {
        Verdict::Unable(Hindrance {
            reason: why,
            next: "give checks.tls_verify of lvsdeck.toml a file of certificates that the engine can read",
        })
    };
    let read = CertificateDer::pem_file_iter(file).map_err(|error| unable(format!("{}: {error:?}", file.display())))?;
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
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
