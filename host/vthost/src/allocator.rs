//! The memory allocator of the program: jemalloc, which asks the kernel for huge pages.
//!
//! A configuration of fifty thousand lines takes some ten megabytes, each used once: with small pages, a third of the time
//! for reading it goes to the kernel, which hands them out one by one. The measurement of the engine includes this file.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What jemalloc reads when it starts, up to the zero byte: it looks for this symbol, and expects a pointer.
#[expect(unsafe_code, reason = "only a symbol of this name is found")]
// SAFETY: nothing else defines the symbol, and its type is that of the declaration in `tikv_jemalloc_sys`.
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: Option<&'static u8> = Some(&b"thp:always,metadata_thp:always\0"[0]);
