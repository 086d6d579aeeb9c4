//! Key exchange on the curve secp521r1 (RFC 8446 §4.2.8.2), which ring has not: servers with a key on this curve want to hear of it with
//! TLS 1.2, and some have no other.

use p521::elliptic_curve::sec1::ToEncodedPoint;
use p521::{PublicKey, SecretKey, ecdh};
use tokio_rustls::rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup, ring};
use tokio_rustls::rustls::{Error, NamedGroup, PeerMisbehaved};

/// The curve, for a provider's list.
pub(super) static GROUP: &dyn SupportedKxGroup = &Secp521r1;

/// Bytes of a secret number: 521 bits.
const LENGTH: usize = 66;

#[derive(Debug)]
struct Secp521r1;

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let random = ring::default_provider().secure_random;
        // 0 and what is beyond the curve's order are no secrets; they are as good as never drawn.
        loop {
            let mut bytes = [0; LENGTH];
            random.fill(&mut bytes)?;
            bytes[0] &= 1;
            if let Ok(secret) = SecretKey::from_slice(&bytes) {
                let told = secret.public_key().to_encoded_point(false).as_bytes().to_vec();
                return Ok(Box::new(Exchange { secret, told }));
            }
        }
    }
    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

struct Exchange {
    secret: SecretKey,
    told: Vec<u8>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = PublicKey::from_sec1_bytes(peer).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let shared = ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        Ok(SharedSecret::from(shared.raw_secret_bytes().as_slice()))
    }
    fn pub_key(&self) -> &[u8] {
        &self.told
    }
    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}
