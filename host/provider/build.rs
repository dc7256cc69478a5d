//! Notices new files in the embedded directories; the embedding itself only notices changed ones.

fn main() {
    println!("cargo::rerun-if-changed=../../cfg");
    println!("cargo::rerun-if-changed=../../deps/jeos");
}
