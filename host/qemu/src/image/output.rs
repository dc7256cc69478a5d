//! What a tool prints: bounded, and watched for its progress.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Progress;

/// Output beyond this is no answer any more: the map of a fragmented disk of a TiB stays below it.
pub(super) const MOST_OUTPUT: usize = 256 << 20;

/// So much of what a tool complains is kept.
const MOST_COMPLAINT: usize = 16 << 10;

/// Reads to the end; `None` if that is too much. Tells the progress on the way.
pub(super) async fn take_all(
    mut from: impl AsyncRead + Unpin,
    mut progress: Option<Progress<'_>>,
) -> io::Result<Option<Vec<u8>>> {
    let mut all = Vec::new();
    let mut told = 0;
    while from.read_buf(&mut all).await? > 0 {
        if all.len() > MOST_OUTPUT {
            return Ok(None);
        }
        if let Some(progress) = &mut progress {
            // Progress is `(12.34/100%)`, each followed by a carriage return.
            while let Some(length) = all[told..].iter().position(|&byte| byte == b'\r') {
                if let Some(percent) = percent(&all[told..told + length]) {
                    progress(percent);
                }
                told += length + 1;
            }
        }
    }
    Ok(Some(all))
}

fn percent(text: &[u8]) -> Option<f32> {
    let text = std::str::from_utf8(text).ok()?.trim();
    text.strip_prefix('(')?.strip_suffix("/100%)")?.parse().ok()
}

/// Reads to the end and keeps the last part.
pub(super) async fn take_end(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    while from.read_buf(&mut end).await? > 0 {
        if end.len() > 2 * MOST_COMPLAINT {
            end.drain(..end.len() - MOST_COMPLAINT);
        }
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_and_other_output_is_not() {
        assert_eq!(percent(b"    (12.50/100%)"), Some(12.5));
        assert_eq!(percent(b"(100.00/100%)"), Some(100.0));
        assert_eq!(percent(b"Image committed."), None);
        assert_eq!(percent(b"(/100%)"), None);
    }
}
