//! What wasmtime makes of `wit/` at 0.1.0.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args,
    clippy::explicit_iter_loop,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: ["../../wit/core", "../../wit/guest", "../../wit/vm", "../../wit/host", "../../wit/pack"],
    world: "vthost:pack/pack",
    imports: { default: async | trappable },
    exports: { default: async },
    require_store_data_send: true,
    with: {
        "vthost:core/params.params": vthost_params::Params,
        "vthost:core/jobs.job": vthost_env::Job,
        "vthost:guest/session.session": vthost_env::Session,
        "vthost:guest/console.console": vthost_env::Console,
        "vthost:guest/files.files": vthost_env::Files,
        "vthost:guest/agent.agent": vthost_env::Agent,
        "vthost:vm/blocks.block-job": vthost_env::BlockJob,
        "vthost:vm/images.image": vthost_env::Image,
        "vthost:vm/vm.vm": crate::v0_1::VmHandle,
    },
});
