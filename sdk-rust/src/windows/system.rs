//! WMI and services.

use std::collections::BTreeMap;

/// A command that asks WMI and prints `name=value` lines, a blank line between objects. `wmic` is gone from Windows 11 24H2,
/// so PowerShell is asked. Similar to `utils_windows.wmic.make_query()` in Avocado-VT.
pub fn wmi_query(class: &str, condition: Option<&str>, properties: &[&str]) -> String {
    let filter = condition.map_or_else(String::new, |condition| {
        format!(" -Filter '{}'", condition.replace('\'', "''"))
    });
    let names = properties.join(",");
    format!(
        "powershell -NoProfile -Command \"Get-CimInstance -ClassName {class}{filter} | ForEach-Object {{ foreach ($p in '{names}'.Split(',')) {{ $p + '=' + $_.$p }}; '' }}\""
    )
}

/// The objects in `name=value` lines, as `wmic ... /format:list` and [`wmi_query`] print them.
pub fn parse_list(printed: &str) -> Vec<BTreeMap<String, String>> {
    let mut objects = Vec::new();
    let mut object = BTreeMap::new();
    for line in printed.lines().map(|line| line.trim_matches(['\r', ' '])) {
        match line.split_once('=') {
            // `wmic` prints several blank lines, and sometimes none: a name that comes again begins the next object.
            Some((name, value)) => {
                if object.contains_key(name) {
                    objects.push(std::mem::take(&mut object));
                }
                object.insert(name.to_owned(), value.to_owned());
            }
            None if line.is_empty() && !object.is_empty() => {
                objects.push(std::mem::take(&mut object));
            }
            None => {}
        }
    }
    if !object.is_empty() {
        objects.push(object);
    }
    objects
}

/// The state in what `sc query NAME` prints: `RUNNING`, `STOPPED`. Similar to `utils_misc.get_guest_service_status()`.
pub fn service_state(printed: &str) -> Option<&str> {
    let line = printed
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("STATE"))?;
    line.split_once(':')?.1.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read() {
        let printed =
            "\r\r\n\r\r\nIndex=0\r\r\nSize=32 GB\r\r\n\r\r\n\r\r\nIndex=1\r\r\nSize=\r\r\n\r\r\n";
        let objects = parse_list(printed);
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0]["Size"], "32 GB");
        assert_eq!(objects[1]["Size"], "");
        assert!(parse_list("No Instance(s) Available.").is_empty());
    }

    #[test]
    fn a_state_is_read() {
        let printed = "\r\nSERVICE_NAME: netkvm\r\n        TYPE  : 1  KERNEL_DRIVER\r\n        STATE : 4  RUNNING\r\n";
        assert_eq!(service_state(printed), Some("RUNNING"));
        assert_eq!(service_state("[SC] OpenService FAILED 1060:"), None);
    }

    #[test]
    fn a_query_is_one_command() {
        let query = wmi_query(
            "Win32_DiskDrive",
            Some("SerialNumber='x'"),
            &["Index", "Size"],
        );
        assert!(query.contains("-Filter 'SerialNumber=''x'''"), "{query}");
        assert!(query.contains("'Index,Size'"), "{query}");
    }
}
