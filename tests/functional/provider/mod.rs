//! `vthost provider`, on real repositories with real signatures.

mod definitions;
mod fixture;
mod interrupted;
mod signatures;
mod sources;
