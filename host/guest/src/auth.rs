//! ssh authentication: every credential there is, in order.

use std::sync::Arc;

use russh::MethodSet;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{self, PrivateKey, PrivateKeyWithHashAlg};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::target::{PrivateKeySource, SshTarget};

/// Shows the key, then the password, then the password by `keyboard-interactive`; `none` if there is neither.
pub(crate) async fn authenticate(handle: &mut Handle<Client>, target: &SshTarget) -> Result<()> {
    let SshTarget {
        host,
        port,
        username: user,
        auth,
        ..
    } = target;
    let broken = |source: russh::Error| Error::Handshake {
        host: host.clone(),
        port: *port,
        source: Box::new(source),
    };
    let mut tried = Vec::new();
    let mut offered = MethodSet::empty();

    if let Some(source) = &auth.key {
        tried.push("publickey");
        let key = load(source)?;
        let hash = if key.algorithm().is_rsa() {
            handle
                .best_supported_rsa_hash()
                .await
                .map_err(broken)?
                .flatten()
        } else {
            None
        };
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        match handle
            .authenticate_publickey(user, key)
            .await
            .map_err(broken)?
        {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure {
                remaining_methods, ..
            } => offered = remaining_methods,
        }
    }
    if let Some(password) = &auth.password {
        tried.push("password");
        match handle
            .authenticate_password(user, password)
            .await
            .map_err(broken)?
        {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure {
                remaining_methods, ..
            } => offered = remaining_methods,
        }
        // A server that offers both checks the same password twice; only one that refuses the method itself is asked again.
        let only_interactive = offered.contains(&russh::MethodKind::KeyboardInteractive)
            && !offered.contains(&russh::MethodKind::Password);
        if only_interactive {
            tried.push("keyboard-interactive");
            match interactive(handle, user, password).await.map_err(broken)? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure {
                    remaining_methods, ..
                } => offered = remaining_methods,
            }
        }
    }
    if tried.is_empty() {
        tried.push("none");
        match handle.authenticate_none(user).await.map_err(broken)? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure {
                remaining_methods, ..
            } => offered = remaining_methods,
        }
    }
    let offered: Vec<&str> = offered.iter().map(<&str>::from).collect();
    Err(Error::AuthRefused {
        host: host.clone(),
        port: *port,
        user: user.clone(),
        tried: tried.join(", "),
        offered: if offered.is_empty() {
            "nothing".to_owned()
        } else {
            offered.join(", ")
        },
    })
}

/// Answers every question with the password, for as many rounds as a server may reasonably ask.
async fn interactive(
    handle: &mut Handle<Client>,
    user: &str,
    password: &str,
) -> Result<AuthResult, russh::Error> {
    let mut response = handle
        .authenticate_keyboard_interactive_start(user, None)
        .await?;
    for _ in 0..8 {
        match response {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure {
                remaining_methods,
                partial_success,
            } => {
                return Ok(AuthResult::Failure {
                    remaining_methods,
                    partial_success,
                });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = vec![password.to_owned(); prompts.len()];
                response = handle
                    .authenticate_keyboard_interactive_respond(answers)
                    .await?;
            }
        }
    }
    Ok(AuthResult::Failure {
        remaining_methods: MethodSet::empty(),
        partial_success: false,
    })
}

fn load(source: &PrivateKeySource) -> Result<PrivateKey> {
    match source {
        PrivateKeySource::Path(path) => {
            keys::load_secret_key(path, None).map_err(|source| Error::Key {
                path: Some(path.clone()),
                source: Box::new(source),
            })
        }
        PrivateKeySource::Text(text) => {
            keys::decode_secret_key(text, None).map_err(|source| Error::Key {
                path: None,
                source: Box::new(source),
            })
        }
    }
}
