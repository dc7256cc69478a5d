//! Why a pack cannot be run at all.

/// Why a pack cannot be run at all. How a test ended is no error but a [`TestEnd`](crate::TestEnd).
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine cannot be made on this machine.
    #[error("the WebAssembly engine does not start on this machine")]
    Engine(#[source] wasmtime::Error),
    /// The component does not compile.
    #[error("the pack {pack} does not compile")]
    Compile {
        /// The name of the pack.
        pack: String,
        /// Why.
        source: wasmtime::Error,
    },
    /// The component does not fit the world of packs.
    #[error("the pack {pack} is not made for this version of vthost")]
    Link {
        /// The name of the pack.
        pack: String,
        /// What is missing.
        source: wasmtime::Error,
    },
    /// The list of tests could not be asked for.
    #[error("the pack {pack} does not tell its tests")]
    Describe {
        /// The name of the pack.
        pack: String,
        /// Why.
        source: wasmtime::Error,
    },
    /// The auxiliary files of a pack cannot be written.
    #[error("the auxiliary files of a pack cannot be written to {}", .path.display())]
    Deps {
        /// Their directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The component cache cannot be used.
    #[error("the component cache {} cannot be used", .path.display())]
    Cache {
        /// Its directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
