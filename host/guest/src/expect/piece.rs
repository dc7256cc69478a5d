//! Reading without loss: every byte, as it comes.

use tokio::time::timeout_at;

use super::{Expect, RawMatch, search};
use crate::buffer::Lossless;
use crate::error::Result;
use crate::limit::Limit;
use crate::pattern::Pattern;

/// What [`Expect::read_piece`] found.
pub(crate) enum Piece {
    More(Vec<u8>),
    Last(RawMatch),
}

impl Expect {
    /// How many bytes have come so far.
    pub(crate) fn received(&self) -> u64 {
        self.buffer.lock().tail.end_position()
    }

    /// From now on, and until the result is dropped, the guest waits for a reader that is slower than it.
    pub(crate) fn lossless(&self) -> Lossless {
        self.buffer.lossless()
    }

    /// The next piece of the output, up to the first match: nothing that could be the beginning of one, as long as matches
    /// are not longer than `margin` bytes.
    ///
    /// # Errors
    /// As of [`Expect::read_until_raw`].
    pub(crate) async fn read_piece(
        &mut self,
        patterns: &[Pattern],
        margin: usize,
        limit: Limit,
    ) -> Result<Piece> {
        loop {
            {
                let mut unread = self.buffer.lock();
                if let Some(found) = search(&mut unread, patterns, 0) {
                    return Ok(Piece::Last(found));
                }
                if unread.bytes().len() > margin {
                    let count = unread.bytes().len() - margin;
                    return Ok(Piece::More(unread.tail.take(count)));
                }
                if unread.ended().is_some() {
                    let output = unread.bytes().to_vec();
                    drop(unread);
                    return Err(self.gone(&output));
                }
            }
            if timeout_at(limit.deadline, self.buffer.changed())
                .await
                .is_err()
            {
                return Err(self.no_match(patterns, limit.timeout));
            }
        }
    }
}
