//! Disks, as `diskpart` lists them.

/// A disk in the table of `diskpart`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskTable {
    /// Its number, which `select disk` takes.
    pub number: u32,
    /// `Online` or `Offline`.
    pub status: String,
    /// Its size as printed: `10 GB`.
    pub size: String,
}

/// The disks in what `list disk` of `diskpart` prints. Similar to `utils_disk.get_windows_disks_index()` in Avocado-VT.
pub fn parse_disks(listed: &str) -> Vec<DiskTable> {
    let disk = |line: &str| {
        let rest = line
            .trim_start()
            .trim_start_matches("* ")
            .strip_prefix("Disk ")?;
        let mut words = rest.split_whitespace();
        let number = words.next()?.parse().ok()?;
        let status = words.next()?.to_owned();
        let size = [words.next()?, words.next()?].join(" ");
        Some(DiskTable {
            number,
            status,
            size,
        })
    };
    listed.lines().filter_map(disk).collect()
}

/// A script for `diskpart /s` that brings a disk online and makes it writable. Similar to
/// `utils_disk.update_windows_disk_attributes()`.
pub fn online_script(number: u32) -> String {
    format!("select disk {number}\r\nonline disk noerr\r\nattributes disk clear readonly\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_read() {
        let listed = "\r\n  Disk ###  Status         Size     Free     Dyn  Gpt\r\n  --------  -------------  -------  -------  ---  ---\r\n  Disk 0    Online           30 GB      0 B\r\n* Disk 1    Offline        1024 MB  1024 MB\r\n";
        let disks = parse_disks(listed);
        let shown: Vec<_> = disks
            .iter()
            .map(|disk| (disk.number, disk.status.as_str(), disk.size.as_str()))
            .collect();
        assert_eq!(shown, [(0, "Online", "30 GB"), (1, "Offline", "1024 MB")]);
    }
}
