//! The last bytes of an endless stream, addressed by their place in it.

/// Keeps at least the last `capacity` bytes, contiguous in memory so that patterns can be searched for in them.
#[derive(Debug)]
pub(super) struct Ring {
    bytes: Vec<u8>,
    /// Place in the stream of the first kept byte.
    start: u64,
    capacity: usize,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            capacity,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut only at twice the capacity, so that the cost of moving the rest is spread over as many bytes.
        if self.bytes.len() >= 2 * self.capacity {
            let cut = self.bytes.len() - self.capacity;
            self.bytes.drain(..cut);
            self.start += cut as u64;
        }
    }

    /// Place after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What is kept from a place on, and the place where that really begins: later than asked for if the oldest bytes
    /// are gone.
    pub(super) fn from(&self, at: u64) -> (u64, &[u8]) {
        let at = at.clamp(self.start, self.end());
        let skip = usize::try_from(at - self.start).unwrap_or(self.bytes.len());
        (at, &self.bytes[skip..])
    }
}
