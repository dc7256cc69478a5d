//! What a pack and a configuration may do, and the message when they may not.
//!
//! There are three speakers. The *operator* (command line, the operator's own configuration) is trusted: what
//! the operator sets is allowed. The shipped defaults are part of vthost. The *author of a pack* is not trusted,
//! and neither is the author of the configuration inside the pack: both need a grant of the operator for
//! anything that reaches the host. Evaluation is deny-by-default, in this order:
//!
//! 1. an interface that is on no list is denied: what is not linked does not exist;
//! 2. an interface with a grant of its own is denied unless the operator gave that grant;
//! 3. a key with an effect on the host is denied if any part of its value came from a provider, unless granted.
//!    A value that was put together by `${}` counts as coming from everyone who wrote a part of it, because
//!    otherwise a provider could smuggle its text through a harmless template of the operator.

mod denial;
mod grant;
mod imports;
mod keys;
mod needs;
mod qmp;

pub use denial::{Denial, Rule};
pub use grant::{GRANTS, GrantInfo, Grants, UnknownGrant};
pub use imports::{check_imports, is_open_interface};
pub use keys::check_key;
pub use needs::check_need;
pub use qmp::check_qmp;
