//! What wit-bindgen makes of `wit/`. Nothing of it is shown as it is: the modules beside this one are the face.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::allow_attributes_without_reason,
    clippy::needless_pass_by_value,
    clippy::uninlined_format_args,
    clippy::semicolon_if_nothing_returned,
    reason = "generated code"
)]

wit_bindgen::generate!({
    world: "vthost:pack/pack",
    path: ["../wit/core", "../wit/guest", "../wit/vm", "../wit/host", "../wit/pack"],
    generate_all,
    pub_export_macro: false,
});

export!(Pack with_types_in self);

use crate::export::Pack;
