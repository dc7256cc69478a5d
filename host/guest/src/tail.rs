//! The newest bytes of a stream, and how many older ones are gone.

/// Keeps the newest `capacity` bytes (and up to an eighth more, so that the front is not moved for each byte that arrives).
#[derive(Debug)]
pub(crate) struct Tail {
    data: Vec<u8>,
    capacity: usize,
    /// Position in the whole stream of `data[0]`: positions stay valid while the front is cut.
    base: u64,
    /// Bytes thrown away for lack of room since the last [`Tail::take_lost`].
    lost: u64,
}

impl Tail {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            data: Vec::new(),
            capacity,
            base: 0,
            lost: 0,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// True if what comes next may cost what is there.
    pub(crate) fn is_full(&self) -> bool {
        self.data.len() >= self.capacity
    }

    /// The index into [`Tail::bytes`] of a stream position; positions before the front count as the front.
    pub(crate) fn index_of(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.base))
            .map_or(self.data.len(), |i| i.min(self.data.len()))
    }

    /// The stream position of the end of the data.
    pub(crate) fn end_position(&self) -> u64 {
        self.base + self.data.len() as u64
    }

    /// Adds bytes and throws nothing away.
    pub(crate) fn push_all(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.push_all(bytes);
        if self.data.len() > self.capacity + self.capacity / 8 {
            let cut = self.data.len() - self.capacity;
            self.data.drain(..cut);
            self.base += cut as u64;
            self.lost += cut as u64;
        }
    }

    /// Removes and returns the first `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.data.len());
        self.base += count as u64;
        if count == self.data.len() {
            return std::mem::take(&mut self.data);
        }
        let rest = self.data.split_off(count);
        std::mem::replace(&mut self.data, rest)
    }

    /// Removes some bytes out of the middle.
    pub(crate) fn cut(&mut self, range: std::ops::Range<usize>) {
        self.data.drain(range);
    }

    /// How many bytes are missing in front of the data.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// How many bytes were thrown away since the last call.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_kept_and_the_loss_counted() {
        let mut tail = Tail::new(16);
        tail.push(b"0123456789");
        tail.push(b"abcdefghij");
        assert_eq!(tail.bytes(), b"456789abcdefghij");
        assert_eq!(tail.take_lost(), 4);
        assert_eq!(tail.take_lost(), 0);
        assert_eq!(tail.index_of(2), 0);
        assert_eq!(tail.index_of(6), 2);
        assert_eq!(tail.take(2), b"45");
        assert_eq!(tail.index_of(6), 0);
        assert_eq!(tail.end_position(), 20);
        assert_eq!(tail.take(100), b"6789abcdefghij");
    }
}
