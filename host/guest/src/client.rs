//! The client's side of the ssh protocol: host keys, the end of a connection, algorithms.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{self, DisconnectReason};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Preferred, cipher, kex, mac};

use crate::error::{Result, chain};
use crate::target::{HostKeyPolicy, SshOptions};
use crate::transport::Ending;

/// The client's part of the protocol that needs decisions.
pub(crate) struct Client {
    policy: HostKeyPolicy,
    seen_key: Arc<Mutex<Option<String>>>,
    ending: Ending,
}

impl Client {
    /// `seen_key` receives the fingerprint of the server's key, good or not, `ending` why the connection ends.
    pub(crate) fn new(
        policy: HostKeyPolicy,
        seen_key: Arc<Mutex<Option<String>>>,
        ending: Ending,
    ) -> Self {
        Self {
            policy,
            seen_key,
            ending,
        }
    }
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let found = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256),
            PublicKeyOrCertificate::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256)
            }
        }
        .to_string();
        let good = match &self.policy {
            HostKeyPolicy::AcceptAny => true,
            HostKeyPolicy::Pinned(expected) => found == *expected,
        };
        *self.seen_key.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(good)
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<russh::Error>,
    ) -> Result<(), russh::Error> {
        let text = match &reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                format!("the guest disconnected: {}", info.message)
            }
            DisconnectReason::Error(russh::Error::KeepaliveTimeout) => {
                "the ssh connection is lost: the guest does not answer".to_owned()
            }
            DisconnectReason::Error(error) => {
                format!("the ssh connection is lost: {}", chain(error))
            }
        };
        self.ending.update(|facts| {
            facts.reason.get_or_insert(text);
        });
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

/// Algorithms by the work they make for an emulated guest, which computes everything in translated integer code:
/// curve25519 is the cheapest key exchange (the hybrid post-quantum one adds to it), chacha20-poly1305 needs no AES
/// instructions and no separate MAC. On a guest with hardware AES the difference is lost in the noise. The old algorithms at
/// the end are for old guests. No compression: it costs more than the loopback it would save.
pub(crate) fn config(options: &SshOptions) -> client::Config {
    let preferred = Preferred {
        kex: Cow::Borrowed(&[
            kex::CURVE25519,
            kex::CURVE25519_PRE_RFC_8731,
            kex::MLKEM768X25519_SHA256,
            kex::ECDH_SHA2_NISTP256,
            kex::DH_GEX_SHA256,
            kex::DH_G14_SHA256,
            kex::DH_G14_SHA1,
            kex::EXTENSION_SUPPORT_AS_CLIENT,
            kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
        ]),
        cipher: Cow::Borrowed(&[
            cipher::CHACHA20_POLY1305,
            cipher::AES_128_GCM,
            cipher::AES_256_GCM,
            cipher::AES_128_CTR,
            cipher::AES_256_CTR,
        ]),
        mac: Cow::Borrowed(&[
            mac::HMAC_SHA256_ETM,
            mac::HMAC_SHA512_ETM,
            mac::HMAC_SHA256,
            mac::HMAC_SHA512,
            mac::HMAC_SHA1,
        ]),
        compression: Cow::Borrowed(&[russh::compression::NONE]),
        ..Preferred::DEFAULT
    };
    client::Config {
        preferred,
        nodelay: true,
        keepalive_interval: Some(options.keepalive_interval),
        keepalive_max: options.keepalive_max,
        ..client::Config::default()
    }
}
